"""Whole runs in which each episode is a conversation."""

import asyncio

import pytest
from dialogue_runs import lines, reply, run
from hanging import HANG

from pgen.errors import SampleError, TooManyFailuresError
from pgen.testing import FakeGenerator
from pgen_samplers.samplers import EveryFrame, Segments


def count_turns(request):
    return reply(f"turn {len(request.sample.question.turns)} of {request.sample.span.episode_index}")


def test_each_request_of_a_conversation_contains_the_earlier_turns(tmp_path):
    _, sink, generator = run(tmp_path / "out", count_turns, turns="episode", sampler=Segments(interval=1.0))
    for annotation in sink.annotations[:6]:
        turns = annotation.sample.question.turns
        assert [turn.user_prompt for turn in turns] == [f"turn {n} of 0" for n in range(len(turns))]
        (request,) = [r for r in generator.requests if r.sample == annotation.sample]
        assert all(f"User: {turn.user_prompt}" in request.prompt.context for turn in turns)
    kinds = [a.sample.question.turn_type for a in sink.annotations[:6]]
    assert kinds == ["opening", "interjection", "followup", "interjection", "followup", "interjection"]


def test_a_long_conversation_has_only_its_latest_turns(tmp_path):
    respond = lambda request: reply(f"at {request.sample.moment.frame_index}")  # noqa: E731
    _, sink, _ = run(tmp_path / "out", respond, turns="episode", sampler=EveryFrame(), episodes=1)
    turns = sink.annotations[50].sample.question.turns
    assert [turn.user_prompt for turn in turns] == [f"at {frame}" for frame in range(20, 50)]


def test_conversations_run_in_parallel_and_their_turns_in_order(tmp_path):
    class Meeting(FakeGenerator):
        async def generate(self, request):
            if not request.sample.question.turns:
                self.met += 1
                if self.met == 3:
                    self.all.set()
                await asyncio.wait_for(self.all.wait(), HANG)
            return await super().generate(request)

        async def open(self):
            self.met, self.all = 0, asyncio.Event()

    generator = Meeting(count_turns, concurrency=3)
    report, _, _ = run(tmp_path / "out", generator=generator, turns="episode")
    assert report.failed == {}
    for index in range(3):
        order = [len(r.sample.question.turns) for r in generator.requests if r.sample.span.episode_index == index]
        assert order == sorted(order)


def test_a_conversation_that_was_stopped_or_failed_continues_with_the_same_requests(tmp_path):
    options = {"turns": "episode", "sampler": Segments(interval=1.0)}
    _, reference, every = run(tmp_path / "whole", count_turns, **options)
    count = 0

    def shaky(request):
        nonlocal count
        count += 1
        return SampleError("transport", "gone") if count % 4 == 0 else count_turns(request)

    with pytest.raises(TooManyFailuresError):
        run(tmp_path / "out", shaky, max_failures=0, **options)
    _, resumed, _ = run(tmp_path / "out", count_turns, **options)
    assert lines(resumed) == lines(reference)
    requested = {(r.sample, r.prompt.text, r.seed) for r in every.requests}
    assert requested == {
        (a.sample, p, s) for a in reference.annotations for (sample, p, s) in requested if sample == a.sample
    }


def test_a_completed_turn_is_not_requested_again_if_its_conversation_is_the_same(tmp_path):
    def refuse_second(request):
        return SampleError("refused", "no") if request.sample.moment.frame_index == 18 else count_turns(request)

    options = {"turns": "episode", "episodes": 1}
    with pytest.raises(TooManyFailuresError):
        run(
            tmp_path / "out",
            refuse_second,
            max_failures=0,
            generator=FakeGenerator(refuse_second, concurrency=1),
            **options,
        )
    report, sink, generator = run(tmp_path / "out", refuse_second, max_failures=1, **options)
    assert [r.sample.moment.frame_index for r in generator.requests].count(0) == 0
    assert [a.dialogue is None for a in sink.annotations if a.sample.moment.frame_index == 18] == [True]
    assert len(sink.annotations) == report.samples
