"""The sink `language-columns`: the dialogue as `language_persistent` and `language_events` of lerobot 0.6.

The rows are those of `forms.language`. Each frame of an episode repeats its persistent rows, so that a row
group is cut where it would grow large, and at the edges of episodes, as lerobot writes them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.components import Results, Source
from pgen.components.options import Options
from pgen.errors import ConfigError, InputError
from pgen_lerobot.format import Dataset, rewrite_in_place, runs
from pgen_lerobot.write import INFO, Annotated, shard_names
from pgen_lerobot.write.other_forms import edits as staged
from pgen_lerobot.write.other_forms.language_rows import (
    COLUMNS,
    FEATURES,
    FIELDS,
    SAY,
    Language,
    arrow_type,
    cells,
    json_type,
    language,
)

_ROWS = 500_000
"""Persistent rows of a row group, repeated as they are, at most: about a hundred megabytes."""
_OLDEST = "v3.0"


class LanguageColumnsOptions(Options):
    overwrite: bool = False
    """Replace the columns, with all that is in them, where the dataset has them already."""


class LanguageColumnsSink(staged.Form[LanguageColumnsOptions]):
    """The two language columns of lerobot 0.6 and its `say` tool; lerobot before 0.6 cannot load the dataset."""

    name = "language-columns"

    def open(self, source: Source) -> None:
        dataset = self.dataset(source)
        path = dataset.root / INFO
        if dataset.info.get("codebase_version") != _OLDEST:
            raise ConfigError(
                f"sink {self.name}: {path} says {dataset.info.get('codebase_version')}, and only v3.0 datasets have "
                "language columns; take the sink lerobot or task-override."
            )
        if not isinstance(dataset.info.get("tools") or [], list):
            raise InputError(f"{path}: `tools` is no list; the tool `say` cannot be declared in it.")
        there = [name for name in COLUMNS if name in dataset.features]
        if there and not self.options.overwrite:
            raise InputError(f"{path} has the feature {there[0]} already; replace it with --overwrite.")

    def needs_bytes(self, source: Source) -> int:
        return staged.data_bytes(self.dataset(source))

    def remarks(self) -> tuple[str, ...]:
        return ("the language columns need lerobot 0.6 or newer; an older one cannot load the dataset",)

    def write(self, results: Results, out: Path) -> None:
        dataset = Dataset(out)
        stepper = Stepper(results.read())
        written = []
        for name, listed in shard_names(dataset):
            _rewrite(out / name, stepper if listed else Stepper(iter(())))
            written.append(name)
        staged.edit_info(out, _declare)
        staged.rehash(out, [*written, INFO])


class Stepper:
    """Gives the columns of the rows that come by, in the order in which the data are stored."""

    def __init__(self, annotated: Iterator[Annotated]) -> None:
        self._coming = annotated
        self._next = next(annotated, None)
        self._episode: int | None = None
        self._found: Language | None = None
        self._position = 0

    def columns(self, table: pa.Table) -> Iterator[tuple[int, int, tuple["pa.Array[Any]", "pa.Array[Any]"]]]:
        """Rows [start, stop) of the table and their two columns, a bounded number of rows at a time."""
        for start, stop, episode in runs(table.column("episode_index")):
            if episode != self._episode:
                self._begin(episode)
            size = max(1, _ROWS // max(1, len(self._found.persistent) if self._found else 1))
            for first in range(start, stop, size):
                last = min(first + size, stop)
                yield first, last, cells(self._found, self._position, self._position + last - first)
                self._position += last - first

    def _begin(self, episode: int) -> None:
        self._episode, self._position, self._found = episode, 0, None
        if self._next is not None and self._next[0].index == episode:
            self._found = language(*self._next)
            self._next = next(self._coming, None)


def _rewrite(path: Path, stepper: Stepper) -> None:
    with pq.ParquetFile(path) as file:
        old, item = file.schema_arrow, _item(file)
    kept = [field for field in old if field.name not in COLUMNS]
    new = [pa.field(column, arrow_type(column, json_type())) for column in COLUMNS]
    schema = staged.declaring(pa.schema([*kept, *new], old.metadata), FEATURES)
    leaves = [f"{column}.list.{item}.{name}" for column in COLUMNS for name in FIELDS[column] if name != "tool_calls"]
    leaves += [f"{column}.list.{item}.tool_calls.list.{item}" for column in COLUMNS]

    def pieces(table: pa.Table) -> Iterator[pa.Table]:
        for start, stop, columns in stepper.columns(table):
            part = table.select([field.name for field in kept]).slice(start, stop - start)
            made = [column.cast(field.type) for column, field in zip(columns, new, strict=True)]
            yield pa.table([*part.columns, *made], schema=schema)

    rewrite_in_place(path, schema, pieces, dict.fromkeys(leaves, "task_index"))


def _item(file: pq.ParquetFile) -> str:
    """What a list's item is called in the paths of this file."""
    paths = [file.schema.column(position).path for position in range(len(file.schema))]
    return "item" if any(".list.item" in path for path in paths) else "element"


def _declare(info: dict[str, Any]) -> None:
    info["features"] |= {column: {"dtype": "language", "shape": [1], "names": None} for column in COLUMNS}
    tools = info.get("tools") or []
    info["tools"] = tools if any(_says(tool) for tool in tools) else [*tools, SAY]


def _says(tool: Any) -> bool:
    function = tool.get("function") if isinstance(tool, dict) else None
    return isinstance(function, dict) and function.get("name") == "say"
