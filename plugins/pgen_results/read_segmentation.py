"""What `pgen segment` wrote, read again: its record, its spans episode by episode, and the dataset with its pictures.

The dataset is the result itself where that is one, else what `root` names. Without it there are spans and no
pictures.
"""

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgen.components import Source
from pgen.errors import InputError, PgenError
from pgen.formats.schemas import first_error, validator
from pgen.records import Episode, Skill
from pgen.registry import registry
from pgen.safety.bounded_json import read_json

_PLACES = (("meta/pgen/segmentation.json", "meta/skills.json"), ("segmentation.json", "skills.json"))
"""The record and the skills: in a dataset, and alone."""


@dataclass(frozen=True, slots=True)
class Segmented:
    """`read` gives every episode with its spans, in order; those that failed have none.

    `source` is open; None where the dataset or its videos are not at hand, and `absent` then says why.
    """

    name: str
    record: dict[str, Any]
    source: Source | None
    read: Callable[[], Iterator[Episode]]
    absent: str = ""

    @property
    def failed(self) -> dict[int, str]:
        """Why an episode has no spans."""
        return {one["episode_index"]: f"{one['stage']}: {one['reason']}" for one in self.record["failed"]}


def is_segmented(folder: Path) -> bool:
    """Whether the folder holds a segmentation."""
    return any((folder / record).is_file() for record, _ in _PLACES)


@contextmanager
def opened(folder: Path, root: Path | None = None) -> Iterator[Segmented]:
    """The segmentation in `folder`, of the dataset at `root`. Raises InputError, ConfigError."""
    told, kept = next(place for place in _PLACES if (folder / place[0]).is_file())
    record, skills, name = _checked(folder / told, "segmentation"), folder / kept, folder.resolve().name
    content = _checked(skills, "skills")
    place = root or (folder if (folder / "meta/info.json").is_file() else None)
    if place is None:
        absent = "a skills file alone has none; name its dataset with --root to see them."
        yield Segmented(name, record, None, lambda: _alone(content, record), absent)
        return
    source, absent = _opened(record["source"], place, skills)
    try:
        yield Segmented(name, record, None if absent else source, source.episodes, absent)
    finally:
        source.close()


def _checked(path: Path, schema: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json(path)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: there is no segmentation without it.") from None
    if problem := first_error(validator(schema), content):
        raise InputError(f"{path} does not fit the schema `{schema}` at {problem}.")
    return content


def _opened(described: dict[str, Any], root: Path, skills: Path) -> tuple[Source, str]:
    """The dataset, with its first camera; without any where that cannot be shown, and why."""
    cls: Any = registry().find("source", "lerobot")
    given = {"root": root, "skills": str(skills), "episodes": described.get("episodes")}
    source: Source = cls(**given, cameras=tuple(described.get("cameras") or ())[:1], views=1)
    try:
        source.open()
    except PgenError as error:
        source = cls(**given, views=0)
        source.open()
        return source, str(error)
    return source, ""


def _alone(content: dict[str, Any], record: dict[str, Any]) -> Iterator[Episode]:
    known = {int(key): episode for key, episode in content["episodes"].items()}
    failed: dict[int, dict[str, Any]] = {one["episode_index"]: {"skills": []} for one in record["failed"]}
    for index, episode in sorted((failed | known).items()):
        spans = tuple(Skill(span["name"], float(span["start"]), float(span["end"])) for span in episode["skills"])
        yield Episode(index, f"ep_{index:06d}", episode.get("description") or "", 1.0, array("d"), spans)
