"""The task rows: meta/tasks_high_level.parquet, which describes each row of the task table.

It has a row for every task, in the order of the task table, so that readers that look a text up by position and
readers that look it up by the column task_index find the same row. Existing rows are preserved in place; each new
text gets the next index, in the order of its first frame.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.records import Annotation
from pgen.storage.durable import sync
from pgen_lerobot.format.parquet import chunked, pandas_index, read_table
from pgen_lerobot.format.task_table import TaskTable

TASK_ROWS = "meta/tasks_high_level.parquet"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task's dialogue. A value is None where it is unknown, or differs between the samples with that text."""

    user_prompt: str | None
    robot_utterance: str | None
    skill: str | None = ""
    scenario_type: str | None = ""
    response_type: str | None = ""

    @classmethod
    def of(cls, annotation: Annotation) -> Self:
        """Return the row of an annotation that has a dialogue."""
        dialogue = annotation.dialogue
        if dialogue is None:
            raise ValueError("a failed sample has no dialogue")
        types = (dialogue.scenario_type, dialogue.response_type)
        return cls(dialogue.user_prompt, dialogue.robot_utterance, annotation.sample.span.skill, *types)

    def merged(self, other: Self) -> Self:
        """Return this row with None in each of ANNOTATED_COLUMNS in which the other differs."""
        differing = {name: None for name in ANNOTATED_COLUMNS if getattr(self, name) != getattr(other, name)}
        return replace(self, **differing) if differing else self


ANNOTATED_COLUMNS = ("skill", "scenario_type", "response_type")
TASK_ROW_COLUMNS = ("task_index", *(field.name for field in fields(TaskRow)), "task")


def read_task_rows(path: Path) -> dict[str, TaskRow]:
    """Read the rows by task text; none where the file is missing or has other columns. Raises InputError."""
    if not path.is_file():
        return {}
    table = read_table(path)
    if not set(TASK_ROW_COLUMNS) <= set(table.column_names):
        return {}
    names = [field.name for field in fields(TaskRow)]
    return {line["task"]: TaskRow(*(line[name] for name in names)) for line in table.to_pylist()}


class TaskRows:
    """Give each text its index. `old` are the rows of an earlier run, by text."""

    def __init__(self, tasks: TaskTable, old: dict[str, TaskRow]) -> None:
        self._tasks = tasks
        self._index = {text: index for index, text in enumerate(tasks.texts)}
        self._rows = {index: old[text] for text, index in self._index.items() if text in old}
        self.used: dict[int, TaskRow] = {}
        """The rows that this run uses, in the order of their first frame."""

    def index(self, annotation: Annotation) -> int:
        """Return the row of the annotation's dialogue, which is new where no row has its text."""
        return self.add(TaskRow.of(annotation))

    def add(self, row: TaskRow) -> int:
        """Return the index of the row's text, which is new where no row has it."""
        text = f"{row.user_prompt} | {row.robot_utterance}" if row.robot_utterance else str(row.user_prompt)
        index = self._index.setdefault(text, len(self._index))
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
