"""Where a signal changes: the best cut of it into pieces that each stay near their own mean, or turn steadily.

Exact, by dynamic programming over all cuts (PELT: Killick, Fearnhead and Eckley, 2012, arXiv 1101.1438),
which drops a cut for good as soon as no later piece can begin there: near linear where there are changes.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TREND = 1.1
"""What a piece that turns steadily costs more than one that stays, in penalties: as much as a cut, and a little, so
that of two pieces and a trend which fit as well the two are taken."""
_SLACK = 1e-3
"""Seconds by which float32 timestamps make a piece look shorter than it is."""


def change_points(
    signal: "NDArray[np.float64]",
    penalty: float,
    times: "NDArray[np.float64]",
    shortest: float = 0.0,
    turning: int = 0,
) -> list[int]:
    """The rows of `signal` (n x d) at which a piece begins, the first excepted.

    Minimises the sum of squared distances from each piece's mean (or, of the first `turning` columns, from a line
    through it, at `TREND` penalties more), and `penalty` for each piece. `times` (n + 1, ascending) are where the
    rows begin and the last one ends; no piece lasts less than `shortest`, unless the signal itself does.
    """
    length, _ = signal.shape
    misfit = _Misfit(signal, penalty, turning)
    # A piece that begins at a row can end at `ends[row]` first: later for rows in quick succession.
    ends = np.maximum(np.searchsorted(times, times + (shortest - _SLACK)), np.arange(1, length + 2))
    best = np.full(length + 1, np.inf)
    best[0] = 0.0
    begins = np.zeros(length + 1, dtype=np.int64)
    cuts: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    last_use = cuts
    ready = np.searchsorted(ends, np.arange(length + 1), side="right")
    for stop in range(1, length + 1):
        new: NDArray[np.int64] = np.arange(ready[stop - 1], ready[stop])
        new = new[np.isfinite(best[new])]
        cuts, last_use = np.append(cuts, new), np.append(last_use, np.full(len(new), length))
        if not len(cuts):
            continue
        total = best[cuts] + misfit(cuts, stop)
        chosen = int(total.argmin())
        best[stop] = total[chosen] + penalty
        begins[stop] = cuts[chosen]
        # From here on a cut at `stop` is at least as good (two trends for one cost no more than that), but the
        # piece behind it cannot end at once.
        last_use = np.where(total - misfit.trend >= best[stop], np.minimum(last_use, ends[stop] - 1), last_use)
        cuts, last_use = cuts[last_use > stop], last_use[last_use > stop]
    return _traced(begins)


class _Misfit:
    """What pieces up to a row cost: the squared distances from their mean, or from their trend and `TREND` more."""

    def __init__(self, signal: "NDArray[np.float64]", penalty: float, turning: int) -> None:
        rows = np.arange(len(signal))[:, None]
        self._sums, self._along = _summed(signal), _summed(signal[:, :turning] * rows)
        self._turning = turning
        self._squares = _summed((signal**2).sum(axis=1)[:, None])[:, 0]
        self.trend = TREND * penalty

    def __call__(self, cuts: "NDArray[np.int64]", stop: int) -> "NDArray[np.float64]":
        count = (stop - cuts)[:, None]
        total = self._sums[stop] - self._sums[cuts]
        level = self._squares[stop] - self._squares[cuts] - (total**2 / count).sum(axis=1)
        along = self._along[stop] - self._along[cuts] - total[:, : self._turning] * (stop - 1 + cuts[:, None]) / 2
        spread = np.maximum(count * (count * count - 1) / 12, 0.5)
        best: NDArray[np.float64] = np.minimum(level, level - (along**2 / spread).sum(axis=1) + self.trend)
        return best


def _summed(rows: "NDArray[np.float64]") -> "NDArray[np.float64]":
    sums: NDArray[np.float64] = np.vstack([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    return sums


def _traced(begins: "NDArray[np.int64]") -> list[int]:
    points = []
    stop = len(begins) - 1
    while stop > 0:
        stop = int(begins[stop])
        points.append(stop)
    return points[-2::-1]
