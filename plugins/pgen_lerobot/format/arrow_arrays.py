"""Arrow arrays of Python values, made without `pa.array`, which imports pandas wherever that is installed.

The import takes longer than the output of most runs, and 35 MB.
"""

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa


def arrow_array(values: Sequence[Any], kind: pa.DataType) -> "pa.Array[Any]":
    """Return numbers, texts or lists of these as an array of `kind`; any of them may be None."""
    if pa.types.is_integer(kind):
        return _numbers("q", values, pa.int64()).cast(kind)
    if pa.types.is_floating(kind):
        return _numbers("d", values, pa.float64()).cast(kind)
    if pa.types.is_string(kind):
        data = [(value or "").encode() for value in values]
        buffers = [_validity(values), _offsets(data), pa.py_buffer(b"".join(data))]
        return pa.Array.from_buffers(kind, len(data), buffers)
    if isinstance(kind, pa.ListType):
        cells = [value or () for value in values]
        children = [arrow_array([item for cell in cells for item in cell], kind.value_type)]
        return pa.Array.from_buffers(kind, len(cells), [_validity(values), _offsets(cells)], children=children)
    return pa.array(values, kind)


def _numbers(typecode: str, values: Sequence[Any], kind: pa.DataType) -> "pa.Array[Any]":
    numbers = array(typecode, [0 if value is None else value for value in values])
    return pa.Array.from_buffers(kind, len(numbers), [_validity(values), pa.py_buffer(numbers)])


def _offsets(cells: Sequence[Any]) -> pa.Buffer:
    """Return where each cell begins, and the last one ends, as 32-bit integers."""
    return pa.py_buffer(array("i", accumulate(map(len, cells), initial=0)))


def _validity(values: Sequence[Any]) -> pa.Buffer | None:
    """Return a bit for each value, the first one lowest, that is 0 for None; None where no value is."""
    if None not in values:
        return None
    bits = "".join("0" if value is None else "1" for value in reversed(values))
    return pa.py_buffer(int(bits, 2).to_bytes((len(values) + 7) // 8, "little"))
