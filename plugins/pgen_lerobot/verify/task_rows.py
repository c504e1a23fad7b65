"""The task rows, compared with the task table and with the annotations."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen_lerobot.format import ANNOTATED_COLUMNS, TASK_ROW_COLUMNS, TASK_ROWS, Dataset, TaskRow
from pgen_lerobot.verify.problems import Problem


def problems(dataset: Dataset) -> Iterator[Problem]:
    """Compare the task rows with the task table."""
    texts, rows = dataset.tasks.texts, _read(dataset)
    if isinstance(rows, Problem):
        yield rows
        return
    if len(rows) != len(texts):
        yield Problem(TASK_ROWS, f"has {len(rows)} rows, {dataset.layout.tasks_file} has {len(texts)}")
    for row, (cells, text) in enumerate(zip(rows, texts, strict=False)):
        yield from _compare(dataset, row, cells, text)


def differences(dataset: Dataset, used: Mapping[int, TaskRow]) -> Iterator[Problem]:
    """Compare the task rows with those that the annotations give; nothing where they cannot be read."""
    rows = _read(dataset)
    if isinstance(rows, Problem):
        return
    for row, expected in sorted(used.items()):
        for column in ANNOTATED_COLUMNS if row < len(rows) else ():
            if rows[row][column] != getattr(expected, column):
                what = f"found {rows[row][column]!r}, the annotations have {getattr(expected, column)!r}"
                yield Problem(TASK_ROWS, what, row, column)


def _read(dataset: Dataset) -> list[dict[str, Any]] | Problem:
    """Read the rows, or return why they cannot be used."""
    try:
        with pq.ParquetFile(dataset.root / TASK_ROWS) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        return Problem(TASK_ROWS, f"cannot be read: {error}")
    missing = [name for name in TASK_ROW_COLUMNS if name not in table.column_names]
    rows: list[dict[str, Any]] = table.to_pylist()
    return Problem(TASK_ROWS, "the column is missing", column=missing[0]) if missing else rows


def _compare(dataset: Dataset, row: int, cells: dict[str, Any], text: str) -> Iterator[Problem]:
    if cells["task_index"] != row:
        yield Problem(TASK_ROWS, f"found {cells['task_index']}, expected {row}", row, "task_index")
    if cells["task"] != text:
        yield Problem(TASK_ROWS, f"found {cells['task']!r}, {dataset.layout.tasks_file} has {text!r}", row, "task")
    user, robot = cells["user_prompt"], cells["robot_utterance"]
    if (user if robot == "" else f"{user} | {robot}") != text:
        yield Problem(TASK_ROWS, f"{user!r} and {robot!r} do not make up {text!r}", row, "user_prompt")
