"""The index columns of the frames, streamed episode by episode without an object per frame.

A frame is identified by its position in its episode; its time is the `timestamp` of the data, never that of a
decoded image. Data that would make a label wrong later (rows out of order, decreasing times) are refused.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen_lerobot.format.dataset import Dataset
from pgen_lerobot.format.layout import EpisodeEntry
from pgen_lerobot.format.parquet import group_statistics

OTHER_TASKS = "episodes with another task in {} than that of their task_index: task_index counts"
_COLUMNS = ["episode_index", "frame_index", "timestamp", "task_index"]
_BATCH = 16_384
"""Rows that are read at once."""


@dataclass(frozen=True, slots=True)
class EpisodeFrames:
    """An episode's rows: times in seconds (float64) and task indices (int64), one a frame."""

    episode_index: int
    timestamps: array[float]
    task_indices: array[int]


def stream(dataset: Dataset, selected: set[int] | None) -> Iterator[EpisodeFrames]:
    """Read the selected episodes (all, if None) in the order of the data. Raises InputError."""
    for name in dataset.data_files:
        only = dataset.episode_of(name)
        if only is None or selected is None or only in selected:
            with dataset.shard(name, shared=True) as shard:
                columns = [column for column in _COLUMNS if column in shard.schema_arrow.names]
                tables = episode_tables(dataset, shard, columns, selected) if only is None else [shard.read(columns)]
                for table in tables:
                    if len(table):
                        yield _checked(frame_columns(dataset, name, table), dataset.root / name)


def episode_tables(
    dataset: Dataset, shard: pq.ParquetFile, columns: list[str], selected: set[int] | None = None
) -> Iterator[pa.Table]:
    """Read columns of each selected episode of a shard that the metadata list; `columns` has episode_index."""
    for table in _all_episode_tables(shard, columns, selected):
        index = table.column("episode_index")[0].as_py()
        if index is None or dataset.lists(index):  # the reader of the table refuses an empty cell
            yield table


def _all_episode_tables(shard: pq.ParquetFile, columns: list[str], selected: set[int] | None) -> Iterator[pa.Table]:
    read = range(shard.metadata.num_row_groups) if selected is None else list(_groups_with(shard, selected))
    # An episode that continues after a group that is left out is in two places, and must not be joined.
    for _, adjacent in groupby(enumerate(read), lambda place: place[1] - place[0]):
        yield from _tables_of(shard, [group for _, group in adjacent], columns, selected)


def _tables_of(
    shard: pq.ParquetFile, groups: list[int], columns: list[str], selected: set[int] | None
) -> Iterator[pa.Table]:
    """Read adjacent row groups, several at once: LeRobot writes one for each episode, which are slow to read singly."""
    pending: list[pa.Table] = []
    for batch in shard.iter_batches(_BATCH, row_groups=groups, columns=columns, use_threads=False):
        table = pa.Table.from_batches([batch])
        for start, stop, index in runs(table.column("episode_index")):
            if pending and pending[0].column("episode_index")[0].as_py() != index:
                yield pa.concat_tables(pending)
                pending = []
            if selected is None or index in selected:
                pending.append(table.slice(start, stop - start))
    if pending:
        yield pa.concat_tables(pending)


def row_batches(dataset: Dataset, name: str, columns: list[str]) -> Iterator[tuple[int, pa.Table]]:
    """Read columns of a data file, some thousand rows at a time, each table with the number of its first row."""
    start = 0
    with dataset.shard(name) as shard:
        for batch in shard.iter_batches(_BATCH, columns=columns):
            yield start, pa.Table.from_batches([batch])
            start += len(batch)


def frame_columns(dataset: Dataset, name: str, table: pa.Table) -> pa.Table:
    """Return the table's index columns as int64 and its timestamps as float64.

    A missing episode or task index is taken from the metadata; `frame_index` may stay missing, as the order of
    the rows replaces it. Raises InputError.
    """
    columns: dict[str, Any] = {"episode_index": episode_column(dataset, name, table)}
    for column in ("frame_index", "task_index"):
        if column in table.column_names:
            columns[column] = _cast(table, column, pa.int64(), dataset.root / name)
    if "task_index" not in columns:
        episodes = runs(columns["episode_index"])
        tasks = [pa.repeat(_listed_task(dataset, name, index), stop - start) for start, stop, index in episodes]
        columns["task_index"] = pa.chunked_array(tasks, pa.int64())
    if "timestamp" in table.column_names:
        columns["timestamp"] = _cast(table, "timestamp", pa.float64(), dataset.root / name)
    return pa.table(columns)


def tasks_differ(entry: EpisodeEntry, rows: Iterable[int], texts: Sequence[str]) -> bool:
    """Return whether the frames' tasks (`rows` of the task table) include one that the episode's entry lacks.

    The entry may list more: GR00T's episodes list the texts of further annotations among their tasks.
    """
    tasks = {texts[row] for row in rows if 0 <= row < len(texts)}
    return bool(entry.tasks) and not tasks.issubset(entry.tasks)


def episode_column(dataset: Dataset, name: str, table: pa.Table) -> pa.ChunkedArray:
    """Return the episode of each row as int64. Raises InputError where file and column disagree."""
    only, path = dataset.episode_of(name), dataset.root / name
    stored = _cast(table, "episode_index", pa.int64(), path) if "episode_index" in table.column_names else None
    if only is None and stored is not None:
        return stored
    listed = pa.chunked_array([pa.repeat(pa.scalar(only, pa.int64()), len(table))])
    if stored is not None and not stored.equals(listed):
        other = next((value for _, _, value in runs(stored) if value != only), None)
        raise InputError(f"{path}, column episode_index holds {other}; the file is that of episode {only} alone.")
    return listed


def runs(column: pa.ChunkedArray) -> Iterator[tuple[int, int, int]]:
    """Return the runs of equal values as (start, stop, value)."""
    if not len(column):
        return
    encoded = pc.run_end_encode(column.combine_chunks(), run_end_type=pa.int64())
    start = 0
    for stop, value in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        yield start, stop, value
        start = stop


def to_array(typecode: str, column: pa.ChunkedArray) -> "array[Any]":
    """Copy a column of 8-byte numbers without nulls into an array."""
    combined = column.combine_chunks()
    numbers = array(typecode)
    data = combined.buffers()[1]
    if data is not None:
        numbers.frombytes(memoryview(data)[8 * combined.offset : 8 * (combined.offset + len(combined))])
    return numbers


def _cast(table: pa.Table, column: str, kind: pa.DataType, path: Path) -> pa.ChunkedArray:
    values = table.column(column)
    if values.type == kind:
        return values
    try:
        return values.cast(kind)
    except pa.ArrowException as error:
        needed = "times have to be numbers" if pa.types.is_floating(kind) else "an index has to be a whole number"
        raise InputError(f"{path}, column {column}: {needed}: {error}.") from None


def _listed_task(dataset: Dataset, name: str, episode_index: int) -> "pa.Scalar[Any]":
    """Return the row of an episode's task, where the metadata list exactly one."""
    texts = dataset.entry(episode_index).tasks
    if len(texts) != 1 or texts[0] not in dataset.tasks.texts:
        raise InputError(
            f"{dataset.root / name} has no column task_index, and {dataset.layout.episodes_name} does not say which "
            f"one task of {dataset.layout.tasks_file} is that of episode {episode_index}."
        )
    return pa.scalar(dataset.tasks.texts.index(texts[0]), pa.int64())


def _groups_with(shard: pq.ParquetFile, selected: set[int]) -> Iterator[int]:
    """Yield the row groups that may have a selected episode, by their statistics."""
    ordered = sorted(selected)
    for group, stats in enumerate(group_statistics(shard, "episode_index")):
        place = 0 if stats is None else bisect_left(ordered, stats.min)
        if stats is None or (place < len(ordered) and ordered[place] <= stats.max):
            yield group


def _checked(table: pa.Table, path: Path) -> EpisodeFrames:
    index = table.column("episode_index")[0].as_py()
    where = f"{path}, episode {index}"
    for name in table.column_names:
        if table.column(name).null_count:
            raise InputError(f"{where}: column {name} has an empty cell.")
    # numpy, because a call of pyarrow.compute takes longer than the comparison of a short episode.
    if "frame_index" in table.column_names:
        numbers = np.asarray(to_array("q", table.column("frame_index")))
        if not np.array_equal(numbers, np.arange(len(numbers))):
            raise InputError(f"{where}: frame_index does not count 0, 1, 2, …; its rows are out of order or missing.")
    timestamps = to_array("d", table.column("timestamp"))
    times = np.asarray(timestamps)
    if not np.isfinite(times).all():
        raise InputError(f"{where}: a timestamp is not a finite number.")
    backwards = np.flatnonzero(np.diff(times) < 0)
    if len(backwards):
        row = int(backwards[0]) + 1
        raise InputError(f"{where}, frame {row}: its timestamp {times[row]} s runs back behind the one before.")
    return EpisodeFrames(index, timestamps, to_array("q", table.column("task_index")))
