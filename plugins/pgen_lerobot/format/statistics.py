"""Exact statistics of a column of whole numbers, from how often each value occurs.

The keys are LeRobot's: min, max, mean, std (of the population), count, and qNN, here the true quantiles
by linear interpolation where LeRobot estimates them from a histogram.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import sqrt

_QUANTILE = re.compile(r"q(\d\d)")


def summarize(counts: Mapping[int, int], names: Iterable[str]) -> dict[str, float]:
    """The named statistics; a name that is none of LeRobot's is left out. `counts` is not empty."""
    values = sorted(counts)
    number = sum(counts.values())
    total = sum(value * counts[value] for value in values)
    squares = sum(value * value * counts[value] for value in values)
    known: dict[str, float] = {
        "min": values[0],
        "max": values[-1],
        "mean": total / number,
        "std": sqrt(number * squares - total * total) / number,
        "count": number,
    }
    upto = list(accumulate(counts[value] for value in values))
    for name in names:
        if match := _QUANTILE.fullmatch(name):
            known[name] = _quantile(values, upto, int(match[1]))
    return {name: known[name] for name in names if name in known}


def _quantile(values: list[int], upto: list[int], percent: int) -> float:
    lower, hundredths = divmod((upto[-1] - 1) * percent, 100)
    low = values[bisect_right(upto, lower)]
    high = values[bisect_right(upto, min(lower + 1, upto[-1] - 1))]
    return low + (high - low) * hundredths / 100
