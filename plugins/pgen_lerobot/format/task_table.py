"""The task table: task texts by index, in meta/tasks.parquet (v3.0) or meta/tasks.jsonl (v2.x), and the task rows.

LeRobot looks a task of v3.0 up by position (`tasks.iloc[task_index]`), and older datasets are converted to
that. With gaps in the indices it would silently return the wrong text, so such a table is refused, as is one
with a duplicate text. Existing rows are never changed.

The task rows, meta/tasks_high_level.parquet, describe each row of the table, in its order: readers that look a text up
by position and readers that look it up by the column task_index find the same row. Each new text gets the next index,
in the order of its first frame.
"""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.records import Annotation
from pgen.storage.durable import sync, write_text
from pgen_lerobot.format.files import UNDECODED, integer, read_lines, read_text
from pgen_lerobot.format.parquet import chunked, pandas_index, read_table, writer_like

COLUMN = "task_index_high_level"
"""The column that pgen adds: for each frame, the row of the task table that holds its dialogue."""
TASK_ROWS = "meta/tasks_high_level.parquet"
ANNOTATED_COLUMNS = ("skill", "scenario_type", "response_type")


class TaskTable(ABC):
    """A task table; `texts[i]` is task i."""

    def __init__(self, path: Path, texts: tuple[str, ...]) -> None:
        self.path, self.texts = path, texts

    @classmethod
    @abstractmethod
    def read(cls, path: Path) -> Self:
        """Read the table. Raises InputError."""

    @abstractmethod
    def write(self, target: Path, new: Sequence[str]) -> None:
        """Write the table with the new texts appended."""

    def problem(self) -> str | None:
        """Return why LeRobot does not find the texts; None where it does."""
        return None


class ParquetTasks(TaskTable):
    """A table whose texts are its pandas index, or else the column `column`."""

    def __init__(self, path: Path, texts: tuple[str, ...], table: pa.Table, column: str) -> None:
        super().__init__(path, texts)
        self.table, self.column = table, column

    @classmethod
    def read(cls, path: Path) -> Self:
        table = read_table(path)
        column = _text_column(table, path)
        texts: list[str | None] = table.column(column).to_pylist()
        if "task_index" not in table.schema.names:
            raise InputError(f"{path} has no column task_index.")
        indices = table.column("task_index").to_pylist()
        if indices != list(range(len(indices))):
            row, index = next((row, index) for row, index in enumerate(indices) if index != row)
            raise InputError(
                f"{path}: row {row} has task_index {index}. LeRobot looks tasks up by position, so the rows must "
                "be in order and without gaps; put them in order first."
            )
        return cls(path, _unique(path, texts), table, column)

    def write(self, target: Path, new: Sequence[str]) -> None:
        first = len(self.texts)
        cells: dict[str, Any] = {"task_index": range(first, first + len(new)), self.column: list(new)}
        added = [chunked(cells.get(field.name, [None] * len(new)), field.type) for field in self.table.schema]
        schema = self.table.schema.with_metadata(pandas_index(self.table.schema, self.column))
        with pq.ParquetFile(self.path) as file, writer_like(file, target, schema, {}) as writer:
            writer.write_table(pa.concat_tables([self.table.cast(schema), pa.table(added, schema=schema)]))
        sync(target)

    def problem(self) -> str | None:
        pandas = json.loads((self.table.schema.metadata or {}).get(b"pandas", b"{}"))
        if pandas.get("index_columns") == [self.column]:
            return None
        return "the texts are not the pandas index; LeRobot gives numbers instead of texts"


class LineTasks(TaskTable):
    """A file of JSON lines, `{"task_index", "task"}`, in any order."""

    @classmethod
    def read(cls, path: Path) -> Self:
        texts: dict[int, str | None] = {}
        for number, line in read_lines(path):
            index, text = integer(path, number, line, "task_index"), line.get("task")
            if index in texts:
                raise InputError(f"{path}, line {number}: task_index {index} occurs twice.")
            texts[index] = text if isinstance(text, str) else None
        for row, index in enumerate(sorted(texts)):
            if index != row:
                raise InputError(
                    f"{path} has no task {row}, but {index}. LeRobot's conversion looks tasks up by position, so there "
                    "must be no gaps; number the tasks from 0 on first."
                )
        return cls(path, _unique(path, [texts[index] for index in sorted(texts)]))

    def write(self, target: Path, new: Sequence[str]) -> None:
        old = read_text(self.path)
        line_end = "" if not old or old.endswith("\n") else "\n"
        lines = (
            json.dumps({"task_index": index, "task": text}, ensure_ascii=False) + "\n"
            for index, text in enumerate(new, start=len(self.texts))
        )
        write_text(target, [old, line_end, *lines], UNDECODED)


def _text_column(table: pa.Table, path: Path) -> str:
    """Return the pandas index (`task`, or `__index_level_0__` where it has no name), else the column of strings."""
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


def _unique(path: Path, texts: Sequence[str | None]) -> tuple[str, ...]:
    unique = tuple(text for text in texts if text is not None)
    if len(unique) < len(texts):
        raise InputError(f"{path}: row {texts.index(None)} has no text.")
    if len(set(unique)) < len(unique):
        ((text, _),) = Counter(unique).most_common(1)
        raise InputError(f"{path}: the task {text!r} occurs twice; LeRobot needs each text once.")
    return unique


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task's dialogue. A value is None where it is unknown, or differs between the samples with that text."""

    user_prompt: str | None
    robot_utterance: str | None
    skill: str | None = ""
    scenario_type: str | None = ""
    response_type: str | None = ""

    @classmethod
    def of(cls, annotation: Annotation, spoken: bool = True) -> Self:
        """Return the row of an annotation that has a dialogue; without the utterance where that is over."""
        dialogue = annotation.dialogue
        if dialogue is None:
            raise ValueError("a failed sample has no dialogue")
        types = (dialogue.scenario_type, dialogue.response_type)
        utterance = dialogue.robot_utterance if spoken else ""
        return cls(dialogue.user_prompt, utterance, annotation.sample.span.skill, *types)

    @property
    def text(self) -> str:
        """The text of the dialogue's row in the task table: the prompt alone where there is no utterance."""
        return f"{self.user_prompt} | {self.robot_utterance}" if self.robot_utterance else str(self.user_prompt)

    def merged(self, other: Self) -> Self:
        """Return this row with None in each of ANNOTATED_COLUMNS in which the other differs."""
        differing = {name: None for name in ANNOTATED_COLUMNS if getattr(self, name) != getattr(other, name)}
        return replace(self, **differing) if differing else self


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


def rows_problem(path: Path, tasks: TaskTable) -> str | None:
    """Return why the rows at `path` do not describe what the column indexes; None where they do."""
    if not path.is_file():
        return "is missing (the LeRobot annotate page removes it when it exports); `pgen repair` writes it again"
    rows = list(read_task_rows(path))
    if not rows:
        return f"has other columns: another tool wrote it, and {COLUMN} may index skills or another table"
    if rows != list(tasks.texts):
        return f"has other rows than {tasks.path.name}: {COLUMN} may index either; `pgen repair` writes both again"
    return None


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
