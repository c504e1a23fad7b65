"""The spans that a run used, stored in the output, so that the labels can be computed again.

Those that were segmented for the run become the dataset's own, with the record of the segmentation.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pgen.errors import InputError
from pgen.records import Skill
from pgen.storage.durable import new_text, write_text
from pgen_lerobot.format import read_text
from pgen_lerobot.skills import SkillsJson
from pgen_lerobot.write.labelling import Annotated

KEPT_SKILLS = "meta/pgen/skills.json"
SEGMENTATION_FILES = {"skills.json": SkillsJson.reads, "segmentation.json": "meta/pgen/segmentation.json"}
"""The files of `pgen segment --skills-only`, and their places in a dataset."""


def check_segmented(root: Path, overwrite: bool) -> None:
    """Raise InputError where segmentation would replace the dataset's own skills and `overwrite` is False."""
    if (root / SkillsJson.reads).exists() and not overwrite:
        raise InputError(
            f"{root / SkillsJson.reads} exists already; replace it in the output with --overwrite, or leave --segment "
            "out to annotate the skills that the dataset has."
        )


def write_segmented(folder: Path, out: Path) -> list[str]:
    """Copy the segmentation in `folder` into the output; return the files' names."""
    for name, place in SEGMENTATION_FILES.items():
        write_text(out / place, [read_text(folder / name)])
    return list(SEGMENTATION_FILES.values())


def with_skills(target: Path, annotated: Iterable[Annotated]) -> Iterator[Annotated]:
    """Return the same episodes and write the spans of each as it is taken, in the form of skills.json.

    The file is complete, and synced, after the last episode.
    """
    with new_text(target) as file:
        file.write('{"episodes": {')
        separator = "\n"
        for episode, annotations in annotated:
            spans = skills_entry(episode.index, episode.task, episode.skills)
            file.write(f'{separator}"{episode.index}": {json.dumps(spans, ensure_ascii=False)}')
            separator = ",\n"
            yield episode, annotations
        file.write("\n}}\n")


def skills_entry(index: int, task: str, skills: Iterable[Skill]) -> dict[str, object]:
    """Return an episode's entry of a skills.json."""
    spans = [{"name": skill.name, "start": skill.start, "end": skill.end} for skill in skills]
    return {"episode_index": index, "description": task, "skills": spans}
