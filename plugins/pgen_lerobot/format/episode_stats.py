"""The statistics of each episode: lines of meta/episodes_stats.jsonl (v2.1), or columns of meta/episodes (v3.0).

v2.0 has none. The columns are named `stats/<feature>/<statistic>`.
"""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.storage.durable import write_text
from pgen_lerobot.format.arrow_arrays import arrow_array
from pgen_lerobot.format.files import insert_after, integer, read_lines
from pgen_lerobot.format.parquet import declare_like, rewrite, rewrite_in_place
from pgen_lerobot.format.statistics import in_form, replaced_stats
from pgen_lerobot.format.task_table import COLUMN

FILE = "meta/episodes_stats.jsonl"
EPISODES = "meta/episodes.jsonl"
_TASK_STATS = "stats/task_index/"


@dataclass(frozen=True, slots=True)
class StatsRow:
    """An episode's statistics in row `row` of `file`: the names that task_index has, and the values of COLUMN."""

    file: str
    row: int
    episode: int
    names: frozenset[str]
    values: Mapping[str, Any]


class EpisodeStats(ABC):
    """The statistics of each episode. `files` are those that `write` may rewrite."""

    column: ClassVar[str]
    """The name under which a statistic of COLUMN is stored: a pattern with `{}`."""

    def __init__(self, root: Path, files: list[Path]) -> None:
        self._root, self.files = root, files

    @abstractmethod
    def names(self, column: str = COLUMN) -> list[str]:
        """Return the statistics of task_index, or of the column itself. Raises InputError for a broken file."""

    @abstractmethod
    def write(self, out: Path, stats: Mapping[int, Mapping[str, float]], column: str = COLUMN) -> list[str]:
        """Write the files with the column's statistics by episode; return the names of the changed files."""

    @abstractmethod
    def replace_tasks(self, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> list[str]:
        """Rewrite the files in place for a new task_index; return the names of the changed files.

        `counts` has the frames of each task by episode, `texts` the task texts by index.
        """

    @abstractmethod
    def rows(self) -> Iterator[StatsRow]:
        """Read the statistics of every episode."""

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


class LineStats(EpisodeStats):
    """Statistics in a file of JSON lines."""

    column = COLUMN + ".{}"

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        super().__init__(root, [self._path] if self._path.is_file() else [])

    def names(self, column: str = COLUMN) -> list[str]:
        return list(dict.fromkeys(name for _, line in self._lines() for name in _like(line["stats"], column)))

    def write(self, out: Path, stats: Mapping[int, Mapping[str, float]], column: str = COLUMN) -> list[str]:
        if not self.names(column):
            return []
        write_text(out / FILE, (json.dumps(_with_column(line, stats, column)) + "\n" for _, line in self._lines()))
        return [FILE]

    def replace_tasks(self, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> list[str]:
        def replaced(line: dict[str, Any]) -> dict[str, Any]:
            counted = counts.get(int(line["episode_index"]), Counter())
            stats, old = line.get("stats"), _like(line.get("stats") or {}, COLUMN)
            changed: dict[str, Any] = {}
            if stats and old:
                changed["stats"] = {**stats, "task_index": replaced_stats(counted, old)}
            if "tasks" in line:
                changed["tasks"] = [texts[index] for index in sorted(counted)]
            return {**line, **changed}

        paths = [self._root / EPISODES, *self.files]
        for path in paths:
            write_text(path, [json.dumps(replaced(line), ensure_ascii=False) + "\n" for _, line in read_lines(path)])
        return list(map(self._name, paths))

    def rows(self) -> Iterator[StatsRow]:
        for number, line in self._lines():
            names, values = (_object(line["stats"].get(column)) for column in ("task_index", COLUMN))
            yield StatsRow(FILE, number - 1, int(line["episode_index"]), frozenset(names), values)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for path in self.files:
            for number, line in read_lines(path):
                integer(path, number, line, "episode_index")
                if not isinstance(line.get("stats"), dict):
                    raise InputError(f"{path}, line {number} has no `stats`.")
                yield number, line


class ColumnStats(EpisodeStats):
    """Statistics in the parquet files of meta/episodes, whose schemas were read with the episodes."""

    column = f"stats/{COLUMN}/{{}}"

    def __init__(self, root: Path, schemas: dict[Path, pa.Schema]) -> None:
        super().__init__(root, list(schemas))
        self._schemas = schemas

    def names(self, column: str = COLUMN) -> list[str]:
        prefix = f"stats/{column}/"
        columns = (name for schema in self._schemas.values() for name in _columns(schema, prefix))
        return list(dict.fromkeys(name.removeprefix(prefix) for name in columns))

    def write(self, out: Path, stats: Mapping[int, Mapping[str, float]], column: str = COLUMN) -> list[str]:
        prefix = f"stats/{column}/"
        written = []
        for path, old in self._schemas.items():
            if names := _columns(old, prefix):
                schema = _with_columns(old, names)

                def with_stats(table: pa.Table, schema: pa.Schema = schema) -> Iterator[pa.Table]:
                    episodes = table.column("episode_index").to_pylist()
                    yield _filled(table, schema, [stats.get(index or 0, {}) for index in episodes], prefix)

                with pq.ParquetFile(path) as file:
                    rewrite(file, out / self._name(path), schema, with_stats, names)
                written.append(self._name(path))
        return written

    def replace_tasks(self, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> list[str]:
        for path, schema in self._schemas.items():
            rewrite_in_place(path, schema, lambda table: [_with_tasks(table, counts, texts)])
        return list(map(self._name, self.files))

    def rows(self) -> Iterator[StatsRow]:
        prefix = f"stats/{COLUMN}/"
        for path, schema in self._schemas.items():
            own = [column for column in schema.names if column.startswith(prefix)]
            names = frozenset(c.removeprefix(_TASK_STATS) for c in schema.names if c.startswith(_TASK_STATS))
            file_name = self._name(path)
            with pq.ParquetFile(path) as file:
                table = file.read(columns=["episode_index", *own])
            for row, cells in enumerate(table.to_pylist()):
                values = {column.removeprefix(prefix): cells[column] for column in own}
                yield StatsRow(file_name, row, int(cells["episode_index"] or 0), names, values)


def _with_column(line: dict[str, Any], stats: Mapping[int, Mapping[str, float]], column: str) -> dict[str, Any]:
    like = _like(line["stats"], column)
    if not like:
        return line
    values = stats.get(int(line["episode_index"]), {})
    in_its_form = {name: in_form(like[name], value) for name, value in values.items() if name in like}
    return {**line, "stats": insert_after("task_index", line["stats"], column, in_its_form)}


def _like(stats: dict[str, Any], column: str) -> dict[str, Any]:
    """Return the statistics whose names and form the column takes: task_index's, else its own."""
    return _object(stats.get("task_index", stats.get(column)))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _with_tasks(table: pa.Table, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> pa.Table:
    counted = [counts.get(index or 0, Counter()) for index in table.column("episode_index").to_pylist()]
    for position, field in enumerate(table.schema):
        if field.name == "tasks":
            cells: list[Any] = [[texts[index] for index in sorted(tasks)] for tasks in counted]
        elif field.name.startswith(_TASK_STATS):
            name, old = field.name.removeprefix(_TASK_STATS), table.column(position).to_pylist()
            cells = [replaced_stats(tasks, {name: cell})[name] for cell, tasks in zip(old, counted, strict=True)]
        else:
            continue
        table = table.set_column(position, field, arrow_array(cells, field.type))
    return table


def _columns(schema: pa.Schema, prefix: str) -> dict[str, str]:
    """Return the columns of the new column's statistics, each with the column whose type it takes."""
    names = {prefix + name.removeprefix(_TASK_STATS): name for name in schema.names if name.startswith(_TASK_STATS)}
    return names | {name: name for name in schema.names if name.startswith(prefix) and name not in names}


def _with_columns(old: pa.Schema, names: dict[str, str]) -> pa.Schema:
    fields = list(old)
    after = max((i + 1 for i, field in enumerate(fields) if field.name.startswith(_TASK_STATS)), default=0)
    new = [old.field(like).with_name(name) for name, like in names.items() if name not in old.names]
    return pa.schema([*fields[:after], *new, *fields[after:]], declare_like(old.metadata, names))


def _filled(table: pa.Table, schema: pa.Schema, stats: list[Mapping[str, float]], prefix: str) -> pa.Table:
    columns: list[Any] = []
    for field in schema:
        if field.name.startswith(prefix):
            name = field.name.removeprefix(prefix)
            columns.append(_stat_column([episode.get(name) for episode in stats], field.type))
        else:
            columns.append(table.column(field.name))
    return pa.table(columns, schema=schema)


def _stat_column(values: list[float | None], kind: pa.DataType) -> "pa.Array[Any]":
    """Return the values as cells of `kind`; LeRobot's are lists of one number."""
    if isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        inner = _stat_column(values, kind.value_type)
        return arrow_array([None if cell is None else [cell] for cell in inner.to_pylist()], kind)
    return arrow_array(values, pa.float64()).cast(kind, safe=False)
