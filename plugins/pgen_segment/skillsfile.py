"""meta/skills.json as it is written: the mission's form, the same file for the same spans."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import floor
from pathlib import Path
from typing import Any

from pgen.labels.spans import frame_ranges
from pgen.records import Episode, Skill
from pgen.storage.durable import write_text

DIGITS = 6
"""Of a second: a thousandth of what tells two frames apart, and free of most noise of float32."""


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
                    {"name": skill.name, "start": written(skill.start), "end": written(skill.end)}
                    for skill in episode.skills
                ],
            }
            for index, episode in sorted(episodes.items())
        },
    }


def written(time: float) -> float:
    """A time as it is written: never later than the frame that it is the time of.

    Then a reader that looks for the span with `start <= timestamp < end` gives each frame the same span as this
    package's own does, whose slack forgives the noise of float32.
    """
    near = round(time, DIGITS)
    return near if near <= time else round(floor(time * 10**DIGITS) / 10**DIGITS, DIGITS)


def write(path: Path, episodes: Mapping[int, Segmented]) -> None:
    """Write the file, which must not exist."""
    write_text(path, [json.dumps(content(episodes), indent=2, ensure_ascii=False), "\n"])


def _most_common(tasks: Iterable[str]) -> str:
    """Of several equally common the first."""
    counts = Counter(tasks)
    return max(counts, key=counts.__getitem__, default="")
