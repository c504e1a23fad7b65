"""The new column's statistics: there where task_index has them, and true.

Quantiles are left out: LeRobot estimates them, and so does whoever recomputes the stats with it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from math import isclose
from typing import Any

import pyarrow.parquet as pq

from pgen_lerobot.dataset import COLUMN, Dataset
from pgen_lerobot.verifying.problems import Problem
from pgen_lerobot.writing.metadata import STATS
from pgen_lerobot.writing.stats import summarise

_EXACT = ("min", "max", "mean", "std", "count")
_LIKE, _NEW = "stats/task_index/", f"stats/{COLUMN}/"


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
        for name, right in summarise(counts, _EXACT).items():
            if name in found and not _same(found[name], right):
                yield Problem(STATS, f"{name} is {found[name]}, the column has {right}", column=COLUMN)


def episode_stats(dataset: Dataset, stats: dict[int, dict[str, float]]) -> Iterator[Problem]:
    """meta/episodes against the stats of each episode."""
    for path in dataset.episodes_files:
        name = path.relative_to(dataset.root).as_posix()
        with pq.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            like = {column.removeprefix(_LIKE) for column in columns if column.startswith(_LIKE)}
            found = {column.removeprefix(_NEW) for column in columns if column.startswith(_NEW)}
            for stat in sorted(like ^ found):
                what = "is missing; task_index has it" if stat in like else "has no counterpart of task_index"
                yield Problem(name, what, column=_NEW + stat)
            looked_at = [stat for stat in _EXACT if stat in found & like]
            table = file.read(columns=["episode_index", *(_NEW + stat for stat in looked_at)])
        for row, cells in enumerate(table.to_pylist()):
            right = stats.get(cells["episode_index"], {})
            for stat in looked_at:
                if stat in right and not _same(cells[_NEW + stat], right[stat]):
                    what = f"is {cells[_NEW + stat]}, the episode's labels have {right[stat]}"
                    yield Problem(name, what, row, _NEW + stat)


def _same(found: Any, right: float) -> bool:
    while isinstance(found, list) and len(found) == 1:
        found = found[0]
    return isinstance(found, int | float) and isclose(found, right, rel_tol=1e-6, abs_tol=1e-6)
