"""The data files, batch by batch: their columns, compared with info.json, their episodes, and the new column.

Rows are counted from 0 in their file.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pgen.errors import PgenError
from pgen_lerobot.format import (
    COLUMN,
    OTHER_TASKS,
    UNLISTED,
    Dataset,
    arrow_array,
    frame_columns,
    row_batches,
    runs,
    tasks_differ,
    to_array,
)
from pgen_lerobot.verify.expected_labels import NO_ROW, ExpectedLabels
from pgen_lerobot.verify.metadata import episode_stats, global_stats, task_row_differences
from pgen_lerobot.verify.problems import Problem, in_input

_EMPTY = -3
"""The label that stands for an empty cell."""
_READ = ("index", "frame_index", "episode_index", "timestamp", "task_index", COLUMN)


def schema_problems(
    dataset: Dataset, name: str, schema: pa.Schema, number_types: dict[str, list[str]]
) -> Iterator[Problem]:
    """Report missing, undeclared and mistyped columns.

    A number of another type is no problem, as recorders write doubles for all of them: `number_types` collects
    these columns by mismatch.
    """
    declared = {key: feature for key, feature in dataset.features.items() if feature.get("dtype") != "video"}
    for column, feature in declared.items():
        if column not in schema.names:
            yield Problem(name, "the column is missing; info.json declares it", column=column)
        elif mismatch := _mismatch(feature, schema.field(column).type):
            if column != COLUMN and _are_numbers(feature, schema.field(column).type):
                number_types.setdefault(mismatch, []).append(column)
            else:
                yield Problem(name, mismatch, column=column)
    for column in schema.names:
        if column not in declared:
            yield Problem(name, "info.json does not declare the column", column=column)


def _mismatch(feature: dict[str, Any], kind: pa.DataType) -> str | None:
    dtype = str(feature.get("dtype"))
    if dtype in ("image", "language"):
        return None
    element = _element(kind)
    name = {"double": "float64", "float": "float32", "large_string": "string"}.get(str(element), str(element))
    if name != dtype or (element is kind) != (feature.get("shape") == [1]):
        return f"the type is {kind}; info.json says {dtype} of shape {feature.get('shape')}"
    return None


def _are_numbers(feature: dict[str, Any], kind: pa.DataType) -> bool:
    """Return whether type and feature are both numbers, or both lists of numbers."""
    element = _element(kind)
    stored = pa.types.is_integer(element) or pa.types.is_floating(element)
    declared = str(feature.get("dtype")).startswith(("int", "uint", "float"))
    return stored and declared and (element is kind) == (feature.get("shape") == [1])


def _element(kind: pa.DataType) -> pa.DataType:
    """Return the type of a list's innermost elements; any other type itself."""
    while isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        kind = kind.value_type
    return kind


class RowOrder:
    """Compare the counters in the rows of the listed data files, in their order."""

    def __init__(self) -> None:
        self._row = 0
        self._episode: int | None = None
        self._frame = 0

    def problems(self, name: str, start: int, episodes: pa.ChunkedArray, table: pa.Table) -> Iterator[Problem]:
        """Return the first wrong cell of each counter in the next rows, which begin at row `start` of `name`."""
        expected = {"index": _counting(self._row, len(table)), "frame_index": self._frames(episodes)}
        self._row += len(table)
        for column, numbers in expected.items():
            if column not in table.column_names:
                continue
            cells = table.column(column)
            differs = pc.not_equal(cells.cast(pa.float64()), numbers.cast(pa.float64())).fill_null(True)
            row = pc.index(differs, pa.scalar(True)).as_py()
            if row >= 0:
                what = f"found {cells[row]}, expected {numbers[row]}: it has to count from 0 on"
                yield Problem(name, what, start + row, column)

    def _frames(self, episodes: pa.ChunkedArray) -> "pa.Array[Any]":
        parts: list[pa.Array[Any]] = [pa.nulls(0, pa.int64())]
        for start, stop, episode in runs(episodes):
            if episode != self._episode:
                self._episode, self._frame = episode, 0
            parts.append(_counting(self._frame, stop - start))
            self._frame += stop - start
        return pa.concat_arrays(parts)


def _counting(first: int, number: int) -> "pa.Array[Any]":
    return arrow_array(range(first, first + number), pa.int64())


def problems(
    dataset: Dataset, names: list[tuple[str, bool]], record: dict[str, Any], expected: ExpectedLabels, notes: list[str]
) -> Iterator[Problem]:
    """Return the problems of the data files (`shard_names`), whose labels are compared with the expected ones.

    `record` is the manifest: deviations that it has of the run's input become notes.
    """
    number_types: dict[str, list[str]] = {}
    lengths: Counter[int] = Counter()
    tasks: dict[int, set[int]] = {}
    counts: Counter[int] = Counter()
    order = RowOrder()
    for name, listed in names:
        try:
            with dataset.shard(name) as shard:
                yield from schema_problems(dataset, name, shard.schema_arrow, number_types)
                columns = [column for column in _READ if column in shard.schema_arrow.names]
            for start, table in row_batches(dataset, name, columns):
                frames = frame_columns(dataset, name, table)
                labels = expected.column(frames) if listed else None
                yield from expected.problems()
                yield from order.problems(name, start, frames.column("episode_index"), table) if listed else ()
                yield from _range_problems(dataset, name, start, table, expected.least)
                yield from _label_problems(dataset, name, start, table, labels)
                _count(frames.column("episode_index"), lengths)
                if listed and COLUMN in table.column_names:
                    _count(table.column(COLUMN), counts)
                _add_tasks(frames, tasks)
        except (PgenError, OSError, pa.ArrowException) as error:
            yield Problem(name, str(error))
    notes += [f"{mismatch}: {', '.join(dict.fromkeys(columns))}" for mismatch, columns in number_types.items()]
    expected.finish()
    yield from expected.problems()
    yield from _episode_problems(dataset, lengths, record, notes)
    notes += _other_tasks(dataset, tasks)
    yield from global_stats(dataset, counts)
    if expected.labeller is not None:
        yield from episode_stats(dataset, expected.labeller.stats)
        yield from task_row_differences(dataset, expected.used)
        yield from expected.miscounts()


def _range_problems(dataset: Dataset, name: str, start: int, table: pa.Table, least: int) -> Iterator[Problem]:
    """Report empty cells, and indices that are no row of the task table."""
    tasks = len(dataset.tasks.texts)
    for column in ("task_index", COLUMN):
        if column not in table.column_names:
            continue
        cells = table.column(column)
        if cells.null_count:
            row = pc.index(pc.is_null(cells), pa.scalar(True)).as_py()
            yield Problem(name, f"{cells.null_count} cells are empty, this the first", start + row, column)
        lowest = pa.scalar(least if column == COLUMN else 0)
        outside = pc.or_(pc.less(cells, lowest), pc.greater_equal(cells, pa.scalar(tasks)))
        row = pc.index(outside, pa.scalar(True)).as_py()
        if row >= 0:
            what = f"{cells[row]} is no row of {dataset.layout.tasks_file} ({tasks} rows)"
            yield Problem(name, what, start + row, column)


def _label_problems(
    dataset: Dataset, name: str, start: int, table: pa.Table, labels: "pa.Array[Any] | None"
) -> Iterator[Problem]:
    """Report each run of frames with the same wrong label in place of the same right one."""
    if labels is None or COLUMN not in table.column_names:
        return
    cells = table.column(COLUMN).cast(pa.int64()).fill_null(pa.scalar(_EMPTY))
    computed = pa.chunked_array([labels])
    if cells.equals(computed):
        return
    differs: Any = pc.not_equal(cells, computed).cast(pa.int8())  # the stubs call a chunked array an array
    actual, expected = to_array("q", cells), to_array("q", computed)
    for first, stop, is_wrong in runs(differs):
        row = first if is_wrong else stop
        while row < stop:
            end = row + 1
            while end < stop and (actual[end], expected[end]) == (actual[row], expected[row]):
                end += 1
            what = f"found {_described(dataset, actual[row])}, expected {_described(dataset, expected[row])}"
            more = f" (and in the {end - row - 1} rows that follow)" if end > row + 1 else ""
            yield Problem(name, what + more, start + row, COLUMN)
            row = end


def _described(dataset: Dataset, label: int) -> str:
    texts = dataset.tasks.texts
    if label == NO_ROW:
        return f"a dialogue that has no row in {dataset.layout.tasks_file}"
    if label == _EMPTY:
        return "an empty cell"
    return f"{label} {texts[label]!r}" if 0 <= label < len(texts) else str(label)


def _count(column: pa.ChunkedArray, counter: Counter[int]) -> None:
    for item in pc.value_counts(column.drop_null().combine_chunks()):
        counter[item["values"].as_py()] += item["counts"].as_py()


def _add_tasks(frames: pa.Table, tasks: dict[int, set[int]]) -> None:
    """Add the rows of the task table that each episode's frames name."""
    for start, stop, episode in runs(frames.column("episode_index")):
        rows = frames.column("task_index").slice(start, stop - start).unique().drop_null().to_pylist()
        tasks.setdefault(episode, set()).update(rows)


def _other_tasks(dataset: Dataset, tasks: dict[int, set[int]]) -> list[str]:
    texts = dataset.tasks.texts
    count = sum(tasks_differ(entry, tasks.get(entry.index, ()), texts) for entry in dataset.entries())
    return [f"{count} {OTHER_TASKS.format(dataset.layout.episodes_name)}"] if count else []


def _episode_problems(
    dataset: Dataset, lengths: Counter[int], record: dict[str, Any], notes: list[str]
) -> Iterator[Problem]:
    for entry in dataset.entries():
        if lengths[entry.index] != entry.length:
            what = f"episode {entry.index} has {lengths[entry.index]} rows"
            yield Problem(entry.data_file, f"{what}, {dataset.layout.episodes_name} says {entry.length}")
    unlisted = sorted(set(lengths).difference(dataset.episode_indices))
    note = UNLISTED.format(dataset.layout.episodes_name)
    if unlisted and in_input(record, note, len(unlisted)):
        notes.append(f"{len(unlisted)} {note}, as in the input")
    elif unlisted:
        yield Problem(dataset.layout.episodes_name, f"episode {unlisted[0]} is not listed, but the data has rows of it")
