"""Dialogue texts as rows of the task table, and the task rows that describe them.

Existing rows are preserved in place; each new text gets the next index, in the order of its first frame.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.records import Annotation
from pgen.storage.durable import sync
from pgen_lerobot.format import TaskRow, TaskTable, chunked, pandas_index


class TaskRows:
    """Give each text its index. `old` are the rows of an earlier run, by text."""

    def __init__(self, tasks: TaskTable, old: dict[str, TaskRow]) -> None:
        self._tasks = tasks
        self._index = {text: index for index, text in enumerate(tasks.texts)}
        self._rows = {index: old[text] for text, index in self._index.items() if text in old}
        self.used: dict[int, TaskRow] = {}
        """The rows that this run uses, in the order of their first frame."""

    def index(self, annotation: Annotation, spoken: bool) -> int:
        """Return the row of the annotation's dialogue, which is new where no row has its text."""
        return self.add(TaskRow.of(annotation, spoken))

    def add(self, row: TaskRow) -> int:
        """Return the index of the row's text, which is new where no row has it."""
        index = self._index.setdefault(row.text, len(self._index))
        self.used[index] = self.used[index].merged(row) if index in self.used else row
        return index

    def __len__(self) -> int:
        return len(self._index)

    def write_tasks(self, target: Path) -> None:
        """Write the task table with the new rows appended."""
        self._tasks.write(target, list(self._index)[len(self._tasks.texts) :])

    def write_rows(self, target: Path) -> None:
        """Write a task row for every task, in the order of the table, as a pandas frame with the index `task`."""
        texts = list(self._index)
        rows = [self.used.get(i) or self._rows.get(i) or TaskRow(text, "") for i, text in enumerate(texts)]
        columns: dict[str, Any] = {"task_index": chunked(range(len(texts)), pa.int64())}
        for field in fields(TaskRow):
            columns[field.name] = chunked([getattr(row, field.name) for row in rows], pa.string())
        table = pa.table({**columns, "task": chunked(texts, pa.string())})
        pq.write_table(table.replace_schema_metadata(pandas_index(table.schema, "task")), target)
        sync(target)
