"""Rollouts: any number of requests for an item, results that are recalled, slots, the end of a run, and failures."""

import asyncio
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.components import KeyedResult
from pgen.errors import ConfigError, SampleError
from pgen.inference.pipeline import Pipeline
from pgen.inference.scheduler import BATCH, Rollouts
from pgen.inference.thread_turns import SWITCH
from pgen.media.clips import SampleImages
from pgen.records import Prompt, Request
from pgen.testing import FakeGenerator, FakeSource, MemoryRecorder, make_episode, make_samples
from pgen_dialogue.prompts.seed import SeedPrompt
from pgen_samplers.samplers import EveryFrame

(SAMPLE, *_) = make_samples()
PROMPT = Prompt("", {})


@dataclass(frozen=True)
class Steps(Rollouts):
    """An item `(name, steps)` sends a request for each step, which the journal has under `name-step`."""

    source: Any
    generator: Any

    def reader(self):
        return nullcontext(None)

    def read(self, reader, sample):
        return SampleImages()

    async def rollout(self, item, context):
        name, steps = item
        texts = []
        for step in range(steps):
            key = f"{name}-{step}"
            text = await context.recall(key)
            if text is None:
                try:
                    images = await context.images(SAMPLE)
                    request = Request((SAMPLE,), PROMPT, images.images, step)
                    answer = await context.ask(request, lambda reply: reply.text, 1)
                    text = answer.value()
                except SampleError as error:
                    return name, error.reason
                await context.record(KeyedResult(key, text, answer.usage))
            texts.append(text)
        return name, texts


def run(generator, items, recorded=None, stop_after=None, recorder=None):
    """The results of the rollouts, and what they recorded."""
    stop = asyncio.Event()
    recorder = recorder or MemoryRecorder(recorded)
    recorder.on_result = lambda _: stop.set() if len(generator.requests) == stop_after else None
    work = Steps(FakeSource(), generator)
    asyncio.run(asyncio.wait_for(work.run(iter([items]), recorder, stop), 120))
    keyed = {result.key: result.value for result in recorder.results if isinstance(result, KeyedResult)}
    return [result for result in recorder.results if not isinstance(result, KeyedResult)], keyed


def test_each_item_ends_with_one_result_whatever_it_sends():
    items = [(name, steps) for steps, name in enumerate("abcde")]
    generator = FakeGenerator(lambda request: f"text {request.seed}", concurrency=3)
    results, keyed = run(generator, items)
    assert sorted(results) == [(name, [f"text {step}" for step in range(steps)]) for name, steps in items]
    assert len(generator.requests) == len(keyed) == 10


@given(st.sets(st.tuples(st.sampled_from("abc"), st.integers(0, 3))))
def test_what_the_journal_has_is_not_requested_again(recorded):
    journal = {f"{name}-{step}": f"text {step}" for name, step in recorded}
    generator = FakeGenerator(lambda request: f"text {request.seed}")
    results, keyed = run(generator, [(name, 4) for name in "abc"], journal)
    assert sorted(results) == [(name, [f"text {step}" for step in range(4)]) for name in "abc"]
    assert len(generator.requests) == len(keyed) == 12 - len(recorded)
    assert not keyed.keys() & journal.keys()


def test_a_slot_sends_no_request_before_its_result_is_recorded():
    class Slow(MemoryRecorder):
        async def record(self, item, result):
            await asyncio.sleep(0)
            await super().record(item, result)

    recorder, most = Slow(), 0

    def answer(request):
        nonlocal most
        most = max(most, len(generator.requests) - sum(isinstance(r, KeyedResult) for r in recorder.results))
        return "text"

    generator = FakeGenerator(answer, concurrency=3)
    run(generator, [(str(number), 3) for number in range(20)], recorder=recorder)
    assert len(generator.requests) == 60
    assert most <= 3


def test_after_a_stop_no_request_begins_and_what_was_answered_is_recorded():
    generator = FakeGenerator(lambda request: "text", concurrency=1)
    results, keyed = run(generator, [("a", 4), ("b", 4)], stop_after=3)
    assert len(generator.requests) == len(keyed) == 3
    assert results == []


@pytest.mark.parametrize("error", [SampleError("refused", "no"), RuntimeError("no")])
def test_a_failure_costs_its_item_and_an_error_of_the_run_ends_it(error):
    results, _ = run(FakeGenerator(lambda request: error if request.seed == 1 else "text"), [("a", 1), ("b", 2)])
    assert results[0] == ("a", ["text"])
    assert results[1][1].endswith("no")
    with pytest.raises(ConfigError):
        run(FakeGenerator(lambda request: ConfigError("gone")), [("a", 1)])


def test_an_item_that_is_given_up_recalls_what_it_can_and_fails():
    work = Steps(FakeSource(), FakeGenerator())
    recorder = MemoryRecorder({"a-0": "text 0"})
    asyncio.run(work.give_up(("a", 3), "3 workers died over this episode", recorder))
    assert recorder.results == [("a", "3 workers died over this episode")]
    assert work.generator.requests == []


@given(st.sets(st.integers(0, 4)))
def test_the_results_that_a_rollout_will_recall_are_known_beforehand(steps):
    journal = {f"a-{step}": f"text {step}" for step in steps}
    work = Steps(FakeSource(), FakeGenerator())
    recorded = asyncio.run(work.recorded(("a", 5), journal.get))
    first_missing = next(step for step in range(6) if step not in steps)
    assert recorded == {f"a-{step}": f"text {step}" for step in range(first_missing)}


def test_threads_take_short_turns_while_rollouts_run_and_no_longer():
    before, intervals = sys.getswitchinterval(), set()

    def answer(request):
        intervals.add(sys.getswitchinterval())
        return "text"

    run(FakeGenerator(answer), [("a", 1)])
    assert [*intervals] == [pytest.approx(SWITCH)]
    assert sys.getswitchinterval() == before


def test_a_group_may_come_only_once_those_before_have_their_results():
    groups = [make_samples(make_episode(index=index, length=2 * BATCH + 1), EveryFrame()) for index in range(3)]
    changed, recorder = asyncio.Event(), MemoryRecorder(on_result=lambda _: changed.set())

    async def in_turn():
        total = 0
        for group in groups:
            while len(recorder.results) < total:
                changed.clear()
                await changed.wait()
            total += len(group)
            yield [(sample,) for sample in group]

    pipeline = Pipeline(FakeSource(), SeedPrompt(), FakeGenerator(), 0, 1, 10**6)
    asyncio.run(asyncio.wait_for(pipeline.run(in_turn(), recorder, asyncio.Event()), 120))
    assert {result.sample for result in recorder.results} == {sample for group in groups for sample in group}
