"""The order of the rows: `index` counts all frames, `frame_index` those of an episode, both from 0."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pgen_lerobot.format import runs
from pgen_lerobot.verify.problems import Problem


class RowOrder:
    """Compare the counters in the rows of the listed data files, in their order."""

    def __init__(self) -> None:
        self._row = 0
        self._episode: int | None = None
        self._frame = 0

    def problems(self, name: str, start: int, episodes: pa.ChunkedArray, table: pa.Table) -> Iterator[Problem]:
        """Return the first wrong cell of each counter in the next rows, which begin at row `start` of `name`."""
        expected = {"index": _counting(self._row, len(table)), "frame_index": self._frames(episodes)}
        self._row += len(table)
        for column, numbers in expected.items():
            if column not in table.column_names:
                continue
            cells = table.column(column)
            differs = pc.not_equal(cells.cast(pa.float64()), numbers.cast(pa.float64())).fill_null(True)
            row = pc.index(differs, pa.scalar(True)).as_py()
            if row >= 0:
                what = f"found {cells[row]}, expected {numbers[row]}: it has to count from 0 on"
                yield Problem(name, what, start + row, column)

    def _frames(self, episodes: pa.ChunkedArray) -> "pa.Array[Any]":
        parts = [pa.array([], pa.int64())]
        for start, stop, episode in runs(episodes):
            if episode != self._episode:
                self._episode, self._frame = episode, 0
            parts.append(_counting(self._frame, stop - start))
            self._frame += stop - start
        return pa.concat_arrays(parts)


def _counting(first: int, number: int) -> "pa.Array[Any]":
    return pa.array(range(first, first + number), pa.int64())
