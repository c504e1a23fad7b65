"""The spans that a run used, kept in the output: with them the labels can be made again, whatever else changes.

Those that were found for the run become the dataset's own, with the record of how they were made.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pgen.errors import InputError
from pgen.records import Episode
from pgen.storage.durable import new_text, write_text
from pgen_lerobot.format import read_text
from pgen_lerobot.skills import SkillsJson
from pgen_lerobot.write.labelling import Annotated

KEPT_SKILLS = "meta/pgen/skills.json"
SEGMENTATION_FILES = {"skills.json": SkillsJson.reads, "segmentation.json": "meta/pgen/segmentation.json"}
"""What `pgen segment --skills-only` writes, and its place in a dataset."""


def check_found(root: Path, overwrite: bool) -> None:
    """Raises InputError where the dataset has skills of its own, which are not to be replaced."""
    if (root / SkillsJson.reads).exists() and not overwrite:
        raise InputError(
            f"{root / SkillsJson.reads} exists already; replace it in the output with --overwrite, or leave --segment "
            "out to annotate the skills that the dataset has."
        )


def write_found(found: Path, out: Path) -> list[str]:
    """Give the output the skills in the folder `found` for its own; returns the files' names."""
    for name, place in SEGMENTATION_FILES.items():
        write_text(out / place, [read_text(found / name)])
    return list(SEGMENTATION_FILES.values())


def with_skills(target: Path, annotated: Iterable[Annotated]) -> Iterator[Annotated]:
    """The same episodes; the spans of each, sorted and disjoint as they were used, are written as it is taken.

    The form is that of skills.json; the file is whole, and on the disk, with the last.
    """
    with new_text(target) as file:
        file.write('{"episodes": {')
        gap = "\n"
        for episode, found in annotated:
            file.write(f'{gap}"{episode.index}": {json.dumps(_told(episode), ensure_ascii=False)}')
            gap = ",\n"
            yield episode, found
        file.write("\n}}\n")


def _told(episode: Episode) -> dict[str, object]:
    spans = [{"name": skill.name, "start": skill.start, "end": skill.end} for skill in episode.skills]
    return {"episode_index": episode.index, "description": episode.task, "skills": spans}
