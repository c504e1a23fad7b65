"""The column `subtask_index` with `meta/subtasks.parquet`: runs of equal values are spans.

A subtask is looked up by position, as a task is. An empty cell or a negative value is no subtask.
"""

from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen_lerobot.format import Dataset, EpisodeFrames, read_table
from pgen_lerobot.skills.base import EpisodeSkills, Place, span_of_frames
from pgen_lerobot.skills.columns import ColumnReader, Run, episode_runs

TABLE = "meta/subtasks.parquet"


class SubtaskIndex(ColumnReader):
    """The spans of the column `subtask_index`."""

    name = "subtask-index"
    column = "subtask_index"
    reads = f"the column {column} and {TABLE}"

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return super().has(dataset) and (dataset.root / TABLE).is_file()

    def read_column(self, place: Place) -> dict[int, list[Any]]:
        root = place.dataset.root
        self._texts = _texts(root / TABLE, self.column)
        return {episode: self._checked(runs, episode, root) for episode, runs in episode_runs(place, self.column)}

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        runs = self._episodes.get(frames.episode_index)
        if not runs:
            return None
        spans = (span_of_frames(self._texts[index], frames, start, stop, self._fps) for start, stop, index in runs)
        return EpisodeSkills(tuple(spans))

    def _checked(self, runs: list[Run], episode: int, root: Path) -> list[Run]:
        subtasks = [run for run in runs if run[2] is not None and run[2] >= 0]
        for start, _, index in subtasks:
            if index >= len(self._texts):
                raise InputError(
                    f"{root}, episode {episode}, frame {start}: {self.column} is {index}, but {TABLE} has "
                    f"{len(self._texts)} rows; correct either, or choose other skills with --skills."
                )
        return subtasks


def _texts(path: Path, column: str) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path} is missing; it holds the texts of {column}.")
    table = read_table(path)
    text_columns = [field.name for field in table.schema if str(field.type) in ("string", "large_string")]
    if column not in table.schema.names or not text_columns:
        raise InputError(f"{path} needs a column {column} and one of texts; it has {', '.join(table.schema.names)}.")
    texts: list[str] = table.column("subtask" if "subtask" in text_columns else text_columns[0]).to_pylist()
    for row, (index, text) in enumerate(zip(table.column(column).to_pylist(), texts, strict=True)):
        if index != row or not (text or "").strip():
            problem = f"has {column} {index}" if index != row else "has no text"
            raise InputError(f"{path}: row {row} {problem}. Subtasks are looked up by position; put the rows in order.")
    return texts
