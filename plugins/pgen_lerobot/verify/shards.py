"""The data shards, row group by row group: their columns, their episodes, and the new column's values.

Rows are counted from 0 in their file.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.errors import PgenError
from pgen_lerobot.format import COLUMN, OTHER_TASKS, UNLISTED, Dataset, frame_columns, runs, tasks_differ, to_array
from pgen_lerobot.verify import task_rows as mirror
from pgen_lerobot.verify.expected_labels import NO_ROW, Expected
from pgen_lerobot.verify.inherited import inherited
from pgen_lerobot.verify.problems import Problem
from pgen_lerobot.verify.row_order import Order
from pgen_lerobot.verify.stats import episode_stats, global_stats

_EMPTY = -3
_READ = ("index", "frame_index", "episode_index", "timestamp", "task_index", COLUMN)


def problems(
    dataset: Dataset, shards: list[tuple[str, bool]], record: dict[str, Any], expected: Expected, notes: list[str]
) -> Iterator[Problem]:
    """Everything wrong with the shards (`shard_names`); the labels are compared with the expected ones.

    `record` is the manifest: what it notes of the run's input is a note again.
    """
    loose: dict[str, dict[str, None]] = {}
    lengths: Counter[int] = Counter()
    tasks: dict[int, set[int]] = {}
    counts: Counter[int] = Counter()
    order = Order()
    for name, listed in shards:
        try:
            with dataset.shard(name) as shard:
                yield from _schema(dataset, name, shard, loose)
                for start, table in _groups(shard):
                    frames = frame_columns(dataset, name, table)
                    wanted = expected.column(frames) if listed else None
                    yield from expected.problems()
                    yield from order.problems(name, start, frames.column("episode_index"), table) if listed else ()
                    yield from _values(dataset, name, start, table, expected.least)
                    yield from _labels(dataset, name, start, table, wanted)
                    _count(frames, table, lengths, counts if listed else Counter())  # stats are of listed files
                    _add_tasks(frames, tasks)
        except (PgenError, OSError, pa.ArrowException) as error:
            yield Problem(name, str(error))
    notes += [f"{told}: {', '.join(columns)}" for told, columns in loose.items()]
    expected.finish()
    yield from expected.problems()
    yield from _episodes(dataset, lengths, record, notes)
    notes += _other_tasks(dataset, tasks)
    yield from global_stats(dataset, counts)
    if expected.counts is not None:
        yield from episode_stats(dataset, expected.counts.stats)
        yield from mirror.told(dataset, expected.used)
        yield from expected.miscounts()


def _groups(shard: pq.ParquetFile) -> Iterator[tuple[int, pa.Table]]:
    """The columns that are looked at, a row group at a time, each with its first row's number."""
    start = 0
    wanted = [name for name in _READ if name in shard.schema_arrow.names]
    for group in range(shard.metadata.num_row_groups):
        table = shard.read_row_group(group, columns=wanted)
        yield start, table
        start += len(table)


def _schema(dataset: Dataset, name: str, shard: pq.ParquetFile, loose: dict[str, dict[str, None]]) -> Iterator[Problem]:
    declared = {key: feature for key, feature in dataset.features.items() if feature.get("dtype") != "video"}
    schema = shard.schema_arrow
    for column in declared:
        if column not in schema.names:
            yield Problem(name, "the column is missing; info.json declares it", column=column)
        elif told := _mismatch(declared[column], schema.field(column).type):
            if column != COLUMN and _is_number(declared[column], schema.field(column).type):
                loose.setdefault(told, {})[column] = None
            else:
                yield Problem(name, told, column=column)
    for column in schema.names:
        if column not in declared:
            yield Problem(name, "info.json does not declare the column", column=column)


def _mismatch(feature: dict[str, Any], kind: pa.DataType) -> str | None:
    dtype = str(feature.get("dtype"))
    if dtype in ("image", "language"):
        return None
    inner = _element(kind)
    named = {"double": "float64", "float": "float32", "large_string": "string"}.get(str(inner), str(inner))
    if named != dtype or (inner is kind) != (feature.get("shape") == [1]):
        return f"the type is {kind}; info.json says {dtype} of shape {feature.get('shape')}"
    return None


def _is_number(feature: dict[str, Any], kind: pa.DataType) -> bool:
    """Whether both are numbers, alone or both in lists: recorders write doubles for all of them."""
    inner = _element(kind)
    number = pa.types.is_integer(inner) or pa.types.is_floating(inner)
    told = str(feature.get("dtype")).startswith(("int", "uint", "float"))
    return number and told and (inner is kind) == (feature.get("shape") == [1])


def _element(kind: pa.DataType) -> pa.DataType:
    """The type itself, or that of the innermost elements of a list."""
    while isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        kind = kind.value_type
    return kind


def _values(dataset: Dataset, name: str, start: int, table: pa.Table, least: int) -> Iterator[Problem]:
    known = len(dataset.tasks.texts)
    for column in ("task_index", COLUMN):
        if column not in table.column_names:
            continue
        cells = table.column(column)
        if cells.null_count:
            row = pc.index(pc.is_null(cells), pa.scalar(True)).as_py()
            yield Problem(name, f"{cells.null_count} cells are empty, this the first", start + row, column)
        lowest = pa.scalar(least if column == COLUMN else 0)
        outside = pc.or_(pc.less(cells, lowest), pc.greater_equal(cells, pa.scalar(known)))
        row = pc.index(outside, pa.scalar(True)).as_py()
        if row >= 0:
            what = f"{cells[row]} is no row of {dataset.layout.tasks_file} ({known} rows)"
            yield Problem(name, what, start + row, column)


def _labels(
    dataset: Dataset, name: str, start: int, table: pa.Table, wanted: "pa.Array[Any] | None"
) -> Iterator[Problem]:
    """One problem for each run of frames that hold the same wrong label instead of the same right one."""
    if wanted is None or COLUMN not in table.column_names:
        return
    cells = table.column(COLUMN).cast(pa.int64()).fill_null(pa.scalar(_EMPTY))
    expected = pa.chunked_array([wanted])
    if cells.equals(expected):
        return
    wrong: Any = pc.not_equal(cells, expected).cast(pa.int8())  # the stubs take it for one array
    found, right = to_array("q", cells), to_array("q", expected)
    for first, stop, is_wrong in runs(wrong):
        row = first if is_wrong else stop
        while row < stop:
            end = row + 1
            while end < stop and (found[end], right[end]) == (found[row], right[row]):
                end += 1
            told = f"found {_shown(dataset, found[row])}, expected {_shown(dataset, right[row])}"
            more = f" (and in the {end - row - 1} rows that follow)" if end > row + 1 else ""
            yield Problem(name, told + more, start + row, COLUMN)
            row = end


def _shown(dataset: Dataset, index: int) -> str:
    texts = dataset.tasks.texts
    if index == NO_ROW:
        return f"a dialogue that has no row in {dataset.layout.tasks_file}"
    if index == _EMPTY:
        return "an empty cell"
    return f"{index} {texts[index]!r}" if 0 <= index < len(texts) else str(index)


def _count(frames: pa.Table, table: pa.Table, lengths: Counter[int], counts: Counter[int]) -> None:
    """The episodes of `frames`, and the labels of `table`, where it has them."""
    known = [(frames.column("episode_index"), lengths)]
    if COLUMN in table.column_names:
        known.append((table.column(COLUMN), counts))
    for column, counter in known:
        for item in pc.value_counts(column.drop_null().combine_chunks()):
            counter[item["values"].as_py()] += item["counts"].as_py()


def _add_tasks(frames: pa.Table, tasks: dict[int, set[int]]) -> None:
    """Add the rows of the task table that each episode's frames name."""
    for start, stop, episode in runs(frames.column("episode_index")):
        rows = frames.column("task_index").slice(start, stop - start).unique().drop_null().to_pylist()
        tasks.setdefault(episode, set()).update(rows)


def _other_tasks(dataset: Dataset, tasks: dict[int, set[int]]) -> Iterator[str]:
    texts = dataset.tasks.texts
    count = sum(tasks_differ(entry, tasks.get(entry.index, ()), texts) for entry in dataset.entries())
    if count:
        yield f"{count} {OTHER_TASKS.format(dataset.layout.episodes_name)}"


def _episodes(dataset: Dataset, lengths: Counter[int], record: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    for entry in dataset.entries():
        if lengths[entry.index] != entry.length:
            what = f"episode {entry.index} has {lengths[entry.index]} rows"
            yield Problem(entry.data_file, f"{what}, {dataset.layout.episodes_name} says {entry.length}")
    unlisted = sorted(set(lengths).difference(dataset.episode_indices))
    note = UNLISTED.format(dataset.layout.episodes_name)
    if unlisted and inherited(record, note, len(unlisted)):
        notes.append(f"{len(unlisted)} {note}, as in the input")
    elif unlisted:
        yield Problem(dataset.layout.episodes_name, f"episode {unlisted[0]} is not listed, but the data has rows of it")
