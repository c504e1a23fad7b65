"""Requests for all dialogues of a moment: each dialogue is kept, checked, repeated and recorded on its own."""

from collections import Counter
from contextlib import nullcontext

from moment_pipeline import DIALOGUES, at, planned, run

from pgen.components import ImageReader
from pgen.inference.conversation import moments
from pgen.records import Reply
from pgen.testing import (
    FakeGenerator,
    FakeMomentGenerator,
    FakeSource,
    make_episode,
    plain_answer,
)
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt


def test_a_moment_takes_one_request_and_each_dialogue_goes_to_its_own_sample():
    samples = planned()
    annotations, requests = run()
    assert {request.sample.moment.frame_index: len(request.samples) for request in requests} == DIALOGUES
    assert len(requests) == 3
    assert annotations.keys() == {*samples}
    for sample, annotation in annotations.items():
        place = f"{sample.span.episode_index}-{sample.moment.frame_index}-{sample.question.variant}"
        assert annotation.dialogue.user_prompt.endswith(f"{place}.")
        assert (sample.question.scope in annotation.dialogue.user_prompt) == (sample.question.scope != "step")


def test_each_dialogue_has_the_plan_that_the_prompt_states_under_its_number():
    annotations, requests = run()
    for request in requests:
        assert [annotations[sample].plan for sample in request.samples] == [*request.prompt.plans]
    assert len({annotations[sample].plan for sample in requests[0].samples}) > 1


def test_the_images_of_a_moment_are_read_once_and_sent_once():
    frames = []

    class Watching(FakeSource):
        def reader(self, max_pixels):
            grey = super().reader(max_pixels)

            class Reader(ImageReader):
                def images(self, sample):
                    frames.append(sample.moment.frame_index)
                    with grey as reader:
                        return reader.images(sample)

            return nullcontext(Reader())

    _, requests = run(source=Watching())
    assert frames == [*DIALOGUES]
    assert all(len(request.images) == 1 for request in requests)


def test_the_usage_of_a_request_is_divided_among_its_dialogues():
    annotations, requests = run(lambda request: Reply(plain_answer(request), tokens_in=803, tokens_out=100))
    first = [annotations[sample].usage for sample in requests[0].samples]
    assert sum(usage.tokens_in for usage in first) == 803
    assert [usage.tokens_in for usage in first] == [103, *[100] * 7]
    assert sum(usage.attempts for usage in first) == 1


def test_a_generator_for_one_dialogue_a_request_receives_one_without_a_number():
    samples = planned()
    annotations, requests = run(generator=FakeGenerator(), items=[(sample,) for sample in samples])
    assert len(requests) == len(annotations) == len(samples)
    assert all("dialogues" not in request.prompt.schema["properties"] for request in requests)
    assert all(annotation.dialogue for annotation in annotations.values())


def test_the_same_seed_asks_the_same_whatever_the_order():
    items = moments(planned())
    _, requests = run(items=items)
    _, reversed_requests = run(items=items[::-1], generator=FakeMomentGenerator(concurrency=1))
    key = lambda request: request.sample.moment.frame_index  # noqa: E731
    assert sorted(requests, key=key) == sorted(reversed_requests, key=key)


def test_in_a_conversation_one_request_asks_for_all_dialogues_of_a_moment_with_the_turns_before():
    samples = planned()
    annotations, requests = run(items=[samples], turns=True)
    assert Counter(request.sample.moment.frame_index for request in requests) == {0: 1, 18: 1, 31: 1}
    assert {len(request.samples) for request in at(requests, 0)} == {8}
    assert len(annotations) == len(samples)
    for request in at(requests, 31):
        turns = request.sample.question.turns
        assert [turn.lasting for turn in turns] == [True, True, False, False, False]
        opening = [it for it in annotations.values() if it.sample.moment.frame_index == 0]
        first = {it.sample.question.scope: it.dialogue.user_prompt for it in reversed(opening)}
        opened = [first[scope] for scope in ("episode", "standing", "phase", "step")]
        assert [turn.user_prompt for turn in turns] == [*opened, "Please, brick: 0-18-0."]
        assert all(f"User: {turn.user_prompt}" in request.prompt.context for turn in turns)
        assert not any(turn.user_prompt in request.prompt.text for turn in turns)


def test_counterfactual_dialogues_are_requested_beside_the_others():
    samples = planned(1, HiRobotPrompt(counterfactuals=1.0), pick_and_place_twice())
    kinds = {sample.question.counterfactual for sample in samples} - {None}
    assert "other" in kinds
    annotations, requests = run(items=moments(samples), source=FakeSource(pick_and_place_twice()))
    assert len(annotations) == len(samples)
    assert len(requests) == len(moments(samples))


def pick_and_place_twice():
    names = [f"{action} the {thing}" for thing in ("can", "cup") for action in ("reach for", "pick up", "put down")]
    return make_episode(*((name, float(number), number + 1.0) for number, name in enumerate(names)))
