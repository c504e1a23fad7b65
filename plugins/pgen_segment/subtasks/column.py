"""Write skills as subtasks: the column `subtask_index` in the data, and their names in meta/subtasks.parquet.

In v2.x the names are also in meta/subtasks.jsonl, where forks of openpi and of GR00T's loader read them. The subtask
of a frame in no skill is its own task: readers look the index up by position, so it has to name something.
"""

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.storage.durable import sync, write_text
from pgen_lerobot.format import Dataset, frame_columns, pandas_index, runs, summarize
from pgen_lerobot.write import (
    INFO,
    STATS,
    rewrite_shard,
    shard_names,
    to_arrow,
    write_info,
    write_stats,
)
from pgen_segment.segmentation import Segmented

COLUMN = "subtask_index"
TABLE = "meta/subtasks.parquet"
LINES = "meta/subtasks.jsonl"


def write(dataset: Dataset, episodes: Mapping[int, Segmented], out: Path) -> list[str]:
    """Write the dataset's data and metadata with the subtasks; return the files, relative to `out`."""
    subtasks = Subtasks(dataset, episodes)
    written = []
    for name, listed in shard_names(dataset):
        with dataset.shard(name) as shard:
            label = subtasks.column if listed else subtasks.own_tasks
            rewrite_shard(shard, out / name, partial(_labelled, dataset, name, label), COLUMN)
        written.append(name)
    subtasks.write_table(out / TABLE)
    if dataset.layout.one_episode_a_file:
        subtasks.write_lines(out / LINES)
        written.append(LINES)
    write_info(dataset, out / INFO, len(dataset.tasks.texts), COLUMN)
    if write_stats(dataset, out / STATS, subtasks.counts, COLUMN):
        written.append(STATS)
    stats = subtasks.stats(dataset.layout.stats.names(COLUMN))
    return [*written, TABLE, INFO, *dataset.layout.stats.write(out, stats, COLUMN)]


def _labelled(
    dataset: Dataset, name: str, label: "Callable[[pa.Table], pa.Array[Any]]", table: pa.Table
) -> "pa.Array[Any]":
    return label(frame_columns(dataset, name, table))


def skill_indices(episodes: Mapping[int, Segmented]) -> dict[str, int]:
    """Return the index of each skill's name, in alphabetical order."""
    names = sorted({skill.name for episode in episodes.values() for skill in episode.skills})
    return {name: index for index, name in enumerate(names)}


class Subtasks:
    """Assigns each row its subtask, in the order of the stored rows, and counts them."""

    def __init__(self, dataset: Dataset, episodes: Mapping[int, Segmented]) -> None:
        self._tasks = dataset.tasks.texts
        self._episodes = episodes
        self._rows = skill_indices(episodes)
        self._episode, self._position = -1, 0
        self._counts: dict[int, Counter[int]] = {}

    @property
    def counts(self) -> Counter[int]:
        """The number of frames of each subtask."""
        return sum(self._counts.values(), Counter())

    def stats(self, names: list[str]) -> dict[int, dict[str, float]]:
        """Return the named statistics of each episode."""
        return {episode: summarize(counts, names) for episode, counts in self._counts.items()}

    def column(self, table: pa.Table) -> "pa.Array[Any]":
        """Return the subtasks of the next rows, which have `episode_index` and `task_index`."""
        values = array("q")
        for start, stop, episode in runs(table.column("episode_index")):
            if episode != self._episode:
                self._episode, self._position = episode, 0
            segmented = self._episodes.get(episode)
            if segmented is None:
                for row, length in self._tasks_of(table.slice(start, stop - start)):
                    self._append(row, length, values)
            else:
                self._skills(segmented, stop - start, values)
            self._position += stop - start
        return to_arrow(values)

    def own_tasks(self, table: pa.Table) -> "pa.Array[Any]":
        """Return each row's own task as its subtask, for rows in no episode, which are not counted."""
        values = array("q")
        for row, length in self._tasks_of(table):
            values.extend([row] * length)
        return to_arrow(values)

    def write_table(self, target: Path) -> None:
        """Write the names by index, as a pandas frame with the index `subtask`."""
        columns = {"subtask_index": pa.array(range(len(self._rows)), pa.int64()), "subtask": pa.array(self._rows)}
        table = pa.table(columns)
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata(pandas_index(table.schema, "subtask")), target)
        sync(target)

    def write_lines(self, target: Path) -> None:
        """Write a line for each name, under both keys that readers use."""
        lines = ({"subtask_index": index, "subtask": name, "task": name} for name, index in self._rows.items())
        write_text(target, [json.dumps(line, ensure_ascii=False) + "\n" for line in lines])

    def _skills(self, segmented: Segmented, length: int, values: "array[int]") -> None:
        first, last = self._position, self._position + length
        for skill, frames in zip(segmented.skills, segmented.frames, strict=True):
            within = min(frames.stop, last) - max(frames.start, first)
            if within > 0:
                self._append(self._rows[skill.name], within, values)

    def _tasks_of(self, table: pa.Table) -> Iterator[tuple[int, int]]:
        """Yield the row of the own task of each run of frames, and the run's length."""
        for start, stop, task in runs(table.column("task_index")):
            yield self._rows.setdefault(self._tasks[task], len(self._rows)), stop - start

    def _append(self, index: int, number: int, values: "array[int]") -> None:
        values.extend([index] * number)
        self._counts.setdefault(self._episode, Counter())[index] += number
