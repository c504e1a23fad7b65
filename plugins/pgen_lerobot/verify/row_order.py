"""The order of the rows: `index` counts all frames, `frame_index` those of an episode, both from 0 on."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pgen_lerobot.format import runs
from pgen_lerobot.verify.problems import Problem


class Order:
    """Follows the rows of the listed shards, in their order."""

    def __init__(self) -> None:
        self._row = 0
        self._episode: int | None = None
        self._frame = 0

    def problems(self, name: str, start: int, episodes: pa.ChunkedArray, table: pa.Table) -> Iterator[Problem]:
        """The first wrong cell of each column in the next rows; they begin at row `start` of the shard `name`."""
        expected = {"index": _counted(self._row, len(table)), "frame_index": self._frames(episodes)}
        self._row += len(table)
        for column, right in expected.items():
            if column in table.column_names:
                yield from _first(name, start, column, table.column(column), right)

    def _frames(self, episodes: pa.ChunkedArray) -> "pa.Array[Any]":
        parts = [pa.array([], pa.int64())]
        for start, stop, episode in runs(episodes):
            if episode != self._episode:
                self._episode, self._frame = episode, 0
            parts.append(_counted(self._frame, stop - start))
            self._frame += stop - start
        return pa.concat_arrays(parts)


def _first(name: str, start: int, column: str, cells: pa.ChunkedArray, right: "pa.Array[Any]") -> Iterator[Problem]:
    differs = pc.not_equal(cells.cast(pa.float64()), right.cast(pa.float64())).fill_null(True)
    row = pc.index(differs, pa.scalar(True)).as_py()
    if row >= 0:
        yield Problem(
            name, f"found {cells[row]}, expected {right[row]}: it has to count from 0 on", start + row, column
        )


def _counted(first: int, number: int) -> "pa.Array[Any]":
    return pa.array(range(first, first + number), pa.int64())
