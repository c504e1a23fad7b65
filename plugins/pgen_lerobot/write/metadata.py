"""The metadata that declare the new column: info.json and stats.json.

The new column gets the statistics that task_index has, in the same form. JSON is edited as JSON: unknown keys,
their order and the indentation are preserved.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from pgen.errors import InputError
from pgen.storage.durable import write_text
from pgen_lerobot.format import COLUMN, UNDECODED, Dataset, dump_like, insert_after, read_text, stats_in_form

INFO = "meta/info.json"
STATS = "meta/stats.json"


def check_metadata(dataset: Dataset) -> None:
    """Raise InputError for metadata that cannot be rewritten."""
    path = dataset.root / STATS
    try:
        if path.is_file() and not isinstance(json.loads(read_text(path)), dict):
            raise ValueError("it is no object")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from None


def write_info(dataset: Dataset, target: Path, total_tasks: int, column: str = COLUMN) -> None:
    """Write info.json with the feature declared and correct totals."""
    text = read_text(dataset.root / INFO)
    info = json.loads(text)
    like = info["features"].get("task_index") or {}
    info["features"][column] = {**like, "dtype": "int64", "shape": [1], "names": None}
    info |= {**dataset.totals, "total_tasks": total_tasks}
    write_text(target, [dump_like(text, info)], UNDECODED)


def write_totals(dataset: Dataset, target: Path) -> bool:
    """Write info.json with correct totals; return False, without writing, where they are correct already."""
    if dataset.totals.items() <= dataset.info.items():
        return False
    text = read_text(dataset.root / INFO)
    write_text(target, [dump_like(text, json.loads(text) | dataset.totals)], UNDECODED)
    return True


def write_stats(dataset: Dataset, target: Path, counts: Mapping[int, int], column: str = COLUMN) -> bool:
    """Write stats.json with the new column; return False, without writing, where task_index has no statistics."""
    path = dataset.root / STATS
    if not path.is_file():
        return False
    text = read_text(path)
    stats = json.loads(text)
    like = stats.get("task_index", stats.get(column))
    if not isinstance(like, dict):
        return False
    changed = insert_after("task_index", stats, column, stats_in_form(counts, like))
    write_text(target, [dump_like(text, changed)], UNDECODED)
    return True
