"""Readers of the data's columns, which are read once, a few rows at a time."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen_lerobot.format import Dataset, episode_tables, runs
from pgen_lerobot.skills.base import Place, SkillReader

type Run = tuple[int, int, int]
"""Frames [start, stop) of an episode with one value."""

_ROWS = 256
"""Rows read at a time where each frame repeats a list."""


class ColumnReader(SkillReader):
    """A reader of one column, whose content of each episode is held by `read_column`."""

    column: ClassVar[str]

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return cls.column in dataset.features

    def __init__(self, place: Place) -> None:
        root = place.dataset.root
        if self.column not in place.dataset.features:
            raise InputError(f"{root / 'meta/info.json'} declares no {self.column}; --skills {self.name} reads it.")
        self._fps = place.dataset.fps
        self._episodes = self.read_column(place)

    @abstractmethod
    def read_column(self, place: Place) -> dict[int, list[Any]]:
        """Read what the column says of each episode."""

    @property
    def empty(self) -> bool:
        return not any(self._episodes.values())


def episode_runs(place: Place, column: str) -> Iterator[tuple[int, list[Run]]]:
    """Read the runs of equal values of a column of integers, by episode."""
    for name, shard in _shards(place.dataset, column):
        for table in episode_tables(place.dataset, shard, ["episode_index", column], place.selected):
            try:
                values = table.column(column).cast(pa.int64())
            except pa.ArrowException as error:
                raise InputError(f"{place.dataset.root / name}, column {column}: no whole numbers: {error}") from None
            yield table.column("episode_index")[0].as_py(), list(runs(values))


def first_cells(place: Place, column: str) -> Iterator[tuple[int, Any]]:
    """Read a column's cell in the first row of each episode."""
    for _, shard in _shards(place.dataset, column):
        before = None
        for batch in shard.iter_batches(_ROWS, columns=["episode_index", column]):
            for start, _, episode in runs(pa.chunked_array([batch.column("episode_index")])):
                if episode != before and (place.selected is None or episode in place.selected):
                    yield episode, batch.column(column)[start].as_py()
                before = episode


def _shards(dataset: Dataset, column: str) -> Iterator[tuple[str, pq.ParquetFile]]:
    for name in dataset.data_files:
        with dataset.shard(name) as shard:
            if column not in shard.schema_arrow.names:
                raise InputError(f"{dataset.root / name} has no column {column}, which meta/info.json declares.")
            yield name, shard
