"""meta/tasks.parquet: task texts by index, with the text as the table's pandas index.

LeRobot looks a task up by position (`tasks.iloc[task_index]`), so a table whose row i is not task i gives
the wrong text without a word; such a table is refused. Rows that exist are never touched.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError


@dataclass(frozen=True, slots=True)
class TaskTable:
    """The table as it was read: `texts[i]` is task i; `column` holds the texts."""

    table: pa.Table
    column: str
    texts: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "TaskTable":
        """Read a table with a named, an unnamed or no pandas index. Raises InputError."""
        try:
            with pq.ParquetFile(path) as file:
                table = file.read()
        except FileNotFoundError:
            raise InputError(f"{path} is missing; the dataset is incomplete.") from None
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is not a readable parquet file: {error}") from None
        column = _text_column(table, path)
        texts = tuple(table.column(column).to_pylist())
        _check(path, table, texts)
        return cls(table, column, texts)


def _text_column(table: pa.Table, path: Path) -> str:
    """The pandas index (`task`, or `__index_level_0__` where it has no name), else the column of strings."""
    pandas = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
    named = [name for name in pandas.get("index_columns", []) if isinstance(name, str)]
    strings = [field.name for field in table.schema if _is_text(field.type)]
    for name in [*named, "task", "__index_level_0__", *strings]:
        if name in strings:
            return str(name)
    raise InputError(f"{path} has no column of task texts; LeRobot v3.0 keeps them in the pandas index.")


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _check(path: Path, table: pa.Table, texts: tuple[str | None, ...]) -> None:
    if "task_index" not in table.schema.names:
        raise InputError(f"{path} has no column task_index.")
    for row, index in enumerate(table.column("task_index").to_pylist()):
        if index != row:
            raise InputError(
                f"{path}: row {row} has task_index {index}. LeRobot looks tasks up by position, so the rows must "
                "be in order and without gaps; put them in order first."
            )
    if None in texts:
        raise InputError(f"{path}: row {texts.index(None)} has no text.")
    if len(set(texts)) != len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise InputError(f"{path}: the task {twice!r} stands there twice; LeRobot needs each text once.")
