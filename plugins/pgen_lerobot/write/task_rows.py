"""Dialogue texts as rows of the task table, and the task rows that say what each of them is.

Rows that exist stay as they are, in place; each new text gets the next index, in the order of its first frame.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.records import Annotation
from pgen.storage.durable import sync
from pgen_lerobot.format import TaskRow, TaskTable, in_pieces, pandas_index


class TaskRows:
    """Gives each text its index. `old` are the rows of an earlier mirror, by text."""

    def __init__(self, tasks: TaskTable, old: dict[str, TaskRow]) -> None:
        self._tasks = tasks
        self._index = {text: index for index, text in enumerate(tasks.texts)}
        self._rows = {index: old[text] for text, index in self._index.items() if text in old}
        self.used: dict[int, TaskRow] = {}
        """The rows that this run uses, in the order of their first frame."""

    def index(self, annotation: Annotation) -> int:
        """The row of the annotation's dialogue: the one that has its text, or a new one."""
        return self.add(TaskRow.of(annotation))

    def add(self, row: TaskRow) -> int:
        """The row of the table for a text, and what it is: the one that is there, or a new one."""
        text = f"{row.user_prompt} | {row.robot_utterance}" if row.robot_utterance else str(row.user_prompt)
        index = self._index.setdefault(text, len(self._index))
        known = self.used.get(index)
        self.used[index] = row if known is None else known.agreeing(row)
        return index

    def __len__(self) -> int:
        return len(self._index)

    def write_tasks(self, target: Path) -> None:
        """The task table with the new rows behind its own."""
        self._tasks.write(target, list(self._index)[len(self._tasks.texts) :])

    def write_mirror(self, target: Path) -> None:
        """A row for every task, in the order of the table, as a pandas frame with the index `task`."""
        texts = list(self._index)
        rows = [self.used.get(i) or self._rows.get(i) or TaskRow(text, "") for i, text in enumerate(texts)]
        columns: dict[str, Any] = {"task_index": in_pieces(range(len(texts)), pa.int64())}
        for field in fields(TaskRow):
            columns[field.name] = in_pieces([getattr(row, field.name) for row in rows], pa.string())
        table = pa.table({**columns, "task": in_pieces(texts, pa.string())})
        pq.write_table(table.replace_schema_metadata(pandas_index(table.schema, "task")), target)
        sync(target)
