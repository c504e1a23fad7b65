"""Where a signal changes: the best cut of it into pieces that each stay near their own mean.

Exact, by dynamic programming over all cuts (PELT: Killick, Fearnhead and Eckley, 2012, arXiv 1101.1438),
which drops a cut for good as soon as no later piece can begin there: near linear where there are changes.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SLACK = 1e-3
"""Seconds by which float32 timestamps make a piece look shorter than it is."""


def change_points(
    signal: "NDArray[np.float64]", penalty: float, times: "NDArray[np.float64]", shortest: float = 0.0
) -> list[int]:
    """The rows of `signal` (n x d) at which a piece begins, the first excepted.

    Minimises the sum of squared distances from each piece's mean, and `penalty` for each piece. `times`
    (n + 1, ascending) are where the rows begin and the last one ends; no piece lasts less than `shortest`,
    unless the signal itself does.
    """
    length, width = signal.shape
    sums = np.vstack([np.zeros(width), np.cumsum(signal, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((signal**2).sum(axis=1))])
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
        error = squares[stop] - squares[cuts] - ((sums[stop] - sums[cuts]) ** 2).sum(axis=1) / (stop - cuts)
        total = best[cuts] + error
        chosen = int(total.argmin())
        best[stop] = total[chosen] + penalty
        begins[stop] = cuts[chosen]
        # From here on a cut at `stop` is at least as good, but the piece behind it cannot end at once.
        last_use = np.where(total >= best[stop], np.minimum(last_use, ends[stop] - 1), last_use)
        cuts, last_use = cuts[last_use > stop], last_use[last_use > stop]
    return _traced(begins)


def _traced(begins: "NDArray[np.int64]") -> list[int]:
    points = []
    stop = len(begins) - 1
    while stop > 0:
        stop = int(begins[stop])
        points.append(stop)
    return points[-2::-1]
