"""Runs whose requests ask for all dialogues of a moment: resumed, checked, and the same whatever the order."""

import asyncio
import json
from collections import Counter

import pytest

from pgen.api import annotate
from pgen.errors import InterruptedRunError, SampleError, TooManyFailuresError
from pgen.testing import FakeMomentGenerator, FakeSource, MemorySink, make_episode, plain_answer
from pgen_dialogue.checks.duplicates import Duplicates
from pgen_samplers.samplers import Segments

EPISODES = 3
MOMENTS = 7 * EPISODES
SAMPLES = EPISODES * 3 * (7 + 3)
"""Three wordings of each step, and of the three scopes that an episode begins with."""


def run(out, respond=plain_answer, generator=None, **options):
    """Return the report, the sink and the requests of a run over three episodes with a moment each second."""
    sink, generator = MemorySink(), generator or FakeMomentGenerator(respond)
    source = FakeSource(*(make_episode(index=index) for index in range(EPISODES)))
    parts = {"sampler": Segments(interval=1.0), "prompt": "hi-robot", "checks": (), "sink": sink, **options}
    return annotate(source, out, generator=generator, **parts), sink, generator.requests


def results(sink):
    return [
        (annotation.sample, annotation.plan, annotation.outcome, annotation.checks) for annotation in sink.annotations
    ]


class Shuffled(FakeMomentGenerator):
    """Responds in another order than that of the requests, which depends on `salt`."""

    def __init__(self, respond, salt):
        super().__init__(respond, concurrency=16)
        self._salt = salt

    async def generate(self, request):
        for _ in range((request.sample.moment.frame_index + 1) * self._salt % 23):
            await asyncio.sleep(0)
        return await super().generate(request)


def parrot(request):
    """Return the same user prompt for every dialogue of a scope, and another one if the request is a repair."""
    reply = json.loads(plain_answer(request))
    for fields in reply["dialogues"]:
        sample = request.samples[fields["number"] - 1]
        text = f"{sample.question.scope} alpha beta"
        again = f" {sample.moment.frame_index} indeed {sample.question.variant} yes"
        fields["user_prompt"] = text + again if request.repair else text
    return json.dumps(reply)


def test_by_default_a_run_sends_a_request_for_each_moment_and_counts_the_dialogues_by_scope(tmp_path):
    report, sink, requests = run(tmp_path / "out")
    assert (report.samples, len(requests), report.usage.attempts) == (SAMPLES, MOMENTS, MOMENTS)
    scopes = Counter(annotation.sample.question.scope for annotation in sink.annotations)
    assert sink.manifest["counts"]["scopes"] == scopes
    assert scopes == {"episode": 9, "phase": 9, "standing": 9, "step": 3 * MOMENTS}
    assert sink.manifest["run"]["scopes"] == {"episode": 2, "phase": 3, "step": 4, "standing": 1}


@pytest.mark.parametrize("turns", ["off", "episode"])
def test_the_results_are_the_same_whatever_the_order_of_the_responses(tmp_path, turns):
    runs = [run(tmp_path / f"{salt}", generator=Shuffled(plain_answer, salt), turns=turns)[1] for salt in (1, 7, 12)]
    assert results(runs[0]) == results(runs[1]) == results(runs[2])


@pytest.mark.parametrize("turns", ["off", "episode"])
@pytest.mark.parametrize("end", [1, 5, 13])
def test_a_run_that_was_stopped_continues_with_the_missing_moments(tmp_path, turns, end):
    _, complete, every = run(tmp_path / "whole", turns=turns)
    count = 0

    def stopping(request):
        nonlocal count
        count += 1
        return InterruptedRunError("stopped") if count > end else plain_answer(request)

    with pytest.raises(InterruptedRunError):
        run(tmp_path / "out", generator=FakeMomentGenerator(stopping, concurrency=1), turns=turns)
    _, resumed, requests = run(tmp_path / "out", turns=turns)
    assert results(resumed) == results(complete)
    assert len(requests) == len(every) - end
    assert {request.samples for request in requests} < {request.samples for request in every}


def test_a_conversation_whose_requests_failed_continues_with_the_same_turns(tmp_path):
    _, complete, _ = run(tmp_path / "whole", turns="episode")
    count = 0

    def shaky(request):
        nonlocal count
        count += 1
        return SampleError("transport", "gone") if count % 4 == 0 else plain_answer(request)

    with pytest.raises(TooManyFailuresError):
        run(tmp_path / "out", shaky, turns="episode", max_failures=0)
    _, resumed, _ = run(tmp_path / "out", turns="episode")
    assert results(resumed) == results(complete)


@pytest.mark.parametrize("on_check", ["retry", "keep", "fail"])
def test_duplicates_of_a_run_are_the_same_whatever_the_order_of_the_responses(tmp_path, on_check):
    options = {"checks": (Duplicates(),), "on_check": on_check, "max_failures": 1}
    runs = [run(tmp_path / f"{salt}", generator=Shuffled(parrot, salt), **options)[1] for salt in (1, 7)]
    assert results(runs[0]) == results(runs[1])


def test_a_duplicate_of_an_earlier_dialogue_is_requested_again_alone(tmp_path):
    _, _, requests = run(tmp_path / "out", parrot, checks=(Duplicates(),))
    repeated = [request for request in requests if request.repair]
    assert {len(request.samples) for request in repeated} == {1}
    assert len(repeated) > MOMENTS
    similar = [request.repair for request in repeated if "nearly the same request" in request.repair.problem]
    assert json.loads(similar[0].reply)["dialogues"][0]["number"] == 1


def test_more_variants_request_only_the_new_wordings(tmp_path):
    def without_episode(request):
        reply = json.loads(plain_answer(request))
        replies = [it for it in reply["dialogues"] if request.samples[it["number"] - 1].question.scope != "episode"]
        return json.dumps({**reply, "dialogues": replies})

    with pytest.raises(TooManyFailuresError):
        run(tmp_path / "out", without_episode, variants=1, max_failures=0.09, attempts=1)
    report, _, requests = run(tmp_path / "out", variants=2)
    requested = Counter(
        (sample.question.scope, sample.question.variant) for request in requests for sample in request.samples
    )
    assert requested["step", 1] == MOMENTS
    assert requested["episode", 0] == requested["episode", 1] == EPISODES
    assert requested["step", 0] < MOMENTS
    assert report.resumed + requested.total() == report.samples


def test_only_the_first_dialogues_of_a_limited_run_are_requested(tmp_path):
    report, _, requests = run(tmp_path / "out", max_samples=14)
    assert report.samples == 14
    assert [len(request.samples) for request in requests] == [12, 2]


def told(request):
    """Return a dialogue for each sample that says how many turns precede it."""
    reply = json.loads(plain_answer(request))
    for fields in reply["dialogues"]:
        question = request.samples[fields["number"] - 1].question
        fields["user_prompt"] = f"{question.scope} {question.variant} after {len(question.turns)}"
    return json.dumps(reply)


def test_in_a_conversation_a_moment_is_one_request_and_lasting_exchanges_are_repeated_once(tmp_path):
    _, sink, requests = run(tmp_path / "out", told, turns="episode")
    assert (len(requests), len(sink.annotations)) == (MOMENTS, SAMPLES)
    assert Counter(len(request.images) for request in requests) == {1: MOMENTS}
    for request in requests:
        spoken = [turn.user_prompt for turn in request.sample.question.turns]
        assert len(set(spoken)) == len(spoken)
        if spoken:
            assert spoken[:2] == ["episode 0 after 0", "standing 0 after 0"]
            assert all(f"User: {text}\n" in request.prompt.context for text in spoken)


def test_a_conversation_of_moments_that_was_stopped_or_failed_continues_with_the_same_requests(tmp_path):
    _, reference, every = run(tmp_path / "whole", told, turns="episode")
    count = 0

    def shaky(request):
        nonlocal count
        count += 1
        return SampleError("transport", "gone") if count % 4 == 0 else told(request)

    with pytest.raises(TooManyFailuresError):
        run(tmp_path / "out", shaky, max_failures=0, turns="episode")
    _, resumed, _ = run(tmp_path / "out", told, turns="episode")
    assert results(resumed) == results(reference)
    assert len(every) == MOMENTS
