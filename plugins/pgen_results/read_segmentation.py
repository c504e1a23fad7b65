"""Read the output of `pgen segment`: its record, and each episode with its spans.

The dataset, which has the images, is the output itself where that is one, otherwise the folder that `--root` names.
"""

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgen.components import Source
from pgen.errors import PgenError
from pgen.records import Episode, Skill
from pgen.registry import registry
from pgen_results.read import read_validated

_LOCATIONS = (("meta/pgen/segmentation.json", "meta/skills.json"), ("segmentation.json", "skills.json"))
"""The record and the skills: in a dataset, and alone."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A segmentation. `read` gives every episode with its spans, in order; a failed episode has none.

    `source` is open; it is None where the dataset or its videos are not available, and `no_images` gives the reason.
    """

    name: str
    record: dict[str, Any]
    source: Source | None
    read: Callable[[], Iterator[Episode]]
    no_images: str = ""

    @property
    def failures(self) -> dict[int, str]:
        """Stage and reason of each failed episode, by its index."""
        return {
            failure["episode_index"]: f"{failure['stage']}: {failure['reason']}" for failure in self.record["failed"]
        }


def is_segmentation(folder: Path) -> bool:
    """Return whether the folder contains a segmentation."""
    return any((folder / record).is_file() for record, _ in _LOCATIONS)


@contextmanager
def open_segmentation(folder: Path, root: Path | None = None) -> Iterator[Segmentation]:
    """Open the segmentation in `folder`, of the dataset in `root`. Raises InputError or ConfigError."""
    paths = next(paths for paths in _LOCATIONS if (folder / paths[0]).is_file())
    record, name = read_validated(folder / paths[0], "segmentation"), folder.resolve().name
    skills = folder / paths[1]
    content = read_validated(skills, "skills")
    dataset = root or (folder if (folder / "meta/info.json").is_file() else None)
    if dataset is None:
        reason = "a skills file alone has none; name its dataset with --root to see them."
        yield Segmentation(name, record, None, lambda: _from_skills(content, record), reason)
        return
    source, no_images = _open_source(record["source"], dataset, skills)
    try:
        yield Segmentation(name, record, None if no_images else source, source.episodes, no_images)
    finally:
        source.close()


def _open_source(described: dict[str, Any], root: Path, skills: Path) -> tuple[Source, str]:
    """Return the dataset with its first camera; where that fails, without a camera and with the reason."""
    cls: Any = registry().find("source", "lerobot")
    options = {"root": root, "skills": str(skills), "episodes": described.get("episodes")}
    source: Source = cls(**options, cameras=tuple(described.get("cameras") or ())[:1], views=1)
    try:
        source.open()
    except PgenError as error:
        source = cls(**options, views=0)
        source.open()
        return source, str(error)
    return source, ""


def _from_skills(content: dict[str, Any], record: dict[str, Any]) -> Iterator[Episode]:
    episodes: dict[int, dict[str, Any]] = {failure["episode_index"]: {"skills": []} for failure in record["failed"]}
    episodes |= {int(key): episode for key, episode in content["episodes"].items()}
    for index, episode in sorted(episodes.items()):
        spans = tuple(Skill(span["name"], float(span["start"]), float(span["end"])) for span in episode["skills"])
        yield Episode(index, f"ep_{index:06d}", episode.get("description") or "", 1.0, array("d"), spans)
