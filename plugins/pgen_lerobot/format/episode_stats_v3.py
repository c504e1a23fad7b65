"""The episodes' stats as v3.0 keeps them: columns `stats/<feature>/<statistic>` of meta/episodes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.storage.durable import sync
from pgen_lerobot.format.json_text import retold_stat
from pgen_lerobot.format.layout import COLUMN, EpisodeStats, StatsRow
from pgen_lerobot.format.parquet import finish, rewrite_in_place, with_feature, write_group, writer_like

_LIKE = "stats/task_index/"
_NEW = f"stats/{COLUMN}/"


class ColumnStats(EpisodeStats):
    """In the parquet files of meta/episodes."""

    column = _NEW + "{}"

    def __init__(self, root: Path, files: list[Path]) -> None:
        self._root, self._files = root, files

    def files(self) -> list[Path]:
        return self._files

    def names(self, column: str = COLUMN) -> list[str]:
        names: dict[str, None] = {}
        for path in self._files:
            found = _columns(pq.read_schema(path), _stats_of(column))
            names |= {new.removeprefix(_stats_of(column)): None for new in found}
        return list(names)

    def write(self, out: Path, stats: Mapping[int, Mapping[str, float]], column: str = COLUMN) -> list[str]:
        names = [path.relative_to(self._root).as_posix() for path in self._files]
        return [name for name in names if _write(self._root / name, out / name, stats, _stats_of(column))]

    def retell(self, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> list[str]:
        for path in self._files:
            schema = pq.read_schema(path)
            rewrite_in_place(path, schema, lambda table: [_retold(table, counts, texts)])
        return [path.relative_to(self._root).as_posix() for path in self._files]

    def rows(self) -> Iterator[StatsRow]:
        for path in self._files:
            name = path.relative_to(self._root).as_posix()
            with pq.ParquetFile(path) as file:
                columns = file.schema_arrow.names
                like = frozenset(column.removeprefix(_LIKE) for column in columns if column.startswith(_LIKE))
                found = [column for column in columns if column.startswith(_NEW)]
                table = file.read(columns=["episode_index", *found])
            for row, cells in enumerate(table.to_pylist()):
                values = {column.removeprefix(_NEW): cells[column] for column in found}
                yield StatsRow(name, row, int(cells["episode_index"] or 0), like, values)


def _retold(table: pa.Table, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> pa.Table:
    found = [counts.get(index or 0, Counter()) for index in table.column("episode_index").to_pylist()]
    for position, field in enumerate(table.schema):
        cells: list[Any] = []
        if field.name == "tasks":
            cells = [[texts[index] for index in sorted(counted)] for counted in found]
        elif field.name.startswith(_LIKE):
            name, old = field.name.removeprefix(_LIKE), table.column(field.name).to_pylist()
            cells = [retold_stat(cell, counted, name) for cell, counted in zip(old, found, strict=True)]
        else:
            continue
        table = table.set_column(position, field, pa.array(cells, field.type))
    return table


def _write(source: Path, target: Path, stats: Mapping[int, Mapping[str, float]], new: str) -> bool:
    """A file with the new column's stats behind those of task_index; False if it has none."""
    with pq.ParquetFile(source) as file:
        old = file.schema_arrow
        names = _columns(old, new)
        if not names:
            return False
        schema = _with_columns(old, names)
        with writer_like(file, target, schema, names) as writer:
            for group in range(file.metadata.num_row_groups):
                table = file.read_row_group(group)
                episodes = table.column("episode_index").to_pylist()
                told = [stats.get(index or 0, {}) for index in episodes]
                write_group(writer, _filled(table, schema, told, new))
            finish(writer, file, schema)
    sync(target)
    return True


def _stats_of(column: str) -> str:
    return f"stats/{column}/"


def _columns(schema: pa.Schema, new: str) -> dict[str, str]:
    """The columns of the new column's stats, each with the one it is like."""
    names = {new + name.removeprefix(_LIKE): name for name in schema.names if name.startswith(_LIKE)}
    return names | {name: name for name in schema.names if name.startswith(new) and name not in names}


def _with_columns(old: pa.Schema, names: dict[str, str]) -> pa.Schema:
    fields = list(old)
    behind = max((i + 1 for i, field in enumerate(fields) if field.name.startswith(_LIKE)), default=0)
    new = [old.field(like).with_name(name) for name, like in names.items() if name not in old.names]
    return pa.schema([*fields[:behind], *new, *fields[behind:]], with_feature(old.metadata, names, {}))


def _filled(table: pa.Table, schema: pa.Schema, stats: list[Mapping[str, float]], new: str) -> pa.Table:
    columns = []
    for field in schema:
        if field.name.startswith(new):
            name = field.name.removeprefix(new)
            cells = _stat_column([episode.get(name) for episode in stats], field.type)
            columns.append(pa.chunked_array([cells]))
        else:
            columns.append(table.column(field.name))
    return pa.table(columns, schema=schema)


def _stat_column(values: list[float | None], kind: pa.DataType) -> "pa.Array[Any]":
    """The values as cells of `kind`: LeRobot's are lists of one."""
    if isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        inner = _stat_column(values, kind.value_type)
        return pa.array([None if cell is None else [cell] for cell in inner.to_pylist()], kind)
    return pa.array(values, pa.float64()).cast(kind, safe=False)
