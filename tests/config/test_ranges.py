import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.config import parse_ranges
from pgen.errors import ConfigError

RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), min_size=1, max_size=5)


@given(RANGES, st.sampled_from([",", ", "]), st.sampled_from(["-", " - "]))
def test_ranges_include_both_ends(ranges, comma, dash):
    parts = (str(first) if not length else f"{first}{dash}{first + length}" for first, length in ranges)
    expected = {index for first, length in ranges for index in range(first, first + length + 1)}
    assert parse_ranges(comma.join(parts), "--episodes") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--episodes: '' is no index and no range; write it as in 0-9,12"),
        ("1,x", "'x' is no index and no range"),
        ("-1", "'-1' is no index"),
        ("9-3", "the range '9-3' ends before it starts"),
    ],
)
def test_other_text_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_ranges(text, "--episodes")
