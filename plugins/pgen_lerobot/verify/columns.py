"""The columns of the data files: their types, compared with info.json, and the counters of the rows."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pgen_lerobot.format import COLUMN, Dataset, runs
from pgen_lerobot.verify.problems import Problem


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
        parts = [pa.array([], pa.int64())]
        for start, stop, episode in runs(episodes):
            if episode != self._episode:
                self._episode, self._frame = episode, 0
            parts.append(_counting(self._frame, stop - start))
            self._frame += stop - start
        return pa.concat_arrays(parts)


def _counting(first: int, number: int) -> "pa.Array[Any]":
    return pa.array(range(first, first + number), pa.int64())
