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

from pgen.components import Options, Results, Source
from pgen_lerobot.dataset import COLUMN, Dataset
from pgen_lerobot.forms import staged
from pgen_lerobot.frames import runs
from pgen_lerobot.tasks import TaskTable
from pgen_lerobot.writing.dialogues import MIRROR, Dialogues, Row, read_mirror
from pgen_lerobot.writing.metadata import INFO, STATS, in_form
from pgen_lerobot.writing.shards import shard_names
from pgen_lerobot.writing.stats import summarise

TASKS = "meta/tasks.parquet"
OWN = "task_index"

type Counts = dict[int, Counter[int]]
"""How often each task occurs, by episode."""


class TaskOverrideOptions(Options):
    text: Literal["dialogue", "prompt"] = "dialogue"
    """What a frame's task becomes: the whole dialogue, `user prompt | robot utterance`, or the user prompt alone."""


class TaskOverrideSink(staged.Form):
    """A copy whose own task_index points at the dialogue, for trainers that read no other column."""

    name = "task-override"
    Options = TaskOverrideOptions
    options: TaskOverrideOptions

    def open(self, source: Source) -> None:
        self.dataset(source)

    def needs_bytes(self, source: Source) -> int:
        """Of one shard at a time, while it is written again."""
        return max((self.dataset(source).root / name).stat().st_size for name in self.dataset(source).data_files)

    def remarks(self) -> tuple[str, ...]:
        return (f"task_index is the {self.options.text}, where a frame has one; the former tasks are in the input",)

    def write(self, results: Results, out: Path) -> None:
        dataset = Dataset(out)
        rows = read_mirror(out / MIRROR)
        written = [INFO, *self._prompts(dataset, rows, out)]
        tasks = TaskTable.read(out / TASKS)
        target = targets(tasks, rows, self.options.text)
        counts: Counts = {}
        for name, _ in shard_names(dataset):
            _rewrite(out / name, target, counts)
            written.append(name)
        written += _stats(out, counts)
        for path in dataset.episodes_files:
            _episodes(path, counts, tasks)
            written.append(path.relative_to(out).as_posix())
        staged.edit_info(out, lambda info: info.update(total_tasks=len(tasks.texts)))
        staged.rehash(out, written)

    def _prompts(self, dataset: Dataset, rows: dict[str, Row], out: Path) -> list[str]:
        """A row of its own for each user prompt, where those alone are wanted."""
        if self.options.text == "dialogue":
            return []
        dialogues = Dialogues(dataset.tasks, rows)
        for text in dataset.tasks.texts:
            dialogues.add(Row(prompt_of(rows[text], text), ""))
        for name, write in ((TASKS, self._write_tasks), (MIRROR, self._write_mirror)):
            write(dialogues, out / name)
        return [TASKS, MIRROR]

    @staticmethod
    def _write_tasks(dialogues: Dialogues, path: Path) -> None:
        aside = path.with_name(f"{path.name}.new")
        dialogues.write_tasks(path, aside)
        aside.replace(path)

    @staticmethod
    def _write_mirror(dialogues: Dialogues, path: Path) -> None:
        dialogues.write_mirror(path)


def prompt_of(row: Row, text: str) -> str:
    """What the user says in a row of the mirror; the whole text where that is an ordinary task."""
    return row.user_prompt or text


def targets(tasks: TaskTable, rows: dict[str, Row], text: str) -> "pa.Array[Any]":
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


def _rewrite(path: Path, target: "pa.Array[Any]", counts: Counts) -> None:
    schema = pq.read_schema(path)
    position = schema.names.index(OWN)

    def pieces(table: pa.Table) -> Iterator[pa.Table]:
        new = overridden(table, target)
        for start, stop, episode in runs(table.column("episode_index")):
            counted = counts.setdefault(episode, Counter())
            for item in pc.value_counts(new.slice(start, stop - start)):
                counted[item["values"].as_py()] += item["counts"].as_py()
        yield table.set_column(position, schema.field(position), new.cast(schema.field(position).type))

    staged.rewrite(path, schema, pieces)


def _stats(out: Path, counts: Counts) -> list[str]:
    total: Counter[int] = Counter()
    for counted in counts.values():
        total.update(counted)

    def change(stats: dict[str, Any]) -> None:
        like = stats.get(OWN)
        if isinstance(like, dict) and total:
            stats[OWN] = {name: in_form(like[name], value) for name, value in summarise(total, like).items()}

    if not (out / STATS).is_file():
        return []
    staged.edit_json(out / STATS, change)
    return [STATS]


def _episodes(path: Path, counts: Counts, tasks: TaskTable) -> None:
    schema = pq.read_schema(path)
    prefix = f"stats/{OWN}/"

    def pieces(table: pa.Table) -> Iterator[pa.Table]:
        indices = table.column("episode_index").to_pylist()
        found = [counts.get(index, Counter()) for index in indices]
        for position, field in enumerate(schema):
            if field.name == "tasks":
                texts = [[tasks.texts[index] for index in sorted(counted)] for counted in found]
                table = table.set_column(position, field, pa.array(texts, field.type))
            elif field.name.startswith(prefix):
                name = field.name.removeprefix(prefix)
                cells = [
                    _cell(old, counted, name) for old, counted in zip(table[field.name].to_pylist(), found, strict=True)
                ]
                table = table.set_column(position, field, pa.array(cells, field.type))
        yield table

    staged.rewrite(path, schema, pieces)


def _cell(old: Any, counted: Counter[int], name: str) -> Any:
    known = summarise(counted, [name]) if counted else {}
    return in_form(old, known[name]) if name in known and old is not None else old
