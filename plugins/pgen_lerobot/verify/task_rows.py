"""The mirror of the task table: a row for each task, with what its dialogue is, as the annotations have it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen_lerobot.format import ANNOTATED_COLUMNS, TASK_ROW_COLUMNS, TASK_ROWS, Dataset, TaskRow
from pgen_lerobot.verify.problems import Problem


def problems(dataset: Dataset) -> Iterator[Problem]:
    """The mirror against the task table."""
    texts = dataset.tasks.texts
    try:
        cells = _read(dataset)
    except (OSError, pa.ArrowException) as error:
        yield Problem(TASK_ROWS, f"cannot be read: {error}")
        return
    if isinstance(cells, str):
        yield Problem(TASK_ROWS, "the column is missing", column=cells)
        return
    if len(cells) != len(texts):
        yield Problem(TASK_ROWS, f"has {len(cells)} rows, {dataset.layout.tasks_file} has {len(texts)}")
    for row, (cell, text) in enumerate(zip(cells, texts, strict=False)):
        yield from _row(dataset, row, cell, text)


def told(dataset: Dataset, used: Mapping[int, TaskRow]) -> Iterator[Problem]:
    """The mirror against what the annotations say of each dialogue; nothing where it cannot be read."""
    try:
        cells = _read(dataset)
    except (OSError, pa.ArrowException):
        return
    if isinstance(cells, str):
        return
    for row, right in sorted(used.items()):
        for column in ANNOTATED_COLUMNS if row < len(cells) else ():
            if cells[row][column] != getattr(right, column):
                what = f"found {cells[row][column]!r}, the annotations have {getattr(right, column)!r}"
                yield Problem(TASK_ROWS, what, row, column)


def _read(dataset: Dataset) -> list[dict[str, Any]] | str:
    """The rows, or the first column that is missing."""
    with pq.ParquetFile(dataset.root / TASK_ROWS) as file:
        missing = [name for name in TASK_ROW_COLUMNS if name not in file.schema_arrow.names]
        if missing:
            return missing[0]
        rows: list[dict[str, Any]] = file.read().to_pylist()
        return rows


def _row(dataset: Dataset, row: int, cells: dict[str, Any], text: str) -> Iterator[Problem]:
    if cells["task_index"] != row:
        yield Problem(TASK_ROWS, f"found {cells['task_index']}, expected {row}", row, "task_index")
    if cells["task"] != text:
        yield Problem(TASK_ROWS, f"found {cells['task']!r}, {dataset.layout.tasks_file} has {text!r}", row, "task")
    user, robot = cells["user_prompt"], cells["robot_utterance"]
    if (user if robot == "" else f"{user} | {robot}") != text:
        yield Problem(TASK_ROWS, f"{user!r} and {robot!r} do not make up {text!r}", row, "user_prompt")
