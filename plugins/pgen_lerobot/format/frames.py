"""The frames' own columns, streamed episode by episode without an object per frame.

A frame is known by its position in its episode; its time is the `timestamp` of the data, never a decoded
one. What would make a label wrong later (rows out of order, times that run backwards) is refused here.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen_lerobot.format.dataset import Dataset
from pgen_lerobot.format.layout import EpisodeEntry

OTHER_TASKS = "episodes with another task in {} than that of their task_index: task_index counts"
_COLUMNS = ["episode_index", "frame_index", "timestamp", "task_index"]


@dataclass(frozen=True, slots=True)
class EpisodeFrames:
    """An episode's rows: times in seconds (float64), and task indices (int64), one a frame."""

    episode_index: int
    timestamps: array[float]
    task_indices: array[int]


def stream(dataset: Dataset, wanted: set[int] | None) -> Iterator[EpisodeFrames]:
    """The wanted episodes (all, if None) in the order of the data. Raises InputError."""
    for name in dataset.data_files:
        only = dataset.episode_of(name)
        if only is None or wanted is None or only in wanted:
            with dataset.shard(name) as shard:
                columns = [column for column in _COLUMNS if column in shard.schema_arrow.names]
                tables = episode_tables(dataset, shard, columns, wanted) if only is None else [shard.read(columns)]
                found = (frame_columns(dataset, name, table) for table in tables if len(table))
                yield from (_checked(table, dataset.root / name) for table in found)


def episode_tables(
    dataset: Dataset, shard: pq.ParquetFile, columns: list[str], wanted: set[int] | None = None
) -> Iterator[pa.Table]:
    """The columns of each wanted episode of a shard that the metadata list; `columns` includes episode_index."""
    for table in _all_episode_tables(shard, columns, wanted):
        index = table.column("episode_index")[0].as_py()
        if index is None or dataset.lists(index):  # an empty cell is reported by whoever reads the table
            yield table


def _all_episode_tables(shard: pq.ParquetFile, columns: list[str], wanted: set[int] | None) -> Iterator[pa.Table]:
    pending: list[pa.Table] = []
    for group in range(shard.metadata.num_row_groups):
        if wanted is not None and not pending and not _may_hold(shard, group, wanted):
            continue
        table = shard.read_row_group(group, columns=columns, use_threads=False)
        for start, stop, index in runs(table.column("episode_index")):
            if pending and pending[0].column("episode_index")[0].as_py() != index:
                yield pa.concat_tables(pending)
                pending = []
            if wanted is None or index in wanted:
                pending.append(table.slice(start, stop - start))
    if pending:
        yield pa.concat_tables(pending)


def frame_columns(dataset: Dataset, name: str, table: pa.Table) -> pa.Table:
    """The table's frame columns, the indices as int64: whatever their type, or from the metadata where missing.

    `frame_index` may stay missing; the file's order then stands for it. Raises InputError.
    """
    columns: dict[str, Any] = {"episode_index": episode_column(dataset, name, table)}
    for column in ("frame_index", "task_index"):
        if column in table.column_names:
            columns[column] = _numbers(table, column, pa.int64(), dataset.root / name)
    if "task_index" not in columns:
        episodes = runs(columns["episode_index"])
        told = [pa.repeat(_told_task(dataset, name, index), stop - start) for start, stop, index in episodes]
        columns["task_index"] = pa.chunked_array(told, pa.int64())
    if "timestamp" in table.column_names:
        columns["timestamp"] = _numbers(table, "timestamp", pa.float64(), dataset.root / name)
    return pa.table(columns)


def tasks_differ(entry: EpisodeEntry, rows: Iterable[int], texts: Sequence[str]) -> bool:
    """Whether the episode's frames name a task (by the `rows` of the task table) that the metadata do not.

    The metadata may list more: GR00T's have the texts of further annotations among an episode's tasks.
    """
    named = {texts[row] for row in rows if 0 <= row < len(texts)}
    return bool(entry.tasks) and not named.issubset(entry.tasks)


def episode_column(dataset: Dataset, name: str, table: pa.Table) -> pa.ChunkedArray:
    """The episode of each row of a shard's table, as int64. Raises InputError where file and column disagree."""
    only = dataset.episode_of(name)
    path = dataset.root / name
    found = _numbers(table, "episode_index", pa.int64(), path) if "episode_index" in table.column_names else None
    if only is None and found is not None:
        return found
    known = pa.chunked_array([pa.repeat(pa.scalar(only, pa.int64()), len(table))])
    if found is not None and not found.equals(known):
        other = next((value for _, _, value in runs(found) if value != only), None)
        raise InputError(f"{path}, column episode_index holds {other}; the file is that of episode {only} alone.")
    return known


def runs(column: pa.ChunkedArray) -> Iterator[tuple[int, int, int]]:
    """The runs of equal values as (start, stop, value)."""
    if not len(column):
        return
    encoded = pc.run_end_encode(column.combine_chunks(), run_end_type=pa.int64())
    start = 0
    for stop, value in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        yield start, stop, value
        start = stop


def _numbers(table: pa.Table, column: str, kind: pa.DataType, path: Path) -> pa.ChunkedArray:
    try:
        return table.column(column).cast(kind)
    except pa.ArrowException as error:
        needed = "times have to be numbers" if pa.types.is_floating(kind) else "an index has to be a whole number"
        raise InputError(f"{path}, column {column}: {needed}: {error}.") from None


def _told_task(dataset: Dataset, name: str, episode_index: int) -> "pa.Scalar[Any]":
    """The row of an episode's task, where the metadata name exactly one."""
    texts = dataset.entry(episode_index).tasks
    if len(texts) != 1 or texts[0] not in dataset.tasks.texts:
        raise InputError(
            f"{dataset.root / name} has no column task_index, and {dataset.layout.episodes_name} does not say which "
            f"one task of {dataset.layout.tasks_file} is that of episode {episode_index}."
        )
    return pa.scalar(dataset.tasks.texts.index(texts[0]), pa.int64())


def _may_hold(shard: pq.ParquetFile, group: int, wanted: set[int]) -> bool:
    """By the row group's statistics, where it has any."""
    for column in range(shard.metadata.num_columns):
        chunk = shard.metadata.row_group(group).column(column)
        if chunk.path_in_schema == "episode_index":
            known = chunk.statistics
            if known is None or not known.has_min_max:
                return True
            return any(known.min <= index <= known.max for index in wanted)
    return True


def _checked(table: pa.Table, path: Path) -> EpisodeFrames:
    index = table.column("episode_index")[0].as_py()
    where = f"{path}, episode {index}"
    for name in table.column_names:
        if table.column(name).null_count:
            raise InputError(f"{where}: column {name} has an empty cell.")
    times = table.column("timestamp")
    if "frame_index" in table.column_names:
        counted = table.column("frame_index")
        steady = pc.all(pc.equal(pc.subtract(counted[1:], counted[:-1]), 1), min_count=0)  # of one frame, no step
        if counted[0].as_py() != 0 or not steady.as_py():
            raise InputError(f"{where}: frame_index does not count 0, 1, 2, …; its rows are out of order or missing.")
    if not pc.all(pc.is_finite(times)).as_py():
        raise InputError(f"{where}: a timestamp is not a finite number.")
    steps = pc.subtract(times[1:], times[:-1])
    if len(steps) and pc.min(steps).as_py() < 0:
        row = pc.index(pc.less(steps, 0.0), True).as_py() + 1
        raise InputError(f"{where}, frame {row}: its timestamp {times[row]} s runs back behind the one before.")
    return EpisodeFrames(index, to_array("d", times), to_array("q", table.column("task_index")))


def to_array(typecode: str, column: pa.ChunkedArray) -> "array[Any]":
    """A column of 8-byte numbers as an array, copied as bytes: a million cells in five milliseconds."""
    whole = column.combine_chunks()
    packed = array(typecode)
    data = whole.buffers()[1]
    if data is not None:
        packed.frombytes(memoryview(data)[8 * whole.offset : 8 * (whole.offset + len(whole))])
    return packed
