"""Skills in columns of the data, read once when the source is opened, and the task itself.

`subtask_index` has runs of rows of `meta/subtasks.parquet`, looked up by position; an empty cell or a negative value
is no subtask. `language_persistent` (lerobot 0.6) repeats the same list on the frames of an episode; its rows of style
`subtask` last until the next one, or until a frame whose list has none.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.records import Skill
from pgen_lerobot.format import Dataset, EpisodeFrames, episode_tables, read_table, runs
from pgen_lerobot.skills.base import EpisodeSkills, Place, SkillReader, span_of_frames, spans_between

type Run = tuple[int, int, int]
"""Frames [start, stop) of an episode with one value."""

_ROWS = 256
"""Rows read at a time where each frame repeats a list."""
TABLE = "meta/subtasks.parquet"


class ColumnReader(SkillReader):
    """A reader of one column, whose content of each episode is held by `read_column`."""

    column: ClassVar[str]

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return cls.column in dataset.features

    def __init__(self, place: Place) -> None:
        root = place.dataset.root
        if self.column not in place.dataset.features:
            raise InputError(f"{root / 'meta/info.json'} declares no {self.column}; --skills {self.name} reads it.")
        self._fps = place.dataset.fps
        self._episodes = self.read_column(place)

    @abstractmethod
    def read_column(self, place: Place) -> dict[int, list[Any]]:
        """Read what the column says of each episode."""


def episode_runs(place: Place, column: str) -> Iterator[tuple[int, list[Run]]]:
    """Read the runs of equal values of a column of integers, by episode."""
    for name, shard in _shards(place.dataset, column):
        for table in episode_tables(place.dataset, shard, ["episode_index", column], place.selected):
            try:
                values = table.column(column).cast(pa.int64())
            except pa.ArrowException as error:
                raise InputError(f"{place.dataset.root / name}, column {column}: no whole numbers: {error}") from None
            yield table.column("episode_index")[0].as_py(), list(runs(values))


def distinct_cells(place: Place, column: str) -> Iterator[tuple[int, list[tuple[int, Any]]]]:
    """Read a column of lists, by episode: its first cell and each of another length than the one before, by frame."""
    for _, shard in _shards(place.dataset, column):
        cells: dict[int, list[tuple[int, Any]]] = {}
        frame = 0
        for batch in shard.iter_batches(_ROWS, columns=["episode_index", column]):
            lists = batch.column(column)
            lengths = pc.fill_null(pc.list_value_length(lists), 0)
            for start, stop, episode in runs(pa.chunked_array([batch.column("episode_index")])):
                if episode not in cells:
                    yield from cells.items()
                    cells, frame = {episode: []}, 0
                for first, _, length in runs(pa.chunked_array([lengths.slice(start, stop - start)])):
                    if not cells[episode] or len(cells[episode][-1][1] or ()) != length:
                        cells[episode].append((frame + first, lists[start + first].as_py()))
                frame += stop - start
        yield from cells.items()


def _shards(dataset: Dataset, column: str) -> Iterator[tuple[str, pq.ParquetFile]]:
    for name in dataset.data_files:
        with dataset.shard(name) as shard:
            if column not in shard.schema_arrow.names:
                raise InputError(f"{dataset.root / name} has no column {column}, which meta/info.json declares.")
            yield name, shard


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

    def spans(self, content: list[Run], frames: EpisodeFrames) -> tuple[Skill, ...]:
        runs = ((self._texts[index], start, stop) for start, stop, index in content)
        return tuple(span_of_frames(text, frames, start, stop, self._fps) for text, start, stop in runs)

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


class LanguagePersistent(ColumnReader):
    """The spans of the subtask rows of `language_persistent`."""

    name = "language-persistent"
    column = "language_persistent"
    reads = f"the column {column}"

    def read_column(self, place: Place) -> dict[int, list[Any]]:
        where = f"{place.dataset.root}, episode {{}}, column {self.column}"
        return {
            episode: _changes(cells, where.format(episode))
            for episode, cells in distinct_cells(place, self.column)
            if place.selected is None or episode in place.selected
        }

    def spans(self, content: list[tuple[float | int, str]], frames: EpisodeFrames) -> tuple[Skill, ...]:
        starts = ((frames.timestamps[at] if isinstance(at, int) else at, name) for at, name in content)
        return spans_between(starts, frames, self._fps)


def _changes(cells: list[tuple[int, Any]], where: str) -> list[tuple[float | int, str]]:
    """Return the second at which each subtask starts, and with an empty name the frame from which there is none."""
    named = [(frame, _starts(rows, where)) for frame, rows in cells]
    starts = next((starts for _, starts in named if starts), [])
    return [*starts, *((frame, "") for frame, empty in named if starts and frame and not empty)]


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


class TaskAsSkill(SkillReader):
    """A span for each stretch of frames with one task, named as the task. `--skills auto` never chooses it.

    Where the episode has a text of its own, it is one span with that name.
    """

    name = "task"
    reads = "the column task_index"
    empty = False

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return True

    def __init__(self, place: Place) -> None:
        self._texts = place.dataset.tasks.texts
        self._of_episodes = place.dataset.episode_tasks
        self._fps = place.dataset.fps

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills:
        if frames.episode_index in self._of_episodes:
            return EpisodeSkills((span_of_frames(own_task, frames, 0, len(frames.timestamps), self._fps),))
        return EpisodeSkills(self.spans(frames.task_indices, frames))

    def spans(self, content: Iterable[int], frames: EpisodeFrames) -> tuple[Skill, ...]:
        spans, start = [], 0
        for task, group in groupby(content):
            stop = start + sum(1 for _ in group)
            spans.append(span_of_frames(self._texts[task], frames, start, stop, self._fps))
            start = stop
        return tuple(spans)
