"""Parsing of texts of any size and content: each is a dialogue or a failure."""

import json

import pytest
from dialogue_replies import DIALOGUE, FITTING, JSON, OTHER, reading, with_value
from hypothesis import given, settings
from hypothesis import strategies as st

from pgen.inference.json_objects import MAX_REPLY
from pgen.records import Dialogue, Prompt

MONSTERS = {
    "10 MB": JSON * 60_000,
    "10 MB of thoughts": f"<think>{OTHER * 60_000}",
    "100,000 arrays deep": "[" * 100_000,
    "arrays": "[" * MAX_REPLY,
    "objects in arrays": '[{"a":' * (MAX_REPLY // 6),
    "objects": '{"a":' * (MAX_REPLY // 5),
    "a deep value": with_value("[" * 20_000 + "]" * 20_000),
    "a less deep value": with_value("[" * 900 + "]" * 900),
    "braces": "{" * MAX_REPLY,
    "open strings": '{"' * (MAX_REPLY // 2),
    "escaped quotes": '{"\\"' * (MAX_REPLY // 4),
    "commas": "{,}" * (MAX_REPLY // 3),
    "commas and spaces": '{"a":1,' + " " * (MAX_REPLY - 20) + "]",
    "trailing commas": '{"a":[1,],"b":oops,}' * (MAX_REPLY // 20),
    "backslashes": '{"' + "\\" * (MAX_REPLY - 2),
    "keys": "{" + ",".join(f'"k{number}":1' for number in range(5000)) + "}",
    "a long value": with_value(json.dumps("a" * 60_000 + "|")),
    "a long value, no limit": with_value(json.dumps("a" * 60_000 + "|"), "scenario_type"),
    "fences": "```json\n" * (MAX_REPLY // 8),
    "ends of thoughts": "</think>" * 100_000,
}


@pytest.mark.parametrize("name", MONSTERS)
def test_no_text_is_too_much(name):
    stage, reason = reading(MONSTERS[name])
    assert stage in ("parse", "schema")
    assert len(reason) < 1500


TEXT = st.text(st.characters(exclude_categories=()))
KEYS = st.sampled_from(sorted(FITTING)) | TEXT
SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner))


@given(TEXT | st.text(alphabet='{}[]",:\\ \n<think/>`a1e') | st.dictionaries(KEYS, VALUES).map(json.dumps))
@settings(deadline=None)
def test_any_text_is_a_dialogue_or_a_failure(text):
    for outcome in (reading(text), reading(text, Prompt("", {}))):
        if isinstance(outcome, Dialogue):
            assert outcome.task.encode()
        else:
            assert outcome[0] in ("parse", "schema")
            assert outcome[1]


PROSE = st.text(alphabet="ab \n.,'`:()!?-", max_size=80)


@given(PROSE, PROSE, st.sampled_from([JSON, f"[{JSON}]", JSON[:-1] + ",}", json.dumps(FITTING, indent=1)]))
@settings(deadline=None)
def test_prose_without_brackets_never_hides_a_dialogue(before, after, text):
    assert reading(f"{before}{text}{after}") == DIALOGUE


@given(st.text(), PROSE)
@settings(deadline=None)
def test_a_thought_is_never_an_answer(thought, said):
    assert reading(f"<think>{thought}{JSON}</think>{said}")[0] == "parse"
    assert reading(f"<think>{thought.replace('</think>', '')}{JSON}")[0] == "parse"


@given(st.lists(st.sampled_from(sorted(FITTING)), max_size=4), VALUES)
@settings(deadline=None)
def test_an_object_that_fits_comes_back_as_it_is(fields, value):
    answer = {**FITTING, **dict.fromkeys(fields, value)}
    outcome = reading(json.dumps(answer))
    if isinstance(outcome, Dialogue):
        for field, said in answer.items():
            assert getattr(outcome, field) == " ".join(said.split())
