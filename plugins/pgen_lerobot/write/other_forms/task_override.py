"""The sink `task-override`: frames whose own `task_index` is their dialogue, for trainers that read nothing else.

openpi and GR00T among them look only at the text of `task_index`. A frame without a dialogue keeps its task.
With the task go the tasks and the stats of each episode, and the stats of the whole.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.components import Results, Source
from pgen.components.options import Options
from pgen.errors import InputError
from pgen_lerobot.format import (
    COLUMN,
    TASK_ROWS,
    Dataset,
    TaskRow,
    TaskTable,
    episode_column,
    in_form,
    read_task_rows,
    rewrite_in_place,
    runs,
    summarize,
)
from pgen_lerobot.write import INFO, STATS, TaskRows, shard_names
from pgen_lerobot.write.other_forms import edits as staged

OWN = "task_index"

type Counts = dict[int, Counter[int]]
"""How often each task occurs, by episode."""


class TaskOverrideOptions(Options):
    text: Literal["dialogue", "prompt"] = "dialogue"
    """What a frame's task becomes: the whole dialogue, `user prompt | robot utterance`, or the user prompt alone."""


class TaskOverrideSink(staged.Form[TaskOverrideOptions]):
    """A copy whose own task_index points at the dialogue, for trainers that read no other column."""

    name = "task-override"

    def open(self, source: Source) -> None:
        """Raises InputError where frames have no task of their own that could be overridden."""
        dataset = self.dataset(source)
        for name in dataset.data_files:
            with dataset.shard(name) as shard:
                if OWN not in shard.schema_arrow.names:
                    raise InputError(f"{dataset.root / name} has no column {OWN}, which sink {self.name} writes again.")

    def needs_bytes(self, source: Source) -> int:
        """Of one shard at a time, while it is written again."""
        return max((self.dataset(source).root / name).stat().st_size for name in self.dataset(source).data_files)

    def remarks(self) -> tuple[str, ...]:
        return (f"task_index is the {self.options.text}, where a frame has one; the former tasks are in the input",)

    def write(self, results: Results, out: Path) -> None:
        dataset = Dataset(out)
        rows = read_task_rows(out / TASK_ROWS)
        written = [INFO, *self._prompts(dataset, rows, out)]
        tasks = dataset.layout.read_tasks()
        target = targets(tasks, rows, self.options.text)
        counts: Counts = {}
        for name, _ in shard_names(dataset):
            _rewrite(dataset, name, target, counts)
            written.append(name)
        written += _stats(out, counts)
        written += dataset.layout.stats.retell(counts, tasks.texts)
        staged.edit_info(out, lambda info: info.update(total_tasks=len(tasks.texts)))
        staged.rehash(out, written)

    def _prompts(self, dataset: Dataset, rows: dict[str, TaskRow], out: Path) -> list[str]:
        """A row of its own for each user prompt, where those alone are wanted."""
        if self.options.text == "dialogue":
            return []
        dialogues = TaskRows(dataset.tasks, rows)
        for text in dataset.tasks.texts:
            dialogues.add(TaskRow(prompt_of(rows[text], text), ""))
        tasks = out / dataset.layout.tasks_file
        aside = tasks.with_name(f"{tasks.name}.new")
        dialogues.write_tasks(aside)
        aside.replace(tasks)
        dialogues.write_mirror(out / TASK_ROWS)
        return [dataset.layout.tasks_file, TASK_ROWS]


def prompt_of(row: TaskRow, text: str) -> str:
    """What the user says in a row of the mirror; the whole text where that is an ordinary task."""
    return row.user_prompt or text


def targets(tasks: TaskTable, rows: dict[str, TaskRow], text: str) -> "pa.Array[Any]":
    """For each row of the task table, the row that a frame with that label gets as its own task."""
    if text == "dialogue":
        return pa.array(range(len(tasks.texts)), pa.int64())
    index = {known: position for position, known in enumerate(tasks.texts)}
    prompts = (prompt_of(rows[known], known) if known in rows else known for known in tasks.texts)
    return pa.array([index.get(prompt, -1) for prompt in prompts], pa.int64())


def overridden(table: pa.Table, target: "pa.Array[Any]") -> "pa.Array[Any]":
    """The new task of each row, from its label; its own where it has none."""
    own = table.column(OWN).cast(pa.int64()).combine_chunks()
    labels = table.column(COLUMN).combine_chunks()
    has = pc.greater_equal(labels, pa.scalar(0, pa.int64()))
    found = target.take(pc.if_else(has, labels, pa.scalar(0, pa.int64())))
    return pc.if_else(has, found, own)


def _rewrite(dataset: Dataset, name: str, target: "pa.Array[Any]", counts: Counts) -> None:
    path = dataset.root / name
    schema = pq.read_schema(path)
    position = schema.names.index(OWN)

    def pieces(table: pa.Table) -> Iterator[pa.Table]:
        new = overridden(table, target)
        for start, stop, episode in runs(episode_column(dataset, name, table)):
            counted = counts.setdefault(episode, Counter())
            for item in pc.value_counts(new.slice(start, stop - start)):
                counted[item["values"].as_py()] += item["counts"].as_py()
        yield table.set_column(position, schema.field(position), new.cast(schema.field(position).type))

    rewrite_in_place(path, schema, pieces)


def _stats(out: Path, counts: Counts) -> list[str]:
    total: Counter[int] = Counter()
    for counted in counts.values():
        total.update(counted)

    def change(stats: dict[str, Any]) -> None:
        like = stats.get(OWN)
        if isinstance(like, dict) and total:
            stats[OWN] = {name: in_form(like[name], value) for name, value in summarize(total, like).items()}

    if not (out / STATS).is_file():
        return []
    staged.edit_json(out / STATS, change)
    return [STATS]
