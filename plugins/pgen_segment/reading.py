"""Episodes with further columns of their data, streamed side by side."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pgen_lerobot.dataset import Dataset
from pgen_lerobot.frames import episode_tables
from pgen_lerobot.source import LeRobotSource
from pgen_segment.segmenter import Recording


def recordings(source: LeRobotSource, columns: Sequence[str]) -> Iterator[Recording]:
    """The chosen episodes in the order of the data, each with these columns."""
    if not columns:
        yield from (Recording(episode) for episode in source.episodes())
        return
    tables = _tables(source.dataset, columns)
    for episode in source.episodes():
        table = next(table for index, table in tables if index == episode.index)
        yield Recording(episode, {name: table.column(name) for name in columns})


def _tables(dataset: Dataset, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    for name in dataset.data_files:
        with dataset.shard(name) as shard:
            for table in episode_tables(shard, ["episode_index", *columns]):
                yield table.column("episode_index")[0].as_py(), table
