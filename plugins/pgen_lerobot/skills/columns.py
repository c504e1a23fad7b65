"""What columns of the data say of each episode, read once, a few rows at a time: runs and first cells."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen_lerobot.format import Dataset, episode_tables, runs
from pgen_lerobot.skills.base import Place

Run = tuple[int, int, int | None]
"""Frames [start, stop) of an episode with one value."""

_ROWS = 256
"""Rows read at a time where a cell is a list that each frame repeats."""


def episode_runs(place: Place, column: str) -> Iterator[tuple[int, list[Run]]]:
    """The runs of equal values of a column of whole numbers, by episode."""
    for name, shard in _shards(place.dataset, column):
        for table in episode_tables(place.dataset, shard, ["episode_index", column], place.wanted):
            try:
                values = table.column(column).cast(pa.int64())
            except pa.ArrowException as error:
                raise InputError(f"{place.dataset.root / name}, column {column}: no whole numbers: {error}") from None
            yield table.column("episode_index")[0].as_py(), list(runs(values))


def first_cells(place: Place, column: str) -> Iterator[tuple[int, Any]]:
    """A column's value in the first row of each episode."""
    for _, shard in _shards(place.dataset, column):
        before = None
        for batch in shard.iter_batches(_ROWS, columns=["episode_index", column]):
            for start, _, episode in runs(pa.chunked_array([batch.column("episode_index")])):
                if episode != before and (place.wanted is None or episode in place.wanted):
                    yield episode, batch.column(column)[start].as_py()
                before = episode


def _shards(dataset: Dataset, column: str) -> Iterator[tuple[str, pq.ParquetFile]]:
    for name in dataset.data_files:
        with dataset.shard(name) as shard:
            if column not in shard.schema_arrow.names:
                raise InputError(f"{dataset.root / name} has no column {column}, which meta/info.json declares.")
            yield name, shard
