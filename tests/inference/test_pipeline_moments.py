"""Requests for all dialogues of a moment: each dialogue is kept, checked, repeated and recorded on its own."""

import asyncio
import json
from collections import Counter
from contextlib import nullcontext

import pytest

from pgen.api import annotate
from pgen.components import Check, ImageReader
from pgen.errors import SampleError, TooManyFailuresError
from pgen.inference.conversation import moments
from pgen.inference.pipeline import Pipeline
from pgen.labels import DEFAULT_WEIGHTS
from pgen.records import Finding, Reply
from pgen.run.planning import Planner
from pgen.seeds import journal_key
from pgen.testing import (
    FakeGenerator,
    FakeMomentGenerator,
    FakeSource,
    FirstFrames,
    MemoryRecorder,
    MemorySink,
    make_episode,
    plain_answer,
)
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt

EPISODE = make_episode()
DIALOGUES = {0: 8, 18: 2, 31: 2}
"""The number of dialogues at each frame: of four scopes at the first one, in two wordings."""


def planned(variants=2, prompts=None, episode=EPISODE):
    planner = Planner(FakeSource(episode), FirstFrames(), prompts or HiRobotPrompt(), 0, variants, DEFAULT_WEIGHTS)
    ((_, samples),) = planner.planned([episode])
    return samples


def run(answer=plain_answer, items=None, generator=None, recorder=None, source=None, **options):
    """Return the annotations by sample, and the requests."""
    generator, recorder = generator or FakeMomentGenerator(answer), recorder or MemoryRecorder()
    pipeline = Pipeline(source or FakeSource(), HiRobotPrompt(), generator, 0, 2, 10**6, **options)
    items = moments(planned()) if items is None else items
    asyncio.run(asyncio.wait_for(pipeline.run(iter([items]), recorder, asyncio.Event()), 120))
    return {annotation.sample: annotation for annotation in recorder.results}, generator.requests


def changed(request, change):
    """Return the plain answer with `change(fields, sample)` for each dialogue; None leaves it out."""
    reply = json.loads(plain_answer(request))
    changed = (change(fields, request.samples[fields["number"] - 1]) for fields in reply["dialogues"])
    return json.dumps({**reply, "dialogues": [fields for fields in changed if fields is not None]})


def at(requests, frame):
    return [request for request in requests if request.sample.moment.frame_index == frame]


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


@pytest.mark.parametrize("lacking", [None, {"user_prompt": ""}])
def test_a_dialogue_that_does_not_fit_is_requested_again_alone(lacking):
    def fails(fields, sample):
        if sample.question.scope == "phase" and sample.question.variant == 1:
            return lacking and {**fields, **lacking}
        return fields

    annotations, requests = run(lambda it: plain_answer(it) if it.repair else changed(it, fails))
    first, second = at(requests, 0)
    (number,) = second.numbers
    sample = second.samples[number - 1]
    assert (sample.question.scope, sample.question.variant) == ("phase", 1)
    assert second.samples == first.samples
    assert second.images == first.images
    assert second.prompt.text == first.prompt.text
    assert second.prompt.schema["properties"]["dialogues"]["maxItems"] == 1
    assert len(requests) == 4
    assert all(annotation.dialogue for annotation in annotations.values())
    assert annotations[sample].usage.attempts == 1


def test_a_dialogue_that_never_fits_fails_alone():
    without = lambda fields, sample: None if sample.question.scope == "standing" else fields  # noqa: E731
    annotations, _ = run(lambda it: changed(it, without))
    failed = {sample.question.scope for sample, annotation in annotations.items() if annotation.failure}
    assert failed == {"standing"}
    assert {it.failure.stage for it in annotations.values() if it.failure} == {"schema"}


def test_images_that_contradict_the_labels_fail_all_dialogues_of_the_moment_without_another_request():
    def empty(request):
        reply = json.loads(plain_answer(request))
        fits = request.sample.moment.frame_index != 18
        return json.dumps({**reply, "fits": fits, "seen": "an empty table", "dialogues": reply["dialogues"] * fits})

    annotations, requests = run(empty)
    failed = [sample for sample, annotation in annotations.items() if annotation.failure]
    assert {sample.moment.frame_index for sample in failed} == {18}
    assert {annotations[sample].failure.stage for sample in failed} == {"scene"}
    assert all("an empty table" in annotations[sample].failure.reason for sample in failed)
    assert len(failed) == DIALOGUES[18]
    assert len(requests) == 3


@pytest.mark.parametrize("error", [SampleError("refused", "no"), RuntimeError("no")])
def test_an_error_of_the_generator_fails_all_dialogues_of_the_moment(error):
    annotations, requests = run(lambda it: error if it.sample.moment.frame_index == 31 else plain_answer(it))
    failed = [sample.moment.frame_index for sample, annotation in annotations.items() if annotation.failure]
    assert failed == [31] * DIALOGUES[31]
    assert len(requests) == 3


def test_images_that_do_not_open_fail_all_dialogues_and_cost_no_request():
    class Broken(FakeSource):
        def reader(self, max_pixels):
            class Reader(ImageReader):
                def images(self, sample):
                    raise SampleError("decode", "no such frame")

            return nullcontext(Reader())

    annotations, requests = run(source=Broken())
    assert requests == []
    assert {it.failure.stage for it in annotations.values()} == {"decode"}
    assert {it.usage.attempts for it in annotations.values()} == {0}
    assert len(annotations) == sum(DIALOGUES.values())


class Unsuitable(Check):
    """Finds fault with the first wording of a step."""

    name = "unsuitable"

    def check(self, annotation, context):
        question = annotation.sample.question
        wrong = question.scope == "step" and not question.variant and "better" not in annotation.dialogue.user_prompt
        return Finding("unsuitable", "say it better") if wrong else None


def better(request):
    return changed(request, lambda fields, _: {**fields, "user_prompt": f"better {fields['user_prompt']}"})


def test_a_dialogue_that_a_check_rejects_is_sent_back_alone_once():
    answer = lambda it: better(it) if it.repair else plain_answer(it)  # noqa: E731
    annotations, requests = run(answer, checks=(Unsuitable(),))
    again = [request for request in requests if request.repair]
    assert [len(request.numbers) for request in again] == [1, 1, 1]
    assert all("say it better" in request.repair.problem for request in again)
    for annotation in annotations.values():
        question = annotation.sample.question
        expected = question.scope == "step" and not question.variant
        assert annotation.dialogue.user_prompt.startswith("better") == expected
    assert not any(annotation.checks for annotation in annotations.values())


@pytest.mark.parametrize(("on_check", "requested"), [("retry", 6), ("keep", 3), ("fail", 6)])
def test_what_a_check_rejects_again_is_marked_or_failed_without_the_others(on_check, requested):
    annotations, requests = run(checks=(Unsuitable(),), on_check=on_check)
    rejected = [it for it in annotations.values() if it.checks or it.failure]
    assert len(requests) == requested
    assert [it.sample.question.scope for it in rejected] == ["step"] * 3
    assert {it.failure and it.failure.stage for it in rejected} == {"check" if on_check == "fail" else None}


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


def test_in_a_conversation_each_wording_asks_for_all_dialogues_of_a_moment_with_the_steps_before():
    samples = planned()
    conversations = [[one for one in samples if one.question.variant == variant] for variant in range(2)]
    annotations, requests = run(items=conversations, turns=True)
    assert Counter(request.sample.moment.frame_index for request in requests) == {0: 2, 18: 2, 31: 2}
    assert {len(request.samples) for request in at(requests, 0)} == {4}
    assert len(annotations) == len(samples)
    for request in at(requests, 31):
        turns = request.sample.question.turns
        variant = request.sample.question.variant
        assert [turn.user_prompt for turn in turns] == [f"Please, brick: 0-{frame}-{variant}." for frame in (0, 18)]
        assert all(f"User: {turn.user_prompt}" in request.prompt.context for turn in turns)
        assert not any(turn.user_prompt in request.prompt.text for turn in turns)


def test_an_item_that_no_process_survives_fails_with_all_its_dialogues():
    (item, *_) = moments(planned())
    recorder = MemoryRecorder()
    pipeline = Pipeline(FakeSource(), HiRobotPrompt(), FakeMomentGenerator(), 0, 2, 10**6)
    asyncio.run(pipeline.give_up(item, "3 workers died over this episode", recorder))
    assert [annotation.sample for annotation in recorder.results] == [*item]
    assert {annotation.failure.reason for annotation in recorder.results} == {"3 workers died over this episode"}
    assert pipeline.generator.requests == []


def test_after_a_worker_died_only_the_dialogues_are_left_that_it_did_not_report():
    (item, *_) = moments(planned())
    pipeline = Pipeline(FakeSource(), HiRobotPrompt(), FakeMomentGenerator(), 0, 2, 10**6)
    annotations, _ = run(items=[item])
    for count in range(1, len(item)):
        left = pipeline.remaining(item, annotations[item[count - 1]])
        assert tuple(left) == item[count:]
        again, requests = run(items=[left])
        assert again.keys() == {*left}
        assert len(requests) == 1
    assert pipeline.remaining(item, annotations[item[-1]]) is None


def test_a_run_that_failed_in_part_requests_only_the_missing_dialogues(tmp_path):
    def without(fields, sample):
        return None if sample.question.scope in ("phase", "standing") else fields

    options = {"prompt": "hi-robot", "sampler": FirstFrames(), "checks": (), "variants": 2}
    generator, sink = FakeMomentGenerator(lambda it: changed(it, without)), MemorySink()
    with pytest.raises(TooManyFailuresError, match="at schema"):
        annotate(
            FakeSource(), tmp_path / "out", generator=generator, sink=sink, max_failures=0.3, attempts=1, **options
        )
    generator = FakeMomentGenerator()
    report = annotate(FakeSource(), tmp_path / "out", generator=generator, sink=sink, max_failures=0.0, **options)
    asked = [sample for request in generator.requests for sample in request.samples]
    assert Counter(sample.question.scope for sample in asked if sample.moment.frame_index == 0) == {
        "phase": 2,
        "standing": 2,
    }
    assert report.failed == {}
    assert len({journal_key(annotation.sample) for annotation in sink.annotations}) == report.samples


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
