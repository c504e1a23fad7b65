"""Batches: full, of similar size, in order, and independent of each other's errors."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

import pytest

from pgen.errors import ConfigError
from pgen_qwen_transformers.batching import Batcher


class Panic(BaseException):
    """As libraries written in Rust raise it."""


ERRORS = {
    "poison": ValueError("poisoned"),
    "panic": Panic("called unwrap on nothing"),
    "misconfigured": ConfigError("wrong schema"),
}


class Model:
    """Replies to a word with its capitals, and records the batches; the gate delays the first batch."""

    def __init__(self, room: int = 99) -> None:
        self.batches: list[list[str]] = []
        self.room = room
        self.gate = threading.Event()
        self.gate.set()
        self.running = threading.Event()

    def prepare(self, word: str) -> str:
        if word == "unreadable":
            raise ValueError("no such image")
        return word

    def run(self, words: Sequence[str], cancelled: Callable[[], bool]) -> list[str]:
        self.running.set()
        while not self.gate.wait(0.01):
            if cancelled():
                raise RuntimeError("cancelled")
        self.batches.append(list(words))
        if len(words) > self.room:
            raise MemoryError("no room")
        for word in ERRORS.keys() & words:
            raise ERRORS[word]
        return [word.upper() for word in words]


def results(model: Model, words: Sequence[str], limit: int) -> tuple[list[str], int]:
    """The results and errors in order, as text, and the limit at the end."""

    async def run() -> tuple[list[str], int]:
        batcher = Batcher(model.prepare, model.run, len, limit)
        try:
            done = await asyncio.gather(*map(batcher.submit, words), return_exceptions=True)
            return [str(result) for result in done], batcher.limit
        finally:
            await batcher.close()

    return asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    """Let the tasks and threads of the batcher continue until a condition holds."""
    while not condition():
        await asyncio.sleep(0)


def test_waiting_requests_run_together() -> None:
    model = Model()
    assert results(model, "abcde", limit=2) == (["A", "B", "C", "D", "E"], 2)
    assert model.batches == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.parametrize("ahead", [True, False])
def test_requests_are_prepared_in_the_thread_of_the_model_unless_they_are_prepared_ahead(*, ahead: bool) -> None:
    async def run() -> set[int]:
        batcher = Batcher(
            lambda word: threading.get_ident(),
            lambda threads, cancelled: [{thread, threading.get_ident()} for thread in threads],
            lambda thread: 1,
            2,
            ahead=ahead,
        )
        try:
            return set().union(*await asyncio.gather(*map(batcher.submit, "abcd")))
        finally:
            await batcher.close()

    assert len(asyncio.run(run())) == (2 if ahead else 1)


def test_a_batch_contains_the_oldest_and_those_nearest_to_it_in_size() -> None:
    model = Model()
    model.gate.clear()

    async def run() -> None:
        batcher = Batcher(model.prepare, model.run, len, 2)
        first = [asyncio.create_task(batcher.submit(word)) for word in ("x", "y")]
        await until(model.running.is_set)
        rest = [asyncio.create_task(batcher.submit(word)) for word in ("aaaa", "b", "cccc", "d")]
        await until(lambda: len(batcher._queue) == 4)  # would not return if the model blocked the event loop
        model.gate.set()
        await asyncio.gather(*first, *rest)
        await batcher.close()

    asyncio.run(run())
    assert model.batches == [["x", "y"], ["aaaa", "cccc"], ["b", "d"]]


def test_a_batch_that_does_not_fit_is_halved_for_good_and_reported_once_per_size(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = Model(room=2)
    with caplog.at_level(logging.WARNING):
        assert results(model, "abcdefghijklmnop", limit=8) == (list("ABCDEFGHIJKLMNOP"), 2)
    assert [len(batch) for batch in model.batches if len(batch) > 2] == [8, 4]
    assert [record.getMessage() for record in caplog.records] == [
        "a batch of 8 does not fit the memory; going on with 4 at a time.",
        "a batch of 4 does not fit the memory; going on with 2 at a time.",
    ]


@pytest.mark.parametrize(
    ("room", "words", "expected"),
    [
        (0, ["a"], ["no room"]),
        (9, ["a", "poison", "c", "unreadable", "d"], ["A", "poisoned", "C", "no such image", "D"]),
        (9, ["a", "panic", "c"], ["A", "Panic: called unwrap on nothing", "C"]),
    ],
    ids=["does not fit alone", "an exception", "a panic"],
)
def test_an_error_fails_its_request_and_not_the_batch(room: int, words: list[str], expected: list[str]) -> None:
    assert results(Model(room), words, limit=4) == (expected, 4)


def test_an_error_of_the_configuration_fails_all_without_further_attempts() -> None:
    model = Model()
    assert results(model, ["a", "misconfigured"], limit=2) == (["wrong schema"] * 2, 2)
    assert len(model.batches) == 1


def test_closing_ends_the_running_batch_and_drops_waiting_requests() -> None:
    model = Model()
    model.gate.clear()

    async def stop() -> list[bool]:
        batcher = Batcher(model.prepare, model.run, len, 2)
        tasks = [asyncio.create_task(batcher.submit(word)) for word in "abc"]
        await until(model.running.is_set)
        for task in tasks:
            task.cancel()
        await asyncio.wait_for(batcher.close(), 60)
        await asyncio.gather(*tasks, return_exceptions=True)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(stop()) == [True, True, True]
    assert model.batches == []
