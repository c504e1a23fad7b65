"""The sink `task-override`: frames whose own `task_index` is their dialogue, for trainers that read nothing else.

Some trainers, openpi and GR00T among them, read only the text of `task_index`. A frame without a dialogue keeps
its task. The tasks and statistics of each episode, and those of the dataset, are updated with the column.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.components import Options, Results, Source
from pgen.errors import InputError
from pgen_lerobot.format import (
    COLUMN,
    TASK_ROWS,
    Dataset,
    TaskRow,
    TaskRows,
    TaskTable,
    episode_column,
    read_task_rows,
    rewrite_in_place,
    runs,
    stats_in_form,
)
from pgen_lerobot.write import INFO, STATS, OtherForm, edit_json, rehash, shard_names, write_modality

TASK = "task_index"

type Counts = dict[int, Counter[int]]
"""The number of frames of each task, by episode."""


class TaskOverrideOptions(Options):
    text: Literal["dialogue", "prompt"] = "dialogue"
    """What a frame's task becomes: the whole dialogue, `user prompt | robot utterance`, or the user prompt alone."""


class TaskOverrideSink(OtherForm[TaskOverrideOptions]):
    """A copy whose own task_index points at the dialogue, for trainers that read no other column."""

    name = "task-override"

    def open(self, source: Source) -> None:
        """Raises InputError where the data have no column that could be overridden."""
        dataset = self.dataset(source)
        for name in dataset.data_files:
            if TASK not in dataset.footer(name).columns:
                raise InputError(f"{dataset.root / name} has no column {TASK}, which sink {self.name} writes again.")

    def needs_bytes(self, source: Source) -> int:
        """One data file at a time is written beside its place."""
        dataset = self.dataset(source)
        return max((dataset.root / name).stat().st_size for name in dataset.data_files)

    def remarks(self) -> tuple[str, ...]:
        return (f"task_index is the {self.options.text}, where a frame has one; the former tasks are in the input",)

    def write(self, results: Results, out: Path) -> None:
        dataset = Dataset(out)
        rows = read_task_rows(out / TASK_ROWS)
        written = [INFO, *self._write_prompts(dataset, rows, out)]
        tasks = dataset.layout.read_tasks()
        target = targets(tasks, rows, self.options.text)
        counts: Counts = {}
        for name, _ in shard_names(dataset):
            _rewrite(dataset, name, target, counts)
            written.append(name)
        written += _write_stats(out, counts)
        written += dataset.layout.stats.replace_tasks(counts, tasks.texts)
        edit_json(out / INFO, lambda info: info.update(total_tasks=len(tasks.texts)))
        written += write_modality(out, out, "human.task", TASK)
        rehash(out, written)

    def _write_prompts(self, dataset: Dataset, rows: dict[str, TaskRow], out: Path) -> list[str]:
        """Add a task for each user prompt, where frames get the prompt alone; return the changed files."""
        if self.options.text == "dialogue":
            return []
        extended = TaskRows(dataset.tasks, rows)
        for text in dataset.tasks.texts:
            extended.add(TaskRow(_prompt_of(rows[text], text), ""))
        tasks = out / dataset.layout.tasks_file
        beside = tasks.with_name(f"{tasks.name}.new")
        extended.write_tasks(beside)
        beside.replace(tasks)
        extended.write_rows(out / TASK_ROWS)
        return [dataset.layout.tasks_file, TASK_ROWS]


def targets(tasks: TaskTable, rows: dict[str, TaskRow], text: str) -> "pa.Array[Any]":
    """Return, for each row of the task table, the row that a frame with that label gets as its own task."""
    if text == "dialogue":
        return pa.array(range(len(tasks.texts)), pa.int64())
    index = {task: position for position, task in enumerate(tasks.texts)}
    prompts = (_prompt_of(rows[task], task) if task in rows else task for task in tasks.texts)
    return pa.array([index.get(prompt, -1) for prompt in prompts], pa.int64())


def overridden(table: pa.Table, target: "pa.Array[Any]") -> "pa.Array[Any]":
    """Return the new task of each row, by its label; its own task where it has no label."""
    own = table.column(TASK).cast(pa.int64()).combine_chunks()
    labels = table.column(COLUMN).combine_chunks()
    labelled = pc.greater_equal(labels, pa.scalar(0, pa.int64()))
    tasks = target.take(pc.if_else(labelled, labels, pa.scalar(0, pa.int64())))
    return pc.if_else(labelled, tasks, own)


def _prompt_of(row: TaskRow, text: str) -> str:
    """Return the user prompt of a task; the whole text of an ordinary task."""
    return row.user_prompt or text


def _rewrite(dataset: Dataset, name: str, target: "pa.Array[Any]", counts: Counts) -> None:
    path = dataset.root / name
    schema = pq.read_schema(path)
    position = schema.names.index(TASK)

    def with_tasks(table: pa.Table) -> Iterator[pa.Table]:
        tasks = overridden(table, target)
        for start, stop, episode in runs(episode_column(dataset, name, table)):
            counted = counts.setdefault(episode, Counter())
            for item in pc.value_counts(tasks.slice(start, stop - start)):
                counted[item["values"].as_py()] += item["counts"].as_py()
        yield table.set_column(position, schema.field(position), tasks.cast(schema.field(position).type))

    rewrite_in_place(path, schema, with_tasks)


def _write_stats(out: Path, counts: Counts) -> list[str]:
    total: Counter[int] = Counter()
    for tasks in counts.values():
        total.update(tasks)

    def change(stats: dict[str, Any]) -> None:
        if isinstance(stats.get(TASK), dict) and total:
            stats[TASK] = stats_in_form(total, stats[TASK])

    if not (out / STATS).is_file():
        return []
    edit_json(out / STATS, change)
    return [STATS]
