"""Find where a signal changes: the best cut into pieces that each stay near their own mean, or turn steadily.

The result is exact, by dynamic programming over all cuts (PELT: Killick, Fearnhead and Eckley, 2012, arXiv
1101.1438), which drops a cut for good once no later piece can begin there: nearly linear where there are changes.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Floats = NDArray[np.float64]
    type Rows = NDArray[np.int64]

TREND = 1.1
"""The extra cost of a piece that turns steadily, in penalties: slightly more than a cut, so that of two constant
pieces and a trend that fit equally well the two pieces are chosen."""
_ROUNDING = 1e-3
"""Seconds by which float32 timestamps can shorten a piece."""


def change_points(
    signal: "Floats", penalty: float, times: "Floats", shortest: float = 0.0, turning: int = 0
) -> list[int]:
    """Return the rows of `signal` (n x d) at which a piece begins, except the first.

    Minimizes the sum of squared distances from each piece's mean (or, in the first `turning` columns, from a line
    through it, at `TREND` penalties more), and `penalty` for each piece. `times` (n + 1, ascending) are where the
    rows begin and the last one ends; no piece is shorter than `shortest`, unless the signal itself is.
    """
    length, _ = signal.shape
    misfit = _Misfit(signal, penalty, turning)
    # The first row at which a piece that begins at a row can end.
    ends = np.maximum(np.searchsorted(times, times + (shortest - _ROUNDING)), np.arange(1, length + 2))
    ready = np.searchsorted(ends, np.arange(length + 1), side="right")
    best = np.full(length + 1, np.inf)
    best[0] = 0.0
    begins = np.zeros(length + 1, dtype=np.int64)
    cuts: Rows = np.empty(0, dtype=np.int64)
    last_use = cuts
    for stop in range(1, length + 1):
        new: Rows = np.arange(ready[stop - 1], ready[stop])
        new = new[np.isfinite(best[new])]
        cuts, last_use = np.append(cuts, new), np.append(last_use, np.full(len(new), length))
        if not len(cuts):
            continue
        total = best[cuts] + misfit(cuts, stop)
        chosen = int(total.argmin())
        best[stop] = total[chosen] + penalty
        begins[stop] = cuts[chosen]
        # From here on a cut at `stop` is at least as good (two trends cost no more than one more penalty), but the
        # piece that begins there cannot end at once.
        last_use = np.where(total - misfit.trend >= best[stop], np.minimum(last_use, ends[stop] - 1), last_use)
        cuts, last_use = cuts[last_use > stop], last_use[last_use > stop]
    return _trace_back(begins)


class _Misfit:
    """The cost of pieces that end at a row: squared distances from their mean, or from their trend and `TREND` more."""

    def __init__(self, signal: "Floats", penalty: float, turning: int) -> None:
        rows = np.arange(len(signal))[:, None]
        self._sums, self._along = _cumulated(signal), _cumulated(signal[:, :turning] * rows)
        self._squares = _cumulated((signal**2).sum(axis=1)[:, None])[:, 0]
        self._turning = turning
        self.trend = TREND * penalty

    def __call__(self, cuts: "Rows", stop: int) -> "Floats":
        count = (stop - cuts)[:, None]
        total = self._sums[stop] - self._sums[cuts]
        level = self._squares[stop] - self._squares[cuts] - (total**2 / count).sum(axis=1)
        along = self._along[stop] - self._along[cuts] - total[:, : self._turning] * (stop - 1 + cuts[:, None]) / 2
        spread = np.maximum(count * (count * count - 1) / 12, 0.5)
        best: Floats = np.minimum(level, level - (along**2 / spread).sum(axis=1) + self.trend)
        return best


def _cumulated(rows: "Floats") -> "Floats":
    sums: Floats = np.vstack([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    return sums


def _trace_back(begins: "Rows") -> list[int]:
    points, stop = [], len(begins) - 1
    while stop > 0:
        stop = int(begins[stop])
        points.append(stop)
    return points[-2::-1]
