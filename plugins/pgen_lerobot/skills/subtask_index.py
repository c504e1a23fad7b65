"""The column `subtask_index` with `meta/subtasks.parquet`: runs of equal values are spans.

A subtask is looked up by position, as a task is. An empty cell or a negative value is no subtask.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.records import Skill
from pgen_lerobot.format import Dataset, EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, Place, SkillReader, end_of
from pgen_lerobot.skills.columns import Run, episode_runs

COLUMN = "subtask_index"
TABLE = "meta/subtasks.parquet"


class SubtaskIndex(SkillReader):
    """The spans of the column `subtask_index`."""

    name = "subtask-index"
    reads = f"the column {COLUMN} and {TABLE}"

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return COLUMN in dataset.features and (dataset.root / TABLE).is_file()

    def __init__(self, place: Place) -> None:
        root = place.dataset.root
        if COLUMN not in place.dataset.features:
            raise InputError(f"{root / 'meta/info.json'} declares no {COLUMN}; --skills {self.name} reads it.")
        self._fps = place.dataset.fps
        self._texts = _texts(root / TABLE)
        self._episodes = {episode: self._known(found, episode, root) for episode, found in episode_runs(place, COLUMN)}

    @property
    def empty(self) -> bool:
        return not any(self._episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        found = self._episodes.get(frames.episode_index)
        return EpisodeSkills(tuple(self._span(frames, *run) for run in found)) if found else None

    def _span(self, frames: EpisodeFrames, start: int, stop: int, subtask: int) -> Skill:
        last = stop >= len(frames.timestamps)
        end = end_of(frames, self._fps) if last else frames.timestamps[stop]
        return Skill(self._texts[subtask], frames.timestamps[start], end)

    def _known(self, found: list[Run], episode: int, root: Path) -> list[tuple[int, int, int]]:
        known = [(start, stop, index) for start, stop, index in found if index is not None and index >= 0]
        for start, _, index in known:
            if index >= len(self._texts):
                raise InputError(
                    f"{root}, episode {episode}, frame {start}: {COLUMN} is {index}, but {TABLE} has "
                    f"{len(self._texts)} rows; mend either, or choose other skills with --skills."
                )
        return known


def _texts(path: Path) -> list[str]:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except FileNotFoundError:
        raise InputError(f"{path} is missing; it holds the texts of {COLUMN}.") from None
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a readable parquet file: {error}") from None
    named = [field.name for field in table.schema if str(field.type) in ("string", "large_string")]
    if COLUMN not in table.schema.names or not named:
        raise InputError(f"{path} needs a column {COLUMN} and one of texts; it has {', '.join(table.schema.names)}.")
    texts: list[str] = table.column("subtask" if "subtask" in named else named[0]).to_pylist()
    for row, (index, text) in enumerate(zip(table.column(COLUMN).to_pylist(), texts, strict=True)):
        if index != row or not (text or "").strip():
            wrong = f"has {COLUMN} {index}" if index != row else "has no text"
            raise InputError(f"{path}: row {row} {wrong}. Subtasks are looked up by position; put the rows in order.")
    return texts
