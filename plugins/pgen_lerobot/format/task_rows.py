"""The task rows: meta/tasks_high_level.parquet, which says what each row of the task table is.

It has a row for every task, in the order of the task table, so that a reader that looks a text up by position
and one that looks it up by the column task_index find the same row.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.records import Annotation

TASK_ROWS = "meta/tasks_high_level.parquet"


@dataclass(frozen=True, slots=True)
class TaskRow:
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
        skill = annotation.sample.span.skill
        types = (dialogue.scenario_type, dialogue.response_type)
        return cls(dialogue.user_prompt, dialogue.robot_utterance, skill, *types)

    def agreeing(self, other: Self) -> Self:
        """This row, with None for each of the last three in which the other differs."""
        differing = {name: None for name in ANNOTATED_COLUMNS if getattr(self, name) != getattr(other, name)}
        return replace(self, **differing) if differing else self


ANNOTATED_COLUMNS = ("skill", "scenario_type", "response_type")
TASK_ROW_COLUMNS = ("task_index", *(field.name for field in fields(TaskRow)), "task")


def read_task_rows(path: Path) -> dict[str, TaskRow]:
    """The rows of a mirror by text; none where there is no such file or it has other columns."""
    if not path.is_file():
        return {}
    try:
        with pq.ParquetFile(path) as file:
            if not set(TASK_ROW_COLUMNS) <= set(file.schema_arrow.names):
                return {}
            lines = file.read(columns=list(TASK_ROW_COLUMNS)).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a readable parquet file: {error}") from None
    return {line["task"]: TaskRow(**{field.name: line[field.name] for field in fields(TaskRow)}) for line in lines}
