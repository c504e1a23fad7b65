"""The metadata that declare the new column: info.json, stats.json and the episodes' own stats.

The new column gets the statistics that task_index has, in the same form, and none where that has none.
JSON is edited as JSON: unknown keys, their order and the indentation survive.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.durable import sync, write_text
from pgen.errors import InputError
from pgen_lerobot.dataset import COLUMN, Dataset
from pgen_lerobot.writing.files import KEPT, read_text
from pgen_lerobot.writing.parquet import finish, with_feature, write_group, writer_like
from pgen_lerobot.writing.stats import summarise

INFO = "meta/info.json"
STATS = "meta/stats.json"
_LIKE = "stats/task_index/"
_NEW = f"stats/{COLUMN}/"


def check(dataset: Dataset) -> None:
    """Raises InputError for metadata that could not be written again."""
    path = dataset.root / STATS
    try:
        if path.is_file() and not isinstance(json.loads(read_text(path)), dict):
            raise ValueError("it is no object")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from None


def stat_names(dataset: Dataset) -> list[str]:
    """The statistics that meta/episodes has of task_index, or of the column itself."""
    names: dict[str, None] = {}
    for path in dataset.episodes_files:
        names |= {new.removeprefix(_NEW): None for new in _stat_columns(pq.read_schema(path))}
    return list(names)


def write_info(dataset: Dataset, target: Path, total_tasks: int) -> None:
    """info.json with the feature declared and the number of tasks."""
    text = read_text(dataset.root / INFO)
    info = json.loads(text)
    like = info["features"].get("task_index") or {}
    info["features"][COLUMN] = {**like, "dtype": "int64", "shape": [1], "names": None}
    info["total_tasks"] = total_tasks
    write_text(target, [_dumped(info, text)], KEPT)


def write_stats(dataset: Dataset, target: Path, counts: Counter[int]) -> bool:
    """stats.json with the new column; False where it has nothing to say and can stay as it is."""
    path = dataset.root / STATS
    if not path.is_file():
        return False
    text = read_text(path)
    stats = json.loads(text)
    like = stats.get("task_index", stats.get(COLUMN))
    if not isinstance(like, dict):
        return False
    found = summarise(counts, like) if counts else {}
    told = {name: _in_form(like[name], value) for name, value in found.items()}
    write_text(target, [_dumped(_placed_behind("task_index", stats, COLUMN, told), text)], KEPT)
    return True


def write_episodes(source: Path, target: Path, stats: dict[int, dict[str, float]]) -> bool:
    """An episodes file with the new column's stats behind those of task_index; False if it has none."""
    with pq.ParquetFile(source) as file:
        old = file.schema_arrow
        names = _stat_columns(old)
        if not names:
            return False
        schema = _with_columns(old, names)
        with writer_like(file, target, schema, names) as writer:
            for group in range(file.metadata.num_row_groups):
                table = file.read_row_group(group)
                episodes = table.column("episode_index").to_pylist()
                write_group(writer, _filled(table, schema, [stats.get(index or 0, {}) for index in episodes]))
            finish(writer, file, schema)
    sync(target)
    return True


def _stat_columns(schema: pa.Schema) -> dict[str, str]:
    """The columns of the new column's stats, each with the one it is like."""
    names = {_NEW + name.removeprefix(_LIKE): name for name in schema.names if name.startswith(_LIKE)}
    return names | {name: name for name in schema.names if name.startswith(_NEW) and name not in names}


def _with_columns(old: pa.Schema, names: dict[str, str]) -> pa.Schema:
    fields = list(old)
    behind = max((i + 1 for i, field in enumerate(fields) if field.name.startswith(_LIKE)), default=0)
    new = [old.field(like).with_name(name) for name, like in names.items() if name not in old.names]
    return pa.schema([*fields[:behind], *new, *fields[behind:]], with_feature(old.metadata, names, {}))


def _filled(table: pa.Table, schema: pa.Schema, stats: list[dict[str, float]]) -> pa.Table:
    columns = []
    for field in schema:
        if field.name.startswith(_NEW):
            name = field.name.removeprefix(_NEW)
            new = _stat_column([episode.get(name) for episode in stats], field.type)
            columns.append(pa.chunked_array([new]))
        else:
            columns.append(table.column(field.name))
    return pa.table(columns, schema=schema)


def _stat_column(values: list[float | None], kind: pa.DataType) -> "pa.Array[Any]":
    """The values as cells of `kind`: LeRobot's are lists of one."""
    if isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        inner = _stat_column(values, kind.value_type)
        return pa.array([None if cell is None else [cell] for cell in inner.to_pylist()], kind)
    return pa.array(values, pa.float64()).cast(kind, safe=False)


def _in_form(like: Any, value: float) -> Any:
    """The value in the form of another: a list of one (of one …), whole or not."""
    if isinstance(like, list):
        return [_in_form(like[0] if like else 0.0, value)]
    return float(value) if isinstance(like, float) else value


def _placed_behind(neighbour: str, content: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    if key in content or neighbour not in content:
        return {**content, key: value}
    placed = {}
    for known, kept in content.items():
        placed[known] = kept
        if known == neighbour:
            placed[key] = value
    return placed


def _dumped(content: Any, original: str) -> str:
    """As JSON, indented as the original was."""
    indent = re.match(r"\s*\{\r?\n( +|\t+)", original)
    ascii_only = original.isascii() and "\\u" in original
    text = json.dumps(content, indent=indent[1] if indent else None, ensure_ascii=ascii_only)
    return text + ("\n" if original.endswith("\n") else "")
