"""The metadata that declare the new column: info.json and stats.json.

The new column gets the statistics that task_index has, in the same form, and none where that has none.
JSON is edited as JSON: unknown keys, their order and the indentation survive.
"""

import json
from collections import Counter
from pathlib import Path

from pgen.errors import InputError
from pgen.storage.durable import write_text
from pgen_lerobot.format import COLUMN, KEPT, Dataset, dumped, in_form, placed_behind, read_text, summarize

INFO = "meta/info.json"
STATS = "meta/stats.json"


def check_metadata(dataset: Dataset) -> None:
    """Raises InputError for metadata that could not be written again."""
    path = dataset.root / STATS
    try:
        if path.is_file() and not isinstance(json.loads(read_text(path)), dict):
            raise ValueError("it is no object")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from None


def write_info(dataset: Dataset, target: Path, total_tasks: int, column: str = COLUMN) -> None:
    """info.json with the feature declared, and the right totals."""
    text = read_text(dataset.root / INFO)
    info = json.loads(text)
    like = info["features"].get("task_index") or {}
    info["features"][column] = {**like, "dtype": "int64", "shape": [1], "names": None}
    info |= {**dataset.totals, "total_tasks": total_tasks}
    write_text(target, [dumped(info, text)], KEPT)


def write_totals(dataset: Dataset, target: Path) -> bool:
    """info.json with the right totals and nothing else changed; False where it has them and can stay as it is."""
    if dataset.totals.items() <= dataset.info.items():
        return False
    text = read_text(dataset.root / INFO)
    write_text(target, [dumped(json.loads(text) | dataset.totals, text)], KEPT)
    return True


def write_stats(dataset: Dataset, target: Path, counts: Counter[int], column: str = COLUMN) -> bool:
    """stats.json with the new column; False where it has nothing to say and can stay as it is."""
    path = dataset.root / STATS
    if not path.is_file():
        return False
    text = read_text(path)
    stats = json.loads(text)
    like = stats.get("task_index", stats.get(column))
    if not isinstance(like, dict):
        return False
    found = summarize(counts, like) if counts else {}
    told = {name: in_form(like[name], value) for name, value in found.items()}
    write_text(target, [dumped(placed_behind("task_index", stats, column, told), text)], KEPT)
    return True
