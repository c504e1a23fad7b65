"""Requests for all dialogues of a moment that fail in whole or in part, or that a check rejects."""

import asyncio
import json
from collections import Counter
from contextlib import nullcontext

import pytest
from moment_pipeline import DIALOGUES, at, changed, planned, run

from pgen.api import annotate
from pgen.components import Check, ImageReader
from pgen.errors import SampleError, TooManyFailuresError
from pgen.inference.conversation import moments
from pgen.inference.pipeline import Pipeline
from pgen.records import Finding
from pgen.seeds import journal_key
from pgen.testing import (
    FakeMomentGenerator,
    FakeSource,
    FirstFrames,
    MemoryRecorder,
    MemorySink,
    plain_answer,
)
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt


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
