"""The timestamps of language rows."""

from struct import pack, unpack

from hypothesis import given
from hypothesis import strategies as st

from pgen_lerobot.write.other_forms.language_rows import single_below


@given(st.floats(-1e4, 1e6))
def test_a_row_never_begins_after_the_frame_that_it_is_for(time):
    begins = single_below(time)
    assert unpack("f", pack("f", begins))[0] == begins
    assert begins <= time
    assert time - begins <= max(abs(time) * 2.0**-23, 2.0**-149)
