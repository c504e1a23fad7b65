"""The spans that a run used, kept in the output: with them the labels can be made again, whatever else changes."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pgen.durable import new_text
from pgen.records import Episode
from pgen_lerobot.writing.labelling import Annotated

KEPT_SKILLS = "meta/pgen/skills.json"


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
