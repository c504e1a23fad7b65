"""meta/skills.json as it is written: the mission's form, the same file for the same spans."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pgen.durable import write_text
from pgen.records import Episode, Skill
from pgen.spans import frame_ranges

DIGITS = 6
"""Of a second: a thousandth of what tells two frames apart, and free of the noise of float32."""


@dataclass(frozen=True, slots=True)
class Segmented:
    """An episode's own task, and its spans with the frames of each."""

    task: str
    skills: tuple[Skill, ...]
    frames: tuple[range, ...]

    @classmethod
    def of(cls, episode: Episode, skills: tuple[Skill, ...]) -> "Segmented":
        return cls(episode.task, skills, tuple(frame_ranges(replace(episode, skills=skills))))


def skill_indices(episodes: Mapping[int, Segmented]) -> dict[str, int]:
    """The names of all skills in alphabetical order, numbered."""
    names = sorted({skill.name for episode in episodes.values() for skill in episode.skills})
    return {name: index for index, name in enumerate(names)}


def content(episodes: Mapping[int, Segmented]) -> dict[str, Any]:
    """The file as a value (schema `skills`); `coarse_description` is the task that most episodes have."""
    return {
        "coarse_description": _most_common(episode.task for _, episode in sorted(episodes.items())),
        "skill_to_task_index": skill_indices(episodes),
        "episodes": {
            str(index): {
                "episode_index": index,
                "description": episode.task,
                "skills": [
                    {"name": skill.name, "start": round(skill.start, DIGITS), "end": round(skill.end, DIGITS)}
                    for skill in episode.skills
                ],
            }
            for index, episode in sorted(episodes.items())
        },
    }


def write(path: Path, episodes: Mapping[int, Segmented]) -> None:
    """Write the file, which must not exist."""
    write_text(path, [json.dumps(content(episodes), indent=2, ensure_ascii=False), "\n"])


def _most_common(tasks: Iterable[str]) -> str:
    """Of several equally common the first."""
    counts = Counter(tasks)
    return max(counts, key=counts.__getitem__, default="")
