"""The task rows: meta/tasks_high_level.parquet, which describes each row of the task table.

It has a row for every task, in the order of the task table, so that readers that look a text up by position and
readers that look it up by the column task_index find the same row.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

from pgen.records import Annotation
from pgen_lerobot.format.task_table import read_table

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
