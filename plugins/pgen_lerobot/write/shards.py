"""Data files rewritten with one more column, row group by row group; everything else is preserved.

The new column is the last one; a column of that name is replaced in its place.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen_lerobot.format import COLUMN, Dataset, declare_like, frame_columns, rewrite, row_batches, stray_files

_TASK = "task_index"
_CHECKED = ("episode_index", "timestamp", _TASK)
_FEATURE = {"dtype": "int64", "_type": "Value"}


def shard_names(dataset: Dataset) -> Iterator[tuple[str, bool]]:
    """Return the data files in the order of their frames, then those that no listed episode is in (False).

    LeRobot v3.0 loads every parquet file below data/, so that a file without the column breaks the dataset.
    """
    yield from ((name, True) for name in dataset.data_files)
    yield from ((name, False) for name in stray_files(dataset))


def check_shards(dataset: Dataset, overwrite: bool) -> None:
    """Raise InputError for a data file that cannot be rewritten, or has the column and `overwrite` is False."""
    for name, _ in shard_names(dataset):
        if COLUMN in dataset.footer(name).columns and not overwrite:
            raise InputError(f"{dataset.root / name} has the column {COLUMN} already; use --overwrite.")
        if not _sound_by_statistics(dataset, name):
            _check_tasks(dataset, name)


def rewrite_shard(
    shard: pq.ParquetFile, target: Path, label: Callable[[pa.Table], "pa.Array[Any]"], column: str = COLUMN
) -> None:
    """Write the shard to `target` with a column of the labels that `label` returns for each row group."""
    schema = _with_column(shard.schema_arrow, column)
    position = schema.names.index(column)

    def with_labels(table: pa.Table) -> Iterator[pa.Table]:
        labels = label(table)
        if column in table.column_names:
            table = table.drop_columns(column)
        table = table.add_column(position, schema.field(position), labels)
        yield table.replace_schema_metadata(schema.metadata)

    rewrite(shard, target, schema, with_labels, {column: _like(shard.schema_arrow)})


def _with_column(schema: pa.Schema, column: str) -> pa.Schema:
    like = _like(schema)
    field = pa.field(column, pa.int64(), nullable=schema.field(like).nullable)
    position = schema.get_field_index(column)
    extended = schema.append(field) if position < 0 else schema.set(position, field)
    return extended.with_metadata(declare_like(schema.metadata, {column: like}, {column: _FEATURE}))


def _like(schema: pa.Schema) -> str:
    """Return the column whose settings the new one takes."""
    return _TASK if _TASK in schema.names else "timestamp"


def _sound_by_statistics(dataset: Dataset, name: str) -> bool:
    """Return whether the file's footer shows that `_check_tasks` passes; False where it has to read the columns."""
    footer, only = dataset.footer(name), dataset.episode_of(name)
    if footer.episodes is None or footer.tasks is None or not footer.has_float_times:
        return False
    low, high = footer.tasks
    return (only is None or footer.episodes == (only, only)) and 0 <= low <= high < len(dataset.tasks.texts)


def _check_tasks(dataset: Dataset, name: str) -> None:
    where, tasks = f"{dataset.root / name}, column {_TASK}", len(dataset.tasks.texts)
    columns = [column for column in _CHECKED if column in dataset.footer(name).columns]
    for _, table in row_batches(dataset, name, columns):
        column = frame_columns(dataset, name, table).column(_TASK)
        if column.null_count:
            raise InputError(f"{where}: a cell is empty; a frame without a dialogue takes its own task_index.")
        for task in pc.unique(column).to_pylist():
            if not 0 <= task < tasks:
                raise InputError(f"{where}: there is no task {task}; {dataset.layout.tasks_file} has {tasks} tasks.")
