"""Batches: full ones, of like size, nobody left waiting, nobody paying for a neighbour."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

import pytest

from pgen.errors import ConfigError
from pgen_qwen_transformers.batching import Batcher


class Panic(BaseException):
    """As libraries written in Rust raise it."""


class Model:
    """Answers a word with itself in capitals, and keeps the batches; a gate holds the first batch back."""

    def __init__(self, room: int = 99) -> None:
        self.batches: list[list[str]] = []
        self.room = room
        self.gate = threading.Event()
        self.gate.set()

    def prepare(self, word: str) -> str:
        if word == "unreadable":
            raise ValueError("no such picture")
        return word

    def run(self, words: Sequence[str], cancelled: Callable[[], bool]) -> list[str]:
        while not self.gate.wait(0.01):
            if cancelled():
                raise RuntimeError("cancelled")
        self.batches.append(list(words))
        if len(words) > self.room:
            raise MemoryError("no room")
        if "poison" in words:
            raise ValueError("poisoned")
        if "panic" in words:
            raise Panic("called unwrap on nothing")
        if "misconfigured" in words:
            raise ConfigError("wrong schema")
        return [word.upper() for word in words]


def answers(model: Model, words: list[str], limit: int) -> tuple[list[str | Exception], int]:
    """The answers in order, and the limit at the end."""

    async def ask() -> tuple[list[str | Exception], int]:
        batcher = Batcher(model.prepare, model.run, len, limit)
        try:
            return await asyncio.gather(*map(batcher.submit, words), return_exceptions=True), batcher.limit
        finally:
            await batcher.close()

    return asyncio.run(ask())


def test_requests_that_wait_together_run_together() -> None:
    model = Model()
    told, _ = answers(model, ["a", "b", "c", "d", "e"], limit=2)
    assert told == ["A", "B", "C", "D", "E"]
    assert model.batches == [["a", "b"], ["c", "d"], ["e"]]


def test_a_batch_holds_the_oldest_and_those_nearest_to_it_in_size() -> None:
    model = Model()
    answers(model, ["aaaa", "b", "cccc", "d"], limit=2)
    assert model.batches[0] in (["aaaa", "cccc"], ["aaaa", "b"])  # the second where two were ready first
    model = Model()
    model.gate.clear()

    async def ask() -> None:
        batcher = Batcher(model.prepare, model.run, len, 2)
        first = [asyncio.create_task(batcher.submit(word)) for word in ("x", "y")]
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(batcher.submit(word)) for word in ("aaaa", "b", "cccc", "d")]
        await asyncio.sleep(0.05)
        model.gate.set()
        await asyncio.gather(*first, *rest)
        await batcher.close()

    asyncio.run(ask())
    assert model.batches == [["x", "y"], ["aaaa", "cccc"], ["b", "d"]]


def test_a_batch_that_does_not_fit_is_halved_for_good_and_said_once_a_size(caplog: pytest.LogCaptureFixture) -> None:
    model = Model(room=2)
    with caplog.at_level(logging.WARNING):
        told, limit = answers(model, list("abcdefghijklmnop"), limit=8)
    assert told == list("ABCDEFGHIJKLMNOP")
    assert limit == 2
    assert [len(batch) for batch in model.batches if len(batch) > 2] == [8, 4]
    assert [record.getMessage() for record in caplog.records] == [
        "a batch of 8 does not fit the memory; going on with 4 at a time.",
        "a batch of 4 does not fit the memory; going on with 2 at a time.",
    ]


def test_a_sample_that_does_not_fit_alone_fails_alone() -> None:
    told, limit = answers(Model(room=0), ["a"], limit=4)
    assert isinstance(told[0], MemoryError)
    assert limit == 4


def test_an_error_costs_one_sample_and_not_its_batch() -> None:
    told, limit = answers(Model(), ["a", "poison", "c", "unreadable", "d"], limit=4)
    assert [str(answer) for answer in told] == ["A", "poisoned", "C", "no such picture", "D"]
    assert limit == 4


def test_a_panic_costs_one_sample_too() -> None:
    told, _ = answers(Model(), ["a", "panic", "c"], limit=4)
    assert [str(answer) for answer in told] == ["A", "Panic: called unwrap on nothing", "C"]


def test_an_error_that_stops_the_run_reaches_all_without_further_tries() -> None:
    model = Model()
    told, _ = answers(model, ["a", "misconfigured"], limit=2)
    assert all(isinstance(answer, ConfigError) for answer in told)
    assert len(model.batches) == 1


def test_closing_ends_the_running_batch_and_drops_what_waits() -> None:
    model = Model()
    model.gate.clear()

    async def stop() -> list[bool]:
        batcher = Batcher(model.prepare, model.run, len, 2)
        tasks = [asyncio.create_task(batcher.submit(word)) for word in ("a", "b", "c")]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.wait_for(batcher.close(), 5)
        await asyncio.gather(*tasks, return_exceptions=True)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(stop()) == [True, True, True]
    assert model.batches == []


def test_the_event_loop_is_free_while_the_model_works() -> None:
    model = Model()
    model.gate.clear()

    async def ask() -> str:
        batcher = Batcher(model.prepare, model.run, len, 1)
        task = asyncio.create_task(batcher.submit("a"))
        await asyncio.sleep(0.05)  # would never return with the loop held up
        model.gate.set()
        answer = await task
        await batcher.close()
        return answer

    assert asyncio.run(ask()) == "A"
