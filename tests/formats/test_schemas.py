"""The fast validator of pgen's files accepts what jsonschema accepts, and violations have jsonschema's words."""

import json
from functools import reduce
from operator import getitem

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pgen.formats.schemas import Validator, load, names, validator
from pgen_dialogue.prompts.reply_schema import typed_schema

REPLIES = Validator(typed_schema(), fast=True)

ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.just(10**40)
VALUES = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def fitting(schema, root, depth=0):
    """Return values that mostly fit a schema: each key of an object with a value for its own schema."""
    if "$ref" in schema:
        path = schema["$ref"].removeprefix("#/").split("/")
        return fitting(reduce(getitem, path, root), root, depth + 1)
    if "const" in schema or "enum" in schema:
        return st.sampled_from([schema["const"]] if "const" in schema else schema["enum"])
    kinds = schema.get("type", [])
    properties, required = schema.get("properties", {}), schema.get("required", ())
    of = {
        "object": lambda: st.fixed_dictionaries(
            {key: fitting(properties.get(key, {}), root, depth + 1) for key in required},
            optional={key: fitting(it, root, depth + 1) for key, it in properties.items() if key not in required},
        ),
        "array": lambda: st.lists(fitting(schema.get("items", {}), root, depth + 1), max_size=2),
        "string": lambda: st.text(max_size=8) | st.just("7"),
        "integer": lambda: st.integers(-1, 9),
        "number": lambda: st.floats(-1, 9),
        "boolean": st.booleans,
        "null": st.none,
    }
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of([of[kind]() for kind in kinds]) if kinds and depth < 12 else VALUES


@pytest.mark.parametrize("name", names())
@given(data=st.data())
def test_a_value_fits_where_jsonschema_accepts_it(name, data):
    schema = load(name)
    value = data.draw(fitting(schema, schema) | VALUES)
    assert (validator(name).first_error(value) is None) == Draft202012Validator(schema).is_valid(value)


def test_a_violation_names_its_place():
    assert validator("skills").first_error({"episodes": {"x": {}}}) is not None
    problem = validator("segments").first_error([{"name": 3, "start": 0, "end": 1}])
    assert problem is not None
    assert problem.startswith("$[0].name: 3 is not of type")


@given(text=st.text(max_size=40) | st.text("| \n\x1c\x85\xa0\u2028\ufeff\u180ea", max_size=6))
def test_a_text_of_a_dialogue_fits_where_jsonschema_accepts_it(text):
    """Its pattern means nearly the same to both; where jsonschema-rs refuses, jsonschema decides."""
    schema = typed_schema()
    value = {"user_prompt": text, "robot_utterance": "Yes.", "scenario_type": "specific_object"}
    value |= {"response_type": "acknowledgment"}
    assert (REPLIES.first_error(value) is None) == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [{"properties": {"a": {"pattern": r"(?<=(a|bc))d"}}}, {"properties": {"a": {"$ref": "http://pgen.invalid/a"}}}],
)
def test_a_schema_that_only_jsonschema_knows_has_no_fast_validator(schema):
    assert Validator(schema, fast=True).first_error({}) is None


def test_a_deep_value_is_judged():
    value = json.loads("[" * 900 + "]" * 900)
    assert Validator({"type": "array"}, fast=True).first_error(value) is None
    assert Validator({"type": "object"}, fast=True).first_error(value) is not None
