"""The column `language_persistent` (lerobot 0.6): rows of style `subtask`, each lasting until the next one.

Every frame of an episode repeats the same list, so only the first one is read.
"""

from math import isfinite
from typing import Any

from pgen.errors import InputError
from pgen_lerobot.format import EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, Place, spans_between
from pgen_lerobot.skills.columns import ColumnReader, first_cells


class LanguagePersistent(ColumnReader):
    """The spans of the subtask rows of `language_persistent`."""

    name = "language-persistent"
    column = "language_persistent"
    reads = f"the column {column}"

    def read_column(self, place: Place) -> dict[int, list[Any]]:
        where = f"{place.dataset.root}, episode {{}}, column {self.column}"
        return {episode: _starts(rows, where.format(episode)) for episode, rows in first_cells(place, self.column)}

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        starts = self._episodes.get(frames.episode_index)
        return EpisodeSkills(spans_between(starts, frames, self._fps)) if starts else None


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
