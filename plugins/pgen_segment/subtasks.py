"""Skills as subtasks: the column `subtask_index` in the data, and meta/subtasks.parquet with their names.

A frame in no skill has its own task for its subtask: an index that names nothing is the wrong name to its
readers, who look it up by position.
"""

from array import array
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.durable import sync
from pgen_lerobot.dataset import Dataset
from pgen_lerobot.frames import runs
from pgen_lerobot.writing import metadata, shards
from pgen_lerobot.writing.dialogues import indexed_by
from pgen_lerobot.writing.labelling import as_arrow
from pgen_lerobot.writing.stats import summarise
from pgen_segment.skillsfile import Segmented, skill_indices

COLUMN = "subtask_index"
TABLE = "meta/subtasks.parquet"


def write(dataset: Dataset, episodes: Mapping[int, Segmented], out: Path) -> list[str]:
    """Write the dataset's data and metadata with the subtasks; returns the files, relative to `out`."""
    subtasks = Subtasks(dataset, episodes)
    written = []
    for name, _ in shards.shard_names(dataset):
        with dataset.shard(name) as shard:
            shards.rewrite(shard, out / name, subtasks.column, COLUMN)
        written.append(name)
    subtasks.write_table(out / TABLE)
    metadata.write_info(dataset, out / metadata.INFO, len(dataset.tasks.texts), COLUMN)
    if metadata.write_stats(dataset, out / metadata.STATS, subtasks.counts, COLUMN):
        written.append(metadata.STATS)
    stats = subtasks.stats(metadata.stat_names(dataset, COLUMN))
    for path in dataset.episodes_files:
        name = path.relative_to(dataset.root).as_posix()
        if metadata.write_episodes(path, out / name, stats, COLUMN):
            written.append(name)
    return [*written, TABLE, metadata.INFO]


class Subtasks:
    """Gives each row its subtask, in the order in which the rows are stored, and counts what it gives out."""

    def __init__(self, dataset: Dataset, episodes: Mapping[int, Segmented]) -> None:
        self._tasks = dataset.tasks.texts
        self._episodes = episodes
        self._rows = skill_indices(episodes)
        self._episode, self._position = -1, 0
        self._counts: dict[int, Counter[int]] = {}

    @property
    def counts(self) -> Counter[int]:
        """How many frames have each subtask."""
        return sum(self._counts.values(), Counter())

    def stats(self, names: list[str]) -> dict[int, dict[str, float]]:
        """The named statistics of each episode."""
        return {episode: summarise(counts, names) for episode, counts in self._counts.items()}

    def column(self, table: pa.Table) -> "pa.Array[Any]":
        """The subtasks of the next rows, which have `episode_index` and `task_index`."""
        values = array("q")
        for start, stop, episode in runs(table.column("episode_index")):
            if episode != self._episode:
                self._episode, self._position = episode, 0
            segmented = self._episodes.get(episode)
            if segmented is None:
                self._own_tasks(table.column("task_index").slice(start, stop - start), values)
            else:
                self._skills(segmented, stop - start, values)
            self._position += stop - start
        return as_arrow(values)

    def write_table(self, target: Path) -> None:
        """The names by index, as a pandas frame with the index `subtask`."""
        columns = {"subtask_index": pa.array(range(len(self._rows)), pa.int64()), "subtask": pa.array(self._rows)}
        table = pa.table(columns)
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata(indexed_by(table.schema, "subtask")), target)
        sync(target)

    def _skills(self, segmented: Segmented, length: int, values: "array[int]") -> None:
        first, last = self._position, self._position + length
        for skill, frames in zip(segmented.skills, segmented.frames, strict=True):
            within = min(frames.stop, last) - max(frames.start, first)
            if within > 0:
                self._give(self._rows[skill.name], within, values)

    def _own_tasks(self, tasks: "pa.ChunkedArray[Any]", values: "array[int]") -> None:
        for start, stop, task in runs(tasks):
            self._give(self._rows.setdefault(self._tasks[task], len(self._rows)), stop - start, values)

    def _give(self, index: int, number: int, values: "array[int]") -> None:
        values.extend(array("q", [index]) * number)
        self._counts.setdefault(self._episode, Counter())[index] += number
