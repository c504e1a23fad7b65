"""Skill spans: one reader for each form in which datasets have them.

`--skills auto` takes the first of `READERS` that the dataset has spans for. A reader can also be named, as can
a file, whose name decides on the reader.
"""

from pathlib import Path

from pgen.errors import InputError
from pgen_lerobot.skills.base import EpisodeSkills, Place, SkillReader
from pgen_lerobot.skills.columns import LanguagePersistent, SubtaskIndex, TaskAsSkill
from pgen_lerobot.skills.files import (
    CustomAnnotation,
    FileReader,
    LeRobotAnnotations,
    SkillsJson,
    SpanLines,
    read_spans,
)
from pgen_lerobot.skills.levels import BY_MODEL, OTHER_SKILLS, PHASES, RecordedPhases, load_json

__all__ = [
    "BY_MODEL",
    "OTHER_SKILLS",
    "PHASES",
    "READERS",
    "EpisodeSkills",
    "Place",
    "RecordedPhases",
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
"""First the forms that were written for skills alone, then pages, columns and other formats."""

_ALL: tuple[type[SkillReader], ...] = (*READERS, TaskAsSkill)
_NAMED = {reader.name: reader for reader in _ALL}


def choose(choice: str, place: Place) -> SkillReader:
    """Return the reader for `--skills`: `auto`, a reader's name, or the path of a file. Raises InputError."""
    if choice == "auto":
        return _first(place)
    if choice in _NAMED:
        return _NAMED[choice](place)
    path = Path(choice)
    if not path.is_file():
        names = ", ".join(["auto", *_NAMED])
        raise InputError(f"--skills: there is no file {choice}, and no reader of that name: {names}.")
    return _for_file(path)(Place(place.dataset, place.selected, path))


def _first(place: Place) -> SkillReader:
    """Return the first reader with a span; a form without any span is skipped."""
    empty: list[SkillReader] = []
    for reader in READERS:
        if reader.has(place.dataset):
            candidate = reader(place)
            if not candidate.empty:
                return candidate
            empty.append(candidate)
    if empty and isinstance(empty[0], SkillsJson):
        return empty[0]
    reasons = "".join(f" ({reader.reads} holds no span)" for reader in empty)
    raise InputError(
        f"{place.dataset.root / SkillsJson.reads} is missing, and no other skills were found{reasons}. Find "
        "skills with `pgen segment`, name a file with --skills FILE, or use --skills task to take each episode's task "
        "as its one skill."
    )


def _for_file(path: Path) -> type[FileReader]:
    if path.suffix == ".jsonl":
        return SpanLines
    others = {Path(reader.reads).name: reader for reader in (LeRobotAnnotations, CustomAnnotation)}
    return others.get(path.name, SkillsJson)
