"""Parsing: a corpus of what models and servers say, and anything at all by hypothesis."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgen.errors import PluginError, SampleError
from pgen.inference.json_objects import MAX_REPLY, objects
from pgen.inference.parsing import parse
from pgen.records import Dialogue, Prompt, Reply
from pgen_dialogue.prompts.reply_schema import dialogue_schema, typed_schema

FITTING = {
    "user_prompt": "Could you grab me something sweet?",
    "robot_utterance": "Sure, I can pick up the KitKat.",
    "scenario_type": "implicit_request",
    "response_type": "confirmation",
}
JSON = json.dumps(FITTING)
OTHER = JSON.replace("sweet", "salty")
DIALOGUE = Dialogue(**FITTING)
PROMPT = Prompt("", typed_schema())
PLAIN = Prompt("", dialogue_schema())


def reading(text, prompt=PROMPT):
    """The dialogue, or the stage and the reason."""
    try:
        return parse(Reply(text), prompt)
    except SampleError as error:
        return error.stage, error.reason


def with_value(value, field="user_prompt"):
    return JSON.replace(json.dumps(FITTING[field]), value)


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        f"\n\t {json.dumps(FITTING, indent=4)}\n",
        f"\ufeff{JSON}",
        f"```json\n{JSON}\n```",
        f"```\n{JSON}```",
        f"Here you go:\n```JSON\n{JSON}\n```\nAnything else?",
        f"Sure! {JSON} I hope this helps {{really}} [1].",
        f"As {{user, robot}} asked [see above]: {JSON}",
        f"[{JSON}]",
        f"```json\n[\n{JSON}\n]\n```",
        f"{JSON}\n{JSON}",
        JSON[:-1] + ",}",
        f"[{JSON[:-1]} ,\n }} ,\n]",
        f'A first thought [1, 2, ], then {{"draft": [1,],}} and at last {JSON[:-1]}, }}.',
        f"<think>{OTHER}</think>{JSON}",
        f"<think>a</think><think>{OTHER}</think>\n\n{JSON}",
        f"so it is {OTHER}</think>{JSON}",
        f"{JSON}<think>{OTHER}",
        with_value('"Could you\\ngrab  me\\tsomething sweet? "'),
        with_value('"Could you\ngrab me\tsomething sweet?"'),
        with_value('"Could you grab me \\u0073omething sweet?"'),
        '{"user_prompt": "an earlier one", ' + JSON[1:],
    ],
)
def test_what_surrounds_or_spoils_a_dialogue_is_tolerated(text):
    assert reading(text) == DIALOGUE


@pytest.mark.parametrize(
    ("text", "stage", "told"),
    [
        ("", "parse", "the reply is empty"),
        (" \n", "parse", "the reply is empty"),
        ("I would pick the brick.", "parse", "holds no JSON object: 'I would pick the brick.'"),
        ("null", "parse", "holds no JSON object"),
        ("[]", "parse", "holds no JSON object"),
        (f"<think>{JSON}", "parse", "never ends its thinking"),
        (f"<think>{OTHER}</think> well, <think>{JSON}", "parse", "never ends its thinking"),
        (f"{JSON}</think>", "parse", "holds no JSON object"),
        (JSON[:60], "parse", "Unterminated string"),
        (JSON[:-1], "parse", "Expecting ',' delimiter"),
        (JSON.replace(": ", ":: "), "parse", "Expecting value at character"),
        (JSON.replace('"', "'"), "parse", "property name"),
        (f"[{JSON}, {OTHER}]", "parse", "2 dialogues where one is wanted"),
        (f"{JSON} or rather {OTHER}", "parse", "2 dialogues where one is wanted"),
        ("{}", "schema", "$: 'user_prompt' is a required property"),
        (json.dumps({"result": FITTING}), "schema", "required property"),
        (with_value("5"), "schema", "$.user_prompt: 5.0 is not of type 'string'"),
        (with_value("NaN"), "schema", "$.user_prompt: nan"),
        (with_value("1e999"), "schema", "$.user_prompt: inf"),
        (with_value("9" * 5000), "schema", "$.user_prompt: inf"),
        (with_value('" "'), "schema", "$.user_prompt"),
        (with_value('"a | b"'), "schema", "$.user_prompt: 'a | b' does not match"),
        (with_value('"a\\u0000b"'), "schema", "$.user_prompt"),
        (with_value('"\\ud83d"'), "schema", "half a character"),
        (with_value('"\ud83d"'), "schema", "half a character"),
        (with_value(json.dumps("a" * 301)), "schema", "301 characters are too many, 300 are allowed"),
        (with_value('"a poem"', "scenario_type"), "schema", "$.scenario_type: 'a poem' is not one of"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_the_beginning_of_the_text(text, stage, told):
    found_stage, reason = reading(text)
    assert found_stage == stage
    assert told in reason
    assert repr(text[:200])[1:100].rstrip("'\"") in reason


def test_at_most_two_hundred_characters_of_the_text_are_shown():
    _, reason = reading("b" * 1000)
    assert "b" * 200 + "…" in reason
    assert "b" * 201 not in reason


@pytest.mark.parametrize("text", [JSON[:-1], f"{JSON} Wait, I", f"{JSON}{OTHER}", "", "   ", f"<think>{JSON}"])
def test_a_reply_that_was_cut_is_not_read(text):
    with pytest.raises(SampleError) as caught:
        parse(Reply(text, truncated=True), PROMPT)
    assert caught.value.stage == "truncated"


@pytest.mark.parametrize("text", [JSON, f"```json\n{JSON}\n```", f"<think>So be it.</think>{JSON}"])
@pytest.mark.parametrize("blanks", [" ", "\n\t" * 1500, " " * 250_000])
@pytest.mark.parametrize("truncated", [True, False])
def test_blanks_up_to_the_limit_cost_no_whole_reply(text, blanks, truncated):
    assert parse(Reply(text + blanks, truncated=truncated), PROMPT) == DIALOGUE


@pytest.mark.parametrize(
    "text",
    [
        JSON[:-1] + ', "mood": "good"}',
        JSON[:-1] + ', "mood": "good", "why": {"a": [1, 2]}}',
        JSON[:-1] + "".join(f', "key {number}": 1' for number in range(2000)) + "}",
    ],
)
def test_keys_too_many_are_dropped(text):
    assert reading(text) == DIALOGUE


def test_a_draft_with_keys_too_many_does_not_count_beside_the_answer():
    assert reading(OTHER[:-1] + ', "draft": true}' + JSON) == DIALOGUE


def test_two_answers_with_keys_too_many_are_two():
    stage, reason = reading(OTHER[:-1] + ', "draft": 1}' + JSON[:-1] + ', "draft": 2}')
    assert (stage, "2 dialogues" in reason) == ("parse", True)


def test_keys_too_many_make_up_for_nothing_that_is_missing():
    stage, reason = reading('{"user_prompt": "a", "mood": "good"}')
    assert (stage, "'robot_utterance' is a required property" in reason) == ("schema", True)


def test_a_schema_without_types_gives_a_dialogue_without_types():
    text = json.dumps({"user_prompt": "a", "robot_utterance": "b"})
    assert reading(text, PLAIN) == Dialogue("a", "b")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"user_prompt": "a"},
        {"user_prompt": 1, "robot_utterance": "b"},
        {"user_prompt": "", "robot_utterance": "b"},
        {"user_prompt": "a", "robot_utterance": "b", "scenario_type": ["c"]},
    ],
)
def test_a_schema_that_asks_for_too_little_does_not_let_half_a_dialogue_pass(answer):
    stage, _ = reading(json.dumps(answer), Prompt("", {"type": "object"}))
    assert stage == "schema"


def test_a_schema_that_is_none_stops_the_run():
    with pytest.raises(PluginError, match="no JSON Schema"):
        reading(JSON, Prompt("", {"type": "dialogue"}))


def test_a_schema_that_was_changed_in_place_is_read_anew():
    schema = {"type": "object"}
    assert reading(JSON, Prompt("", schema)) == DIALOGUE
    schema["maxProperties"] = 1
    assert reading(JSON, Prompt("", schema))[0] == "schema"


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


def test_the_objects_of_a_reply_are_found_whatever_they_say():
    assert objects(Reply('Here: {"skills": []} and [{"name": "a"},]')) == [{"skills": []}, {"name": "a"}]
    with pytest.raises(SampleError, match="cut at its length limit"):
        objects(Reply("{}", truncated=True))
