"""Write meta/skills.json; the same spans give the same file."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import floor
from pathlib import Path
from typing import Any

from pgen.labels import frame_ranges
from pgen.records import Episode, Skill
from pgen.storage.durable import write_text

DIGITS = 6
"""Decimals of a time in seconds: enough to tell frames apart, and without most of the noise of float32."""


@dataclass(frozen=True, slots=True)
class Segmented:
    """An episode's own task, and its spans with the frames of each."""

    task: str
    skills: tuple[Skill, ...]
    frames: tuple[range, ...]

    @classmethod
    def of(cls, episode: Episode, skills: tuple[Skill, ...]) -> "Segmented":
        """Return the record of an episode with these spans."""
        return cls(episode.task, skills, tuple(frame_ranges(replace(episode, skills=skills))))


def skill_indices(episodes: Mapping[int, Segmented]) -> dict[str, int]:
    """Return the index of each skill's name, in alphabetical order."""
    names = sorted({skill.name for episode in episodes.values() for skill in episode.skills})
    return {name: index for index, name in enumerate(names)}


def content(episodes: Mapping[int, Segmented]) -> dict[str, Any]:
    """Return the file as a JSON value (schema `skills`); `coarse_description` is the task of most episodes."""
    return {
        "coarse_description": _most_common(episode.task for _, episode in sorted(episodes.items())),
        "skill_to_task_index": skill_indices(episodes),
        "episodes": {
            str(index): {
                "episode_index": index,
                "description": episode.task,
                "skills": [
                    {"name": skill.name, "start": rounded(skill.start), "end": rounded(skill.end)}
                    for skill in episode.skills
                ],
            }
            for index, episode in sorted(episodes.items())
        },
    }


def rounded(time: float) -> float:
    """Round a time, never to more than the timestamp of its frame.

    A reader that compares `start <= timestamp < end` then finds the same span for each frame as this package does,
    which allows for the noise of float32.
    """
    near = round(time, DIGITS)
    return near if near <= time else round(floor(time * 10**DIGITS) / 10**DIGITS, DIGITS)


def write(path: Path, episodes: Mapping[int, Segmented]) -> None:
    """Write the file, which must not exist."""
    write_text(path, [json.dumps(content(episodes), indent=2, ensure_ascii=False), "\n"])


def _most_common(tasks: Iterable[str]) -> str:
    """Return the first of the most frequent."""
    counts = Counter(tasks)
    return max(counts, key=counts.__getitem__, default="")
