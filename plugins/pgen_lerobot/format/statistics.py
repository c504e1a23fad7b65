"""Exact statistics of a column of integers, from the number of frames with each value.

The keys are LeRobot's: min, max, mean, std (of the population), count, and qNN, here the exact quantiles by
linear interpolation; LeRobot estimates them from a histogram. A file keeps the form of its numbers.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import sqrt
from typing import Any

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


def in_form(like: Any, value: float) -> Any:
    """Return the value in the form of another: nested in lists as that is, float where that is."""
    if isinstance(like, list):
        return [in_form(like[0] if like else 0.0, value)]
    return float(value) if isinstance(like, float) else value


def stats_in_form(counts: Mapping[int, int], like: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statistics of `counts` that `like` names, each in the form that it has there."""
    values = summarize(counts, like) if counts else {}
    return {name: in_form(like[name], value) for name, value in values.items()}


def replaced_stats(counts: Mapping[int, int], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statistics of `counts` in place of the old ones; those that cannot be computed stay."""
    return {**old, **stats_in_form(counts, {name: value for name, value in old.items() if value is not None})}


def _quantile(values: list[int], cumulative: list[int], percent: int) -> float:
    lower, hundredths = divmod((cumulative[-1] - 1) * percent, 100)
    low = values[bisect_right(cumulative, lower)]
    high = values[bisect_right(cumulative, min(lower + 1, cumulative[-1] - 1))]
    return low + (high - low) * hundredths / 100
