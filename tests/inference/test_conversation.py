"""Conversations: which turns a request repeats, in which order, and how much of it stays as it was."""

from itertools import pairwise

import pytest
from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.inference.conversation import (
    BLOCK,
    MAX_TURNS,
    as_turn,
    moments,
    repeated_turns,
    turns_after,
    with_turns,
)
from pgen.records import Annotation, Failure, Plan, Prompt
from pgen.testing import make_annotation, make_episode, make_samples
from pgen_samplers.samplers import EveryFrame

SAMPLES = make_samples(make_episode(("pick up the cup", 0.0, 12.0), ("wipe the table", 12.0, 20.0)), EveryFrame())
PROMPT = Prompt("What is said?", {}, "You write dialogue.", "Task: tidy up")


def failed(sample):
    return Annotation(sample, Plan(), Failure("parse", "no"))


def conversation(length, failing=()):
    """Return the samples of a conversation, as turns."""
    turns, said = (), []
    for number, sample in enumerate(SAMPLES[:length]):
        turn = as_turn(sample, turns)
        said.append(turn)
        turns = turns_after([failed(turn) if number in failing else make_annotation(turn, f"turn {number}")])
    return said


def prompts_of(sample):
    return [turn.user_prompt for turn in sample.question.turns]


def test_turns_open_a_conversation_interject_and_follow_up():
    kinds = [sample.question.turn_type for sample in conversation(125)]
    assert kinds == ["opening", *["interjection"] * 119, "followup", *["interjection"] * 4]


@pytest.mark.parametrize("length", [0, 1, 29, 30, 31, 32, 40, 41, 60, 200])
def test_the_counted_turns_are_those_that_the_requests_repeat(length):
    said = conversation(length)
    assert repeated_turns([(sample,) for sample in said]) == sum(len(sample.question.turns) for sample in said)


def test_requests_of_one_moment_repeat_the_same_turns():
    first, second, third = SAMPLES[:3]
    phase = altered(second, scope="phase", skills=2)
    assert repeated_turns([(first,), (phase,), (second,), (third,)]) == 0 + 1 + 1 + 3
    assert repeated_turns([(first,), (phase, second), (third,)]) == 0 + 1 + 3
    assert repeated_turns([(first,), (phase,), (third,)]) == 0 + 1 + 2
    other = altered(second, variant=1)
    assert repeated_turns([(first,), (second, other), (third,)]) == 0 + 1 + 2


@pytest.mark.parametrize("length", [1, 29, 31, 45, 150])
def test_what_is_in_force_to_the_end_is_repeated_once_in_every_later_request(length):
    opening, standing = (altered(SAMPLES[0], scope=scope, skills=2) for scope in ("episode", "standing"))
    turns, repeated, requests = (), 0, []
    for number, sample in enumerate(SAMPLES[:length]):
        moment = [as_turn(it, turns) for it in ([sample] if number else [opening, standing, sample])]
        requests.append(tuple(moment))
        repeated += len(turns)
        turns = turns_after([make_annotation(it, f"{it.question.scope} {number}") for it in moment])
        assert [turn.user_prompt for turn in turns[:2]] == ["episode 0", "standing 0"]
        assert [turn.lasting for turn in turns] == [True, True, *[False] * (len(turns) - 2)]
        assert len(turns) <= MAX_TURNS + 2
    assert repeated_turns(requests) == repeated


@given(st.sets(st.integers(0, 150)))
def test_a_request_repeats_the_latest_turns_and_drops_the_oldest_in_blocks(failing):
    for before, after in pairwise(prompts_of(sample) for sample in conversation(150, failing)):
        assert len(after) <= MAX_TURNS
        if after[: len(before)] == before:
            assert len(after) <= len(before) + 1
        else:
            assert (len(before), after[:-1]) == (MAX_TURNS, before[BLOCK:])


def test_a_long_conversation_has_its_latest_turns_and_most_requests_only_append():
    said = conversation(200)
    appended = sum(prompts_of(after)[:-1] == prompts_of(before) for before, after in pairwise(said))
    assert appended == 199 - len(range(MAX_TURNS + 1, 200, BLOCK))
    last = prompts_of(said[-1])
    assert last == [f"turn {number}" for number in range(199 - len(last), 199)]
    assert len(last) > MAX_TURNS - BLOCK


def test_a_request_begins_like_the_one_before_it():
    contexts = [with_turns(PROMPT, sample).context for sample in conversation(30)]
    assert contexts[0] == PROMPT.context
    for before, after in pairwise(contexts):
        assert after.startswith(before)


def test_turns_stand_before_the_images_and_the_kind_of_turn_after_them():
    *_, last = conversation(3)
    prompt = with_turns(PROMPT, last)
    assert prompt.context == (
        "Task: tidy up\n\nThe conversation so far:\nUser: turn 0\nRobot: All right.\nUser: turn 1\nRobot: All right."
    )
    assert prompt.text.startswith("The robot is in the midst of a skill")
    assert prompt.text.endswith("\n\nWhat is said?")
    assert (prompt.system, prompt.schema) == (PROMPT.system, PROMPT.schema)
    assert with_turns(PROMPT, SAMPLES[0]) == PROMPT


def test_a_prompt_without_a_context_has_the_turns_alone():
    *_, last = conversation(2)
    assert with_turns(Prompt("Go on.", {}), last).context.startswith("The conversation so far:\nUser: turn 0")


def test_the_first_wording_of_each_scope_that_has_a_dialogue_becomes_a_turn():
    (sample, *_) = conversation(1)
    opening = make_annotation(altered(sample, scope="episode", skills=2), "opening")
    step, other = make_annotation(sample, "first wording"), make_annotation(altered(sample, variant=1), "second")
    assert [turn.user_prompt for turn in turns_after([opening, step, other])] == ["opening", "first wording"]
    assert [turn.user_prompt for turn in turns_after([failed(sample), other])] == ["second"]
    counterfactual = make_annotation(altered(sample, counterfactual="wait"), "not done")
    assert turns_after([counterfactual, opening]) == turns_after([opening, failed(sample)]) == turns_after([opening])
    assert turns_after([counterfactual]) == turns_after([failed(sample)]) == ()


def test_moments_are_the_samples_of_a_frame_and_span_in_their_order():
    samples = [altered(sample, variant=variant) for sample in SAMPLES[118:122] for variant in range(3)]
    grouped = moments(samples)
    assert [len(group) for group in grouped] == [3] * 4
    assert [sample for group in grouped for sample in group] == samples
    assert moments([]) == []
