"""The spans that a run used, kept in the output: with them the labels can be made again, whatever else changes."""

import json
from collections.abc import Iterator
from pathlib import Path

from pgen.components import Results
from pgen.durable import write_text
from pgen.records import Episode

KEPT_SKILLS = "meta/pgen/skills.json"


def write_skills(results: Results, target: Path) -> None:
    """The episodes' spans, sorted and disjoint as they were used, in the form of skills.json."""
    write_text(target, _parts(results))


def _parts(results: Results) -> Iterator[str]:
    yield '{"episodes": {'
    gap = "\n"
    for episode, _ in results.read():
        yield f'{gap}"{episode.index}": {json.dumps(_told(episode), ensure_ascii=False)}'
        gap = ",\n"
    yield "\n}}\n"


def _told(episode: Episode) -> dict[str, object]:
    spans = [{"name": skill.name, "start": skill.start, "end": skill.end} for skill in episode.skills]
    return {"episode_index": episode.index, "description": episode.task, "skills": spans}
