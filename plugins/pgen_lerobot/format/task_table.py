"""The task table: task texts by index, in meta/tasks.parquet (v3.0) or meta/tasks.jsonl (v2.x).

LeRobot looks a task of v3.0 up by position (`tasks.iloc[task_index]`), and an older dataset is converted to
that, so a table whose indices have gaps gives the wrong text without a word; such a table is refused, and so
is one that has a text twice. Rows that exist are never touched.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.storage.durable import sync, write_text
from pgen_lerobot.format.files import KEPT, read_text
from pgen_lerobot.format.jsonl import read_lines, whole
from pgen_lerobot.format.parquet import in_pieces, pandas_index, writer_like


class TaskTable(ABC):
    """`texts[i]` is task i."""

    def __init__(self, path: Path, texts: tuple[str, ...]) -> None:
        self.path, self.texts = path, texts

    @abstractmethod
    def write(self, target: Path, new: Sequence[str]) -> None:
        """The table with the new texts behind its own."""

    def problem(self) -> str | None:
        """What keeps LeRobot from finding the texts, if anything."""
        return None


class ParquetTasks(TaskTable):
    """The texts are the table's pandas index, or else the column `column`."""

    def __init__(self, path: Path, texts: tuple[str, ...], table: pa.Table, column: str) -> None:
        super().__init__(path, texts)
        self.table, self.column = table, column

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a table with a named, an unnamed or no pandas index. Raises InputError."""
        try:
            with pq.ParquetFile(path) as file:
                table = file.read()
        except FileNotFoundError:
            raise InputError(f"{path} is missing; the dataset is incomplete.") from None
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is not a readable parquet file: {error}") from None
        column = _text_column(table, path)
        texts: list[str | None] = table.column(column).to_pylist()
        if "task_index" not in table.schema.names:
            raise InputError(f"{path} has no column task_index.")
        for row, index in enumerate(table.column("task_index").to_pylist()):
            if index != row:
                raise InputError(
                    f"{path}: row {row} has task_index {index}. LeRobot looks tasks up by position, so the rows must "
                    "be in order and without gaps; put them in order first."
                )
        return cls(path, _each_once(path, texts), table, column)

    def write(self, target: Path, new: Sequence[str]) -> None:
        known = len(self.texts)
        cells: dict[str, Any] = {"task_index": range(known, known + len(new)), self.column: list(new)}
        added = [in_pieces(cells.get(field.name, [None] * len(new)), field.type) for field in self.table.schema]
        schema = self.table.schema.with_metadata(pandas_index(self.table.schema, self.column))
        whole_table = pa.concat_tables([self.table.cast(schema), pa.table(added, schema=schema)])
        with pq.ParquetFile(self.path) as file, writer_like(file, target, schema, {}) as writer:
            writer.write_table(whole_table)
        sync(target)

    def problem(self) -> str | None:
        told = json.loads((self.table.schema.metadata or {}).get(b"pandas", b"{}"))
        if told.get("index_columns") == [self.column]:
            return None
        return "the texts are not the pandas index; LeRobot gives numbers instead of texts"


class LineTasks(TaskTable):
    """A JSON object a line, `{"task_index", "task"}`, in any order."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises InputError, naming the line."""
        found: dict[int, str | None] = {}
        for number, line in read_lines(path):
            index, text = whole(path, number, line, "task_index"), line.get("task")
            if index in found:
                raise InputError(f"{path}, line {number}: task_index {index} stands there twice.")
            found[index] = text if isinstance(text, str) else None
        for row, index in enumerate(sorted(found)):
            if index != row:
                raise InputError(
                    f"{path} has no task {row}, but {index}. LeRobot's conversion looks tasks up by position, so there "
                    "must be no gaps; number the tasks from 0 on first."
                )
        return cls(path, _each_once(path, [found[index] for index in sorted(found)]))

    def write(self, target: Path, new: Sequence[str]) -> None:
        old = read_text(self.path)
        gap = "" if not old or old.endswith("\n") else "\n"
        lines = (
            json.dumps({"task_index": index, "task": text}, ensure_ascii=False) + "\n"
            for index, text in enumerate(new, start=len(self.texts))
        )
        write_text(target, [old, gap, *lines], KEPT)


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
    if isinstance(kind, pa.DictionaryType):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _each_once(path: Path, texts: Sequence[str | None]) -> tuple[str, ...]:
    given: dict[str, None] = {}
    for index, text in enumerate(texts):
        if text is None:
            raise InputError(f"{path}: row {index} has no text.")
        if text in given:
            raise InputError(f"{path}: the task {text!r} stands there twice; LeRobot needs each text once.")
        given[text] = None
    return tuple(given)
