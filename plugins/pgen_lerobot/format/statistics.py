"""Exact statistics of a column of integers, from the number of frames with each value.

The keys are LeRobot's: min, max, mean, std (of the population), count, and qNN, here the exact quantiles by
linear interpolation; LeRobot estimates them from a histogram.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import sqrt

_QUANTILE = re.compile(r"q(\d\d)")


def summarize(counts: Mapping[int, int], names: Iterable[str]) -> dict[str, float]:
    """Return the named statistics; names that LeRobot does not have are omitted. `counts` is not empty."""
    values = sorted(counts)
    number = sum(counts.values())
    # Sums of integers are exact, so that the deviation of large indices does not cancel out.
    total = sum(value * counts[value] for value in values)
    squares = sum(value * value * counts[value] for value in values)
    stats: dict[str, float] = {
        "min": values[0],
        "max": values[-1],
        "mean": total / number,
        "std": sqrt(number * squares - total * total) / number,
        "count": number,
    }
    cumulative = list(accumulate(counts[value] for value in values))
    for name in names:
        if match := _QUANTILE.fullmatch(name):
            stats[name] = _quantile(values, cumulative, int(match[1]))
    return {name: stats[name] for name in names if name in stats}


def _quantile(values: list[int], cumulative: list[int], percent: int) -> float:
    lower, hundredths = divmod((cumulative[-1] - 1) * percent, 100)
    low = values[bisect_right(cumulative, lower)]
    high = values[bisect_right(cumulative, min(lower + 1, cumulative[-1] - 1))]
    return low + (high - low) * hundredths / 100
