"""Data shards rewritten with one more column, row group by row group: everything else stays as it was.

The new column is the last one; a column of that name is replaced where it stands. A row group is written
while the next one is read and labelled, unless it is a large one: of those, one is held at a time.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.storage.durable import sync
from pgen_lerobot.format import (
    COLUMN,
    Dataset,
    Hashed,
    finish,
    frame_columns,
    stray_files,
    with_feature,
    write_group,
    writer_like,
)

_LIKE = "task_index"
_INDICES = ("episode_index", "timestamp", _LIKE)
_FEATURE = {"dtype": "int64", "_type": "Value"}
_SMALL = 16_000_000
"""Bytes of a row group: one without pictures in it."""
_BUFFER = 1_000_000
"""Bytes that are written and hashed at once."""


def shard_names(dataset: Dataset) -> Iterator[tuple[str, bool]]:
    """The shards in the order of their frames, then those that no episode is in (False).

    LeRobot v3.0 loads every parquet file below data/, so that one without the column breaks the dataset.
    """
    yield from ((name, True) for name in dataset.data_files)
    yield from ((name, False) for name in stray_files(dataset))


def check_shards(dataset: Dataset, overwrite: bool) -> None:
    """Raises InputError for what would make a rewritten shard wrong, or `rewrite_shard` fail."""
    for name, _ in shard_names(dataset):
        with dataset.shard(name) as shard:
            if COLUMN in shard.schema_arrow.names and not overwrite:
                raise InputError(f"{dataset.root / name} has the column {COLUMN} already; use --overwrite.")
            for group in range(shard.metadata.num_row_groups):
                _check_tasks(shard, group, dataset, name)


def rewrite_shard(
    shard: pq.ParquetFile, target: Path, label: Callable[[pa.Table], "pa.Array[Any]"], column: str = COLUMN
) -> str:
    """Write the shard to `target` with the labels that `label` gives for each of its row groups; its SHA-256."""
    schema = _with_column(shard.schema_arrow, column)
    with (
        Hashed.new(target) as file,
        pa.BufferedOutputStream(pa.PythonFile(file, "w"), _BUFFER) as sink,
        writer_like(shard, sink, schema, {column: _like(shard.schema_arrow)}) as writer,
        _Behind() as behind,
    ):
        for group in range(shard.metadata.num_row_groups):
            if shard.metadata.row_group(group).total_byte_size > _SMALL:
                behind.wait()
            behind.do(write_group, writer, _labelled(shard, group, schema, label, column))
        behind.wait()
        finish(writer, shard, schema)
    sync(target)
    return file.digest


class _Behind:
    """Does one thing at a time in a thread; what went wrong with it is raised by the next call."""

    def __enter__(self) -> "_Behind":
        self._pool = ThreadPoolExecutor(1, "write")
        self._last: Future[None] | None = None
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def do(self, work: Callable[..., None], *arguments: object) -> None:
        self.wait()
        self._last = self._pool.submit(work, *arguments)

    def wait(self) -> None:
        last, self._last = self._last, None
        if last:
            last.result()


def _labelled(
    shard: pq.ParquetFile, group: int, schema: pa.Schema, label: Callable[[pa.Table], "pa.Array[Any]"], column: str
) -> pa.Table:
    """A row group with its labels."""
    table = shard.read_row_group(group, use_threads=False)  # two thirds of the memory, no slower
    labels = label(table)
    if column in table.column_names:
        table = table.drop_columns(column)
    position = schema.names.index(column)
    return table.add_column(position, schema.field(position), labels).replace_schema_metadata(schema.metadata)


def _with_column(schema: pa.Schema, column: str) -> pa.Schema:
    like = _like(schema)
    field = pa.field(column, pa.int64(), nullable=schema.field(like).nullable)
    known = schema.get_field_index(column)
    extended = schema.append(field) if known < 0 else schema.set(known, field)
    return extended.with_metadata(with_feature(schema.metadata, {column: like}, {column: _FEATURE}))


def _like(schema: pa.Schema) -> str:
    """The column that the new one is written like."""
    return _LIKE if _LIKE in schema.names else "timestamp"


def _check_tasks(shard: pq.ParquetFile, group: int, dataset: Dataset, name: str) -> None:
    known = [column for column in _INDICES if column in shard.schema_arrow.names]
    column = frame_columns(dataset, name, shard.read_row_group(group, columns=known)).column(_LIKE)
    where = f"{dataset.root / name}, column {_LIKE}"
    if column.null_count:
        raise InputError(f"{where}: a cell is empty; a frame without a dialogue takes its own task_index.")
    if len(column):
        low, high, tasks = pc.min(column).as_py(), pc.max(column).as_py(), len(dataset.tasks.texts)
        if low < 0 or high >= tasks:
            wrong = low if low < 0 else high
            raise InputError(f"{where}: there is no task {wrong}; {dataset.layout.tasks_file} has {tasks} tasks.")
