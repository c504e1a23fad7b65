"""The column `language_persistent` (lerobot 0.6): rows of style `subtask`, each lasting until the next one.

Every frame of an episode repeats the same list, so the first one is read.
"""

from math import isfinite
from typing import Any

from pgen.errors import InputError
from pgen_lerobot.format import Dataset, EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, Place, SkillReader, until_the_next
from pgen_lerobot.skills.columns import first_cells

COLUMN = "language_persistent"


class LanguagePersistent(SkillReader):
    """The spans of the subtask rows of `language_persistent`."""

    name = "language-persistent"
    reads = f"the column {COLUMN}"

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return COLUMN in dataset.features

    def __init__(self, place: Place) -> None:
        root = place.dataset.root
        if COLUMN not in place.dataset.features:
            raise InputError(f"{root / 'meta/info.json'} declares no {COLUMN}; --skills {self.name} reads it.")
        self._fps = place.dataset.fps
        self._episodes = {
            episode: _starts(rows, f"{root}, episode {episode}, column {COLUMN}")
            for episode, rows in first_cells(place, COLUMN)
        }

    @property
    def empty(self) -> bool:
        return not any(self._episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        starts = self._episodes.get(frames.episode_index)
        return EpisodeSkills(until_the_next(starts, frames, self._fps)) if starts else None


def _starts(rows: Any, where: str) -> list[tuple[float, str]]:
    starts = []
    for row in rows or ():
        if row.get("style") != "subtask":
            continue
        time = row.get("timestamp")
        if not isinstance(time, float) or not isfinite(time):
            raise InputError(
                f"{where}: the subtask {row.get('content')!r} has no timestamp; give it the second it begins."
            )
        starts.append((time, row.get("content") or ""))
    return starts
