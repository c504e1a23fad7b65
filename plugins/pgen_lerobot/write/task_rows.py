"""Dialogue texts as rows of the task table, and the mirror of that table with what each row is.

Rows that exist stay as they are, in place; each new text gets the next index, in the order of its first
frame. LeRobot looks a text up by position, others in `tasks_high_level.parquet`, by position or by its
column task_index: the mirror has a row for every task, so that all of them find the same.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.records import Annotation
from pgen.storage.durable import sync
from pgen_lerobot.format.parquet import in_pieces, indexed_by
from pgen_lerobot.format.task_table import TaskTable

MIRROR = "meta/tasks_high_level.parquet"


@dataclass(frozen=True, slots=True)
class Row:
    """What a task is. None: not known, or not the same wherever the text was said."""

    user_prompt: str | None
    robot_utterance: str | None
    skill: str | None = ""
    scenario_type: str | None = ""
    response_type: str | None = ""

    @classmethod
    def of(cls, annotation: Annotation) -> Self:
        dialogue = annotation.dialogue
        if dialogue is None:
            raise ValueError("a failed sample has no dialogue")
        skill = annotation.sample.skill_current
        types = (dialogue.scenario_type, dialogue.response_type)
        return cls(dialogue.user_prompt, dialogue.robot_utterance, skill, *types)

    def agreeing(self, other: Self) -> Self:
        """This row, with None for each of the last three in which the other differs."""
        differing = {name: None for name in TOLD if getattr(self, name) != getattr(other, name)}
        return replace(self, **differing) if differing else self


TOLD = ("skill", "scenario_type", "response_type")
MIRROR_COLUMNS = ("task_index", *(field.name for field in fields(Row)), "task")


class Dialogues:
    """Gives each text its index. `old` are the rows of an earlier mirror, by text."""

    def __init__(self, tasks: TaskTable, old: dict[str, Row]) -> None:
        self._tasks = tasks
        self._index = {text: index for index, text in enumerate(tasks.texts)}
        self._rows = {index: old[text] for text, index in self._index.items() if text in old}
        self.used: dict[int, Row] = {}
        """The rows that this run uses, in the order of their first frame."""

    def index(self, annotation: Annotation) -> int:
        """The row of the annotation's dialogue: the one that has its text, or a new one."""
        return self.add(Row.of(annotation))

    def add(self, row: Row) -> int:
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
        rows = [self.used.get(i) or self._rows.get(i) or Row(text, "") for i, text in enumerate(texts)]
        columns: dict[str, Any] = {"task_index": in_pieces(range(len(texts)), pa.int64())}
        for field in fields(Row):
            columns[field.name] = in_pieces([getattr(row, field.name) for row in rows], pa.string())
        table = pa.table({**columns, "task": in_pieces(texts, pa.string())})
        pq.write_table(table.replace_schema_metadata(indexed_by(table.schema, "task")), target)
        sync(target)


def read_mirror(path: Path) -> dict[str, Row]:
    """The rows of a mirror by text; none where there is no such file or it has other columns."""
    if not path.is_file():
        return {}
    try:
        with pq.ParquetFile(path) as file:
            if not set(MIRROR_COLUMNS) <= set(file.schema_arrow.names):
                return {}
            lines = file.read(columns=list(MIRROR_COLUMNS)).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a readable parquet file: {error}") from None
    return {line["task"]: Row(**{field.name: line[field.name] for field in fields(Row)}) for line in lines}
