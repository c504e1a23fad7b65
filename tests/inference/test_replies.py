"""Replies with several dialogues: whatever the text, each number has a dialogue or a failure of its own."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.errors import SampleError
from pgen.formats.schemas import Validator
from pgen.inference.replies import MAX_SEEN, narrow, parse_dialogues, reply_schema
from pgen.records import Dialogue, Failure, Prompt, Reply, Request
from pgen.testing import make_samples
from pgen_dialogue.prompts.reply_schema import dialogue_schema, typed_schema

NUMBERS = (1, 2, 3)
PROMPT = Prompt("", reply_schema(dialogue_schema(), NUMBERS))


def item(number, **fields):
    return {"number": number, "user_prompt": f"Take {number}.", "robot_utterance": "Sure.", **fields}


def reply(*items, **fields):
    return {"seen": "a table", "fits": True, "dialogues": [*items], **fields}


def parse(value, numbers=NUMBERS, prompt=PROMPT, truncated=False):
    text = value if isinstance(value, str) else json.dumps(value)
    return parse_dialogues(Reply(text, truncated), prompt, numbers)


def user_prompts(dialogues):
    return [dialogue.user_prompt for dialogue in dialogues.values()]


def problem_of(value, numbers=NUMBERS):
    return Validator(reply_schema(dialogue_schema(), numbers)).first_error(value)


def test_the_schema_admits_exactly_one_dialogue_for_each_number():
    assert problem_of(reply(*map(item, NUMBERS))) is None
    assert problem_of(reply(item(2)), (2,)) is None
    assert "is too short" in problem_of(reply(item(1), item(2)))
    assert problem_of(reply(*map(item, (1, 2, 3, 3)))).startswith("$.dialogues")
    assert "4 is not one of [3]" in problem_of(reply(item(1), item(2), item(4)))
    unnumbered = {"user_prompt": "Take it.", "robot_utterance": "Sure."}
    assert "'number' is a required property" in problem_of(reply(unnumbered), (1,))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"seen": ""}, "$.seen"),
        ({"seen": "x" * (MAX_SEEN + 1)}, "$.seen"),
        ({"fits": "yes"}, "$.fits"),
        ({"a": 1}, "$"),
    ],
)
def test_the_schema_bounds_what_is_seen(fields, problem):
    assert problem_of(reply(*map(item, NUMBERS), **fields)).startswith(problem)


def test_the_schema_asks_for_what_is_seen_before_the_dialogues_and_for_the_number_first():
    schema = reply_schema(typed_schema(), NUMBERS)
    assert [*schema["properties"]] == schema["required"] == ["seen", "fits", "dialogues"]
    dialogue = schema["properties"]["dialogues"]["items"]
    assert dialogue["required"][0] == next(iter(dialogue["properties"])) == "number"


def test_dialogues_in_any_order_stand_under_their_numbers():
    dialogues = parse(reply(item(3), item(1), item(2)))
    assert [*dialogues] == [1, 2, 3]
    assert user_prompts(dialogues) == ["Take 1.", "Take 2.", "Take 3."]


def test_a_dialogue_that_is_missing_or_does_not_fit_costs_only_its_own_number():
    dialogues = parse(reply(item(3), item(1, user_prompt="")))
    assert [isinstance(dialogues[number], Dialogue) for number in NUMBERS] == [False, False, True]
    assert dialogues[1].stage == dialogues[2].stage == "schema"
    assert "user_prompt" in dialogues[1].reason
    assert dialogues[2].reason == "the reply has no dialogue with the number 2"


def test_of_two_dialogues_with_one_number_the_first_counts():
    assert user_prompts(parse(reply(item(1), item(1, user_prompt="No."), item(2), item(3))))[0] == "Take 1."


def test_numbers_that_were_not_requested_are_ignored():
    assert [*parse(reply(*map(item, (1, 2, 3, 4))), (2,))] == [2]


def test_keys_that_the_schema_does_not_admit_are_dropped():
    dialogues = parse(reply(item(1, note="a thought"), item(2, scope="step"), item(3), plan="first this"))
    assert user_prompts(dialogues) == ["Take 1.", "Take 2.", "Take 3."]


def test_types_are_part_of_a_dialogue():
    prompt = Prompt("", reply_schema(typed_schema(), (1,)))
    types = {"scenario_type": "specific_object", "response_type": "acknowledgment"}
    assert parse(reply(item(1, **types)), (1,), prompt) == {1: Dialogue("Take 1.", "Sure.", *types.values())}
    assert parse(reply(item(1, **types | {"response_type": "shrug"})), (1,), prompt)[1].stage == "schema"


@pytest.mark.parametrize("cut", [2, 1])
def test_of_a_reply_that_was_cut_the_complete_dialogues_count(cut):
    text = json.dumps(reply(*map(item, NUMBERS)))
    end = text.index('"number": 3') + 20 if cut == 2 else text.index('"number": 2') + 2
    dialogues = parse(text[:end], truncated=True)
    assert user_prompts({number: dialogues[number] for number in range(1, cut + 1)}) == ["Take 1.", "Take 2."][:cut]
    assert {dialogues[number].stage for number in range(cut + 1, 4)} == {"truncated"}


@pytest.mark.parametrize(
    "text", ["", '{"seen": "a ta', '{"seen": "a table", "fits": true, "dialogues": [{"number": 1, "us']
)
def test_a_reply_that_was_cut_before_the_first_dialogue_is_truncated(text):
    with pytest.raises(SampleError) as raised:
        parse(text, truncated=True)
    assert raised.value.stage == "truncated"


def test_a_complete_reply_that_went_on_with_blanks_is_not_truncated():
    assert len(user_prompts(parse(json.dumps(reply(*map(item, NUMBERS))) + "\n" * 50, truncated=True))) == 3


@pytest.mark.parametrize("dialogues", [[], [item(1)], [item(1), item(2), item(3)]])
def test_images_that_contradict_the_labels_fail_the_samples_with_what_is_seen(dialogues):
    with pytest.raises(SampleError) as raised:
        parse(reply(*dialogues, fits=False, seen="an empty table"))
    assert raised.value.stage == "scene"
    assert "an empty table" in raised.value.reason


def test_they_do_so_in_a_reply_that_was_cut_too():
    text = json.dumps(reply(*map(item, NUMBERS), fits=False, seen='a "dark" table'))
    with pytest.raises(SampleError, match='a "dark" table') as raised:
        parse(f"<think>Which dialogues?</think>{text[:-40]}", truncated=True)
    assert raised.value.stage == "scene"


@pytest.mark.parametrize("fits", [True, None, 0, "false", "no"])
def test_only_a_plain_false_says_that_the_images_do_not_fit(fits):
    assert len(user_prompts(parse(reply(*map(item, NUMBERS), fits=fits)))) == 3


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("no JSON", "parse"),
        (json.dumps(item(1)), "schema"),
        (json.dumps([item(1), item(2)]), "schema"),
        (json.dumps({"dialogues": {"1": item(1)}}), "schema"),
        (json.dumps(reply(item(1))) + json.dumps(reply(item(2))), "schema"),
        ("[" * 100_000, "parse"),
    ],
)
def test_a_reply_without_one_list_of_dialogues_does_not_fit(text, stage):
    with pytest.raises(SampleError) as raised:
        parse(text)
    assert raised.value.stage == stage


def test_a_reply_is_recognized_in_a_fence_and_behind_thinking():
    text = f"<think>{json.dumps(reply(item(1)))}</think>\n```json\n{json.dumps(reply(*map(item, NUMBERS)))}\n```"
    assert len(user_prompts(parse(text))) == 3


def test_a_narrowed_request_admits_only_the_dialogues_that_it_asks_for():
    request = Request((make_samples()[0],) * 3, PROMPT, (), 0, numbers=(2, 3))
    assert narrow(request).prompt == replace(PROMPT, schema=reply_schema(dialogue_schema(), (2, 3)))


parts = (
    st.sampled_from([json.dumps(reply(*map(item, NUMBERS))), json.dumps(reply(fits=False)), json.dumps(item(2))])
    | st.sampled_from([*'{}[]",:', '"dialogues"', '"number"', "</think>", "1", "true", "null", "\\", "\ud800"])
    | st.text(max_size=20)
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["dialogues", "number", "user_prompt", "robot_utterance", "fits", "seen", "x"]), inner
        )
    ),
    max_leaves=20,
)
texts = st.lists(parts, max_size=6).map("".join) | values.map(json.dumps) | values.map(lambda it: json.dumps(reply(it)))


@pytest.mark.parametrize("truncated", [False, True])
def test_a_reply_that_is_nested_too_deep_is_no_reply(truncated):
    with pytest.raises(SampleError) as raised:
        parse('{"seen": "a", "fits": true, "dialogues": [' + "[" * 65_000, truncated=truncated)
    assert raised.value.stage == "parse"


@given(texts, st.booleans(), st.integers(0, 400))
def test_whatever_the_text_each_number_has_a_dialogue_or_a_failure(text, truncated, cut):
    try:
        dialogues = parse(text[: len(text) - cut] if truncated else text, truncated=truncated)
    except SampleError as error:
        dialogues = dict.fromkeys(NUMBERS, Failure(error.stage, error.reason))
    assert [*dialogues] == [*NUMBERS]
    for dialogue in dialogues.values():
        assert isinstance(dialogue, Failure) or (dialogue.user_prompt.encode() and dialogue.robot_utterance.encode())
