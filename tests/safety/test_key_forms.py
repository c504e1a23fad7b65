"""Values are masked in every form and at every place, and nothing else is."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgen.safety.key_forms import LAYERS, MASK, Mask

PIECES = (
    "%00",
    "%41",
    "%5c",
    "%25",
    "\\",
    "\\0",
    "\\n",
    '\\"',
    "\\u0041",
    "\\x4",
    "&amp;",
    "&lt;",
    "&",
    '"',
    "n",
    "41",
    "x",
    "ab",
)
"""What values are made of that hold what looks like escapes."""
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40) | st.lists(
    st.sampled_from(PIECES), min_size=8, max_size=12
).map("".join)
around = st.text(st.sampled_from("xyz %\\&;'\"/\n\t.é字😀\udc80"), max_size=12)
padding = st.binary(max_size=5)
quick = settings(max_examples=30, deadline=None)


def in_base64(encode):
    return lambda value, before: encode(before + value.encode() + b"?").decode()


FORMS = {
    "raw": lambda value, before: value,
    "upper": lambda value, before: value.upper(),
    "base64": in_base64(base64.b64encode),
    "base64 for URLs": in_base64(base64.urlsafe_b64encode),
    "base64, quoted": lambda value, before: quote(in_base64(base64.b64encode)(value, before), safe=""),
    "quoted": lambda value, before: quote(value, safe=""),
    "a path": lambda value, before: quote(value).lower(),
    "a form": lambda value, before: quote_plus(value),
    "JSON": lambda value, before: json.dumps(value)[1:-1],
    "JSON of numbers": lambda value, before: "".join(f"\\u{ord(char):04x}" for char in value),
    "HTML": lambda value, before: html.escape(value),
}


@pytest.mark.parametrize("form", FORMS)
@quick
@given(value=values, before=padding, first=around, last=around)
def test_a_value_is_masked_in_each_form_at_each_offset(form, value, before, first, last):
    text = FORMS[form](value, before)
    shown = Mask({value}).text(f"{first} {text} {last}")
    assert MASK in shown
    assert text not in shown.replace(MASK, "")


@quick
@given(value=values, first=around, last=around)
def test_what_stands_around_a_value_stays(value, first, last):
    alone = Mask({value}).text(f"{first} |") + Mask({value}).text(f"| {last}")
    assert Mask({value}).text(f"{first} |{value}| {last}") == alone.replace("||", f"|{MASK}|")


@quick
@given(value=values, text=around)
def test_another_text_is_the_same_object(value, text):
    assert Mask({f"{value}key"}).text(text) is text
    assert Mask(()).text(text) is text


@quick
@given(value=values, layers=st.integers(1, LAYERS))
def test_a_value_may_be_escaped_several_times(value, layers):
    text = value
    for _ in range(layers):
        text = quote(text, safe="")
    assert Mask({value}).text(f"see {text}.") == f"see {MASK}."


@pytest.mark.parametrize("value", ["000000000000%00\\0", "000%5C\\n", '"&lt;%41%42\\u0041'])
@pytest.mark.parametrize("form", FORMS)
def test_what_looks_like_an_escape_in_a_value_is_none(form, value):
    assert Mask({value}).text(f"see {FORMS[form](value, b'')} there") == f"see {MASK} there"


def test_of_two_values_that_overlap_neither_is_left():
    assert Mask({"abcdefgh", "efghijkl"}).text("-abcdefghijkl-") in (f"-{MASK}-", f"-{MASK}{MASK}-")
    assert Mask({"abcdefgh", "abcdefgh-more"}).text("x abcdefgh-more y") == f"x {MASK} y"


@pytest.mark.parametrize("form", FORMS)
@quick
@given(value=values, before=padding, data=st.data())
def test_no_part_is_passed_on_before_the_value_is_known_for_one(form, value, before, data):
    """However a stream is cut: a part that is held back is one that may be the beginning of a value."""
    mask = Mask({value})
    stream = f"see {FORMS[form](value, before)} there".encode()
    held, shown = b"", b""
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        held, stream = held + stream[:size], stream[size:]
        ready = len(held) - mask.unfinished(held)
        shown, held = shown + mask.data(held[:ready]), held[ready:]
    shown += mask.data(held)
    assert MASK.encode() in shown
    assert FORMS[form](value, before).encode() not in shown
