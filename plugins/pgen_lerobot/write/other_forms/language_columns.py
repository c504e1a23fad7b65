"""The sink `language-columns`: the dialogue as `language_persistent` and `language_events` of lerobot 0.6.

Each frame of an episode repeats the episode's persistent rows, so that row groups are split where they would
grow large, and at the ends of episodes, as lerobot writes them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.components import Options, Results, Source
from pgen.errors import ConfigError, InputError
from pgen.labels import Labelling
from pgen_lerobot.format import Dataset, declare_like, rewrite_in_place, runs
from pgen_lerobot.write import INFO, Annotated, OtherForm, edit_json, rehash, shard_names
from pgen_lerobot.write.other_forms.language_rows import (
    COLUMNS,
    FEATURES,
    FIELDS,
    SAY,
    LanguageRows,
    arrow_type,
    cells,
    json_type,
    language_rows,
)

_GROUP_ROWS = 500_000
"""Persistent rows in a row group, repetitions included, at most: about a hundred megabytes."""
_VERSION = "v3.0"


class LanguageColumnsOptions(Options):
    overwrite: bool = False
    """Replace the columns, with all that is in them, where the dataset has them already."""


class LanguageColumnsSink(OtherForm[LanguageColumnsOptions]):
    """The two language columns of lerobot 0.6 and its `say` tool; lerobot before 0.6 cannot load the dataset."""

    name = "language-columns"

    def open(self, source: Source) -> None:
        dataset = self.dataset(source)
        path = dataset.root / INFO
        version = dataset.info.get("codebase_version")
        if version != _VERSION:
            raise ConfigError(
                f"sink {self.name}: {path} says {version}, and only v3.0 datasets have language columns; take the "
                "sink lerobot or task-override."
            )
        if not isinstance(dataset.info.get("tools") or [], list):
            raise InputError(f"{path}: `tools` is no list; the tool `say` cannot be declared in it.")
        present = [name for name in COLUMNS if name in dataset.features]
        if present and not self.options.overwrite:
            raise InputError(f"{path} has the feature {present[0]} already; replace it with --overwrite.")

    def needs_bytes(self, source: Source) -> int:
        dataset = self.dataset(source)
        return sum((dataset.root / name).stat().st_size for name in dataset.data_files)

    def remarks(self) -> tuple[str, ...]:
        return ("the language columns need lerobot 0.6 or newer; an older one cannot load the dataset",)

    def write(self, results: Results, out: Path) -> None:
        columns = LanguageColumns(results.read(), results.labelling)
        written = []
        for name, listed in shard_names(Dataset(out)):
            _rewrite(out / name, columns if listed else LanguageColumns(iter(()), results.labelling))
            written.append(name)
        edit_json(out / INFO, _declare)
        rehash(out, [*written, INFO])


class LanguageColumns:
    """The columns of the data's rows, in the order in which they are stored."""

    def __init__(self, annotated: Iterator[Annotated], labelling: Labelling) -> None:
        self._labelling = labelling
        self._episodes = annotated
        self._next = next(annotated, None)
        self._episode: int | None = None
        self._rows: LanguageRows | None = None
        self._position = 0

    def cells(self, table: pa.Table) -> Iterator[tuple[int, int, tuple["pa.Array[Any]", "pa.Array[Any]"]]]:
        """Return rows [start, stop) of the table with their two columns, a bounded number of rows at a time."""
        for start, stop, episode in runs(table.column("episode_index")):
            if episode != self._episode:
                self._begin(episode)
            size = max(1, _GROUP_ROWS // max(1, len(self._rows.persistent) if self._rows else 1))
            for first in range(start, stop, size):
                last = min(first + size, stop)
                yield first, last, cells(self._rows, self._position, self._position + last - first)
                self._position += last - first

    def _begin(self, episode: int) -> None:
        self._episode, self._position, self._rows = episode, 0, None
        if self._next is not None and self._next[0].index == episode:
            self._rows = language_rows(*self._next, self._labelling)
            self._next = next(self._episodes, None)


def _rewrite(path: Path, columns: LanguageColumns) -> None:
    with pq.ParquetFile(path) as file:
        old, item = file.schema_arrow, _item_name(file)
    others = [field for field in old if field.name not in COLUMNS]
    new = [pa.field(column, arrow_type(column, json_type())) for column in COLUMNS]
    schema = pa.schema([*others, *new], declare_like(old.metadata, dict(zip(COLUMNS, COLUMNS, strict=True)), FEATURES))
    leaves = [f"{column}.list.{item}.{name}" for column in COLUMNS for name in FIELDS[column] if name != "tool_calls"]
    leaves += [f"{column}.list.{item}.tool_calls.list.{item}" for column in COLUMNS]

    def with_columns(table: pa.Table) -> Iterator[pa.Table]:
        for start, stop, pair in columns.cells(table):
            part = table.select([field.name for field in others]).slice(start, stop - start)
            cast = [column.cast(field.type) for column, field in zip(pair, new, strict=True)]
            yield pa.table([*part.columns, *cast], schema=schema)

    rewrite_in_place(path, schema, with_columns, dict.fromkeys(leaves, "task_index"))


def _item_name(file: pq.ParquetFile) -> str:
    """Return the name of a list's items in this file's column paths."""
    paths = [file.schema.column(position).path for position in range(len(file.schema))]
    return "item" if any(".list.item" in path for path in paths) else "element"


def _declare(info: dict[str, Any]) -> None:
    info["features"] |= {column: {"dtype": "language", "shape": [1], "names": None} for column in COLUMNS}
    tools = info.get("tools") or []
    info["tools"] = tools if any(_is_say(tool) for tool in tools) else [*tools, SAY]


def _is_say(tool: Any) -> bool:
    function = tool.get("function") if isinstance(tool, dict) else None
    return isinstance(function, dict) and function.get("name") == "say"
