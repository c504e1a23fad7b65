"""Where an episode's skill spans come from: one reader for each form in which they are found.

`--skills auto` takes the first of `READERS`, in their order, that the dataset has spans for. A reader can
be named, and so can a file, whose name says which reader it is for.
"""

from pathlib import Path

from pgen.errors import InputError
from pgen_lerobot.skills.annotations import LeRobotAnnotations
from pgen_lerobot.skills.base import EpisodeSkills, FileReader, Place, SkillReader, load_json
from pgen_lerobot.skills.custom_annotation import CustomAnnotation
from pgen_lerobot.skills.language import LanguagePersistent
from pgen_lerobot.skills.lines import SpanLines
from pgen_lerobot.skills.skills_json import SkillsJson, read_spans
from pgen_lerobot.skills.subtask_index import SubtaskIndex
from pgen_lerobot.skills.task import TaskAsSkill

__all__ = [
    "READERS",
    "EpisodeSkills",
    "Place",
    "SkillReader",
    "SkillsJson",
    "SubtaskIndex",
    "choose",
    "load_json",
    "read_spans",
]

READERS: tuple[type[SkillReader], ...] = (
    SkillsJson,
    SpanLines,
    LeRobotAnnotations,
    SubtaskIndex,
    LanguagePersistent,
    CustomAnnotation,
)
"""First what was written to say just this, then what a page, a column or another format says."""

_ALL: tuple[type[SkillReader], ...] = (*READERS, TaskAsSkill)
_NAMED = {reader.name: reader for reader in _ALL}


def choose(choice: str, place: Place) -> SkillReader:
    """The reader for `--skills`: `auto`, a reader's name, or the path of a file. Raises InputError."""
    if choice == "auto":
        return _first(place)
    if choice in _NAMED:
        return _NAMED[choice](place)
    path = Path(choice)
    if not path.is_file():
        raise InputError(f"--skills: there is no file {choice}, and no reader of that name: {_known()}.")
    return _for_file(path)(Place(place.dataset, place.wanted, path))


def _first(place: Place) -> SkillReader:
    """A form that is there but holds no span gives way to the next one."""
    found: list[SkillReader] = []
    for reader in READERS:
        if reader.has(place.dataset):
            found.append(reader(place))
            if not found[-1].empty:
                return found[-1]
    if found and isinstance(found[0], SkillsJson):
        return found[0]
    empty = "".join(f" ({reader.reads} holds no span)" for reader in found)
    raise InputError(
        f"{place.dataset.root / SkillsJson.reads} is missing, and no other skills were found{empty}. Annotate the "
        "dataset with skills first, name a file with --skills FILE, or use --skills task to take each episode's task "
        "as its one skill."
    )


def _for_file(path: Path) -> type[FileReader]:
    if path.suffix == ".jsonl":
        return SpanLines
    others = {Path(reader.reads).name: reader for reader in (LeRobotAnnotations, CustomAnnotation)}
    return others.get(path.name, SkillsJson)


def _known() -> str:
    return ", ".join(["auto", *_NAMED])
