"""Parsing: a corpus of what models and servers return."""

import json

import pytest
from dialogue_replies import DIALOGUE, FITTING, JSON, OTHER, PLAIN, PROMPT, reading, with_value

from pgen.errors import PluginError, SampleError
from pgen.inference.json_objects import objects
from pgen.inference.parsing import parse
from pgen.records import Dialogue, Prompt, Reply


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


def test_the_objects_of_a_reply_are_found_whatever_they_say():
    assert objects(Reply('Here: {"skills": []} and [{"name": "a"},]')) == [{"skills": []}, {"name": "a"}]
    with pytest.raises(SampleError, match="cut at its length limit"):
        objects(Reply("{}", truncated=True))
