"""A quick yes is never said to a value that the validator refuses, and is said to every dialogue that fits."""

import re
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pgen.formats.schemas import compiled, first_error
from pgen.inference.fast_schema import fits
from pgen_dialogue.prompts.reply_schema import dialogue_schema, typed_schema
from pgen_qwen_openai.structured_output import PROBE_SCHEMA

NAMES = ("a", "b", "c")
PATTERNS = ("", "a", "^a?b*$", r"^[^|\x00-\x1f]*[^\s|\x00-\x1f][^|\x00-\x1f]*$", r"\d")
texts = st.text("ab |\n1é\u2028\U0001f9f1", max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=4,
)
lengths = st.integers(0, 5)
rules = st.fixed_dictionaries(
    {"type": st.sampled_from(("string", "string", "string", "integer", ["string", "null"]))},
    optional={
        "minLength": lengths,
        "maxLength": lengths,
        "pattern": st.sampled_from(PATTERNS),
        "enum": st.lists(texts, min_size=1, max_size=3, unique=True),
        "const": texts,
        "description": texts,
        "format": st.just("email"),
    },
)
schemas = st.fixed_dictionaries(
    {"type": st.sampled_from(("object", "object", "array")), "additionalProperties": st.booleans()},
    optional={
        "properties": st.dictionaries(st.sampled_from(NAMES), rules | st.booleans(), max_size=3),
        "required": st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
        "maxProperties": lengths,
        "not": st.just({}),
    },
)
DIALOGUES = [dialogue_schema(), typed_schema(), {**PROBE_SCHEMA}]


@given(schemas, values | st.dictionaries(st.sampled_from(NAMES), texts, max_size=3))
def test_no_schema_says_yes_to_what_its_validator_refuses(schema, value):
    if fits(schema)(value):
        assert first_error(compiled(schema), value) is None


@given(st.sampled_from(DIALOGUES), st.data())
def test_of_a_dialogue_both_say_the_same(schema, data):
    """Values near what fits: so that either answer comes up."""
    chosen = {
        name: data.draw(st.sampled_from(rule["enum"]) | texts if "enum" in rule else texts | st.just("x" * 301))
        for name, rule in schema["properties"].items()
    }
    with suppress(KeyError):
        if data.draw(st.integers(0, 9)) == 0:
            del chosen["user_prompt"]
    assert fits(schema)(chosen) == (first_error(compiled(schema), chosen) is None)


@given(st.dictionaries(st.sampled_from(NAMES), texts, min_size=1), st.sampled_from(PATTERNS))
def test_a_fitting_object_of_texts_is_known_at_once(value, pattern):
    assume(all(re.search(pattern, text) for text in value.values()))
    rule = {"type": "string", "maxLength": 6, "pattern": pattern}
    schema = {
        "type": "object",
        "properties": dict.fromkeys(value, rule),
        "required": list(value),
        "additionalProperties": False,
    }
    assert fits(schema)(value)


@pytest.mark.parametrize("change", [{"required": ["a"]}, {"additionalProperties": True}, {"anyOf": [{}]}])
def test_a_schema_beyond_dialogues_is_left_to_the_validator(change):
    rule = {"type": "string", "maxLength": 6}
    schema = {"type": "object", "properties": {"a": rule, "b": rule}, "required": ["a", "b"]}
    value = {"a": "x", "b": "y"}
    assert fits({**schema, "additionalProperties": False})(value)
    assert not fits({**schema, "additionalProperties": False, **change})(value)
