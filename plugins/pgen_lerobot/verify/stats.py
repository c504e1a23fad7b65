"""The new column's statistics: there where task_index has them, and true.

Quantiles are left out: LeRobot estimates them, and so does whoever recomputes the stats with it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from math import isclose
from typing import Any

from pgen_lerobot.format import COLUMN, Dataset, summarize
from pgen_lerobot.verify.problems import Problem
from pgen_lerobot.write import STATS

_EXACT = ("min", "max", "mean", "std", "count")


def global_stats(dataset: Dataset, counts: Counter[int]) -> Iterator[Problem]:
    """stats.json against the values of the column."""
    path = dataset.root / STATS
    if not path.is_file():
        return
    try:
        stats = json.loads(path.read_text(encoding="utf-8"))
        like, found = stats.get("task_index") or {}, stats.get(COLUMN) or {}
    except (ValueError, AttributeError) as error:
        yield Problem(STATS, f"cannot be read as JSON: {error}")
        return
    if set(like) != set(found):
        what = f"has {', '.join(sorted(found)) or 'none'}; task_index has {', '.join(sorted(like)) or 'none'}"
        yield Problem(STATS, what, column=COLUMN)
    elif counts:
        for name, right in summarize(counts, _EXACT).items():
            if name in found and not _same(found[name], right):
                yield Problem(STATS, f"{name} is {found[name]}, the column has {right}", column=COLUMN)


def episode_stats(dataset: Dataset, stats: dict[int, dict[str, float]]) -> Iterator[Problem]:
    """What the layout keeps of each episode against the stats of its labels; each file's gaps are told once."""
    kept = dataset.layout.stats
    told: set[tuple[str, str]] = set()
    for row in kept.rows():
        for stat in sorted(row.like ^ set(row.found)):
            if (row.file, stat) not in told:
                what = "is missing; task_index has it" if stat in row.like else "has no counterpart of task_index"
                yield Problem(row.file, what, row.row, kept.column.format(stat))
            told.add((row.file, stat))
        right = stats.get(row.episode, {})
        for stat in _EXACT:
            if stat in row.like and stat in row.found and stat in right and not _same(row.found[stat], right[stat]):
                what = f"is {row.found[stat]}, the episode's labels have {right[stat]}"
                yield Problem(row.file, what, row.row, kept.column.format(stat))


def _same(found: Any, right: float) -> bool:
    while isinstance(found, list) and len(found) == 1:
        found = found[0]
    return isinstance(found, int | float) and isclose(found, right, rel_tol=1e-6, abs_tol=1e-6)
