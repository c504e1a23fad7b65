"""The new column's statistics: present where task_index has them, and correct.

Quantiles are not compared: LeRobot estimates them, and they change when statistics are computed again with it.
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
    """Compare stats.json with the column, whose values occur `counts` times."""
    path = dataset.root / STATS
    if not path.is_file():
        return
    try:
        stats = json.loads(path.read_text(encoding="utf-8"))
        of_tasks, of_labels = stats.get("task_index") or {}, stats.get(COLUMN) or {}
    except (ValueError, AttributeError) as error:
        yield Problem(STATS, f"cannot be read as JSON: {error}")
        return
    if set(of_tasks) != set(of_labels):
        own, like = (", ".join(sorted(names)) or "none" for names in (of_labels, of_tasks))
        yield Problem(STATS, f"has {own}; task_index has {like}", column=COLUMN)
    elif counts:
        for name, expected in summarize(counts, _EXACT).items():
            if name in of_labels and not _equal(of_labels[name], expected):
                yield Problem(STATS, f"{name} is {of_labels[name]}, the column has {expected}", column=COLUMN)


def episode_stats(dataset: Dataset, stats: dict[int, dict[str, float]]) -> Iterator[Problem]:
    """Compare the statistics of each episode with those of its labels; report a missing one once a file."""
    stored = dataset.layout.stats
    reported: set[tuple[str, str]] = set()
    for row in stored.rows():
        for name in sorted(row.names ^ set(row.values)):
            if (row.file, name) not in reported:
                what = "is missing; task_index has it" if name in row.names else "has no counterpart of task_index"
                yield Problem(row.file, what, row.row, stored.column.format(name))
            reported.add((row.file, name))
        expected = stats.get(row.episode, {})
        for name in _EXACT:
            both = name in row.names and name in row.values and name in expected
            if both and not _equal(row.values[name], expected[name]):
                what = f"is {row.values[name]}, the episode's labels have {expected[name]}"
                yield Problem(row.file, what, row.row, stored.column.format(name))


def _equal(actual: Any, expected: float) -> bool:
    while isinstance(actual, list) and len(actual) == 1:
        actual = actual[0]
    return isinstance(actual, int | float) and isclose(actual, expected, rel_tol=1e-6, abs_tol=1e-6)
