"""Arrow arrays of Python values."""

import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen_lerobot.format.arrow_arrays import arrow_array

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_CELLS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.int8(): st.integers(-128, 127),
    pa.float64(): st.floats(allow_nan=False),
    pa.float32(): st.floats(width=32, allow_nan=False),
    pa.string(): _TEXTS,
    pa.large_string(): _TEXTS,
    pa.list_(pa.string()): st.lists(st.none() | _TEXTS, max_size=3),
    pa.list_(pa.float64()): st.lists(st.floats(allow_nan=False), max_size=3),
}


@pytest.mark.parametrize("kind", _CELLS, ids=str)
@given(data=st.data())
def test_any_values_are_those_that_pyarrow_makes_of_them(kind, data):
    values = data.draw(st.lists(st.none() | _CELLS[kind], max_size=20))
    array = arrow_array(values, kind)
    array.validate(full=True)
    assert array.type == kind
    assert array.equals(pa.array(values, kind))
    assert repr(array.to_pylist()) == repr(values)


def test_pandas_is_not_imported():
    code = "import pyarrow, sys; from pgen_lerobot.format.arrow_arrays import arrow_array"
    code += "; arrow_array([['a'], None], pyarrow.list_(pyarrow.string())); assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
