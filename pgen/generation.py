"""Has the pipeline run to its end: answers go to the journal in groups, signals and failures end it early.

The first Ctrl-C (or SIGTERM) asks no more and waits a little for what is in flight; the second one stops at
once. Either way what was answered is in the journal.
"""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pgen.executors import Executor
from pgen.interrupts import SIGNALS, interrupted
from pgen.journal import Journal
from pgen.pipeline import Pipeline, reason_of
from pgen.records import Annotation, Sample

GROUP = 64
"""Answers that wait for a commit at most: where the disk is slower than the model, no more are asked for."""

PATIENCE = 5.0
"""Seconds that requests in flight have, after a signal, to be answered."""

FOUND = "found"
"""The name by which the journal remembers the model and what the generator found out."""

Progress = Callable[[Annotation], None]


def generate(
    executor: Executor,
    pipeline: Pipeline,
    rounds: Sequence[Iterator[list[Sample]]],
    journal: Journal,
    failures_allowed: int,
    progress: Progress,
    role: str = "",
) -> None:
    """Have an executor ask about all samples of each round, and stop once more than `failures_allowed` have failed.

    A round begins when the answers of the one before are stored. The journal is claimed for the model that
    answers, and remembers what the generator found out, under names that begin with `role`. Raises
    InterruptedRunError after a signal; whatever else ends the run, once the answers are stored.
    """
    _run(_Generation(executor, pipeline, journal, failures_allowed, progress, role).run(rounds))


class _Generation:
    def __init__(
        self,
        executor: Executor,
        pipeline: Pipeline,
        journal: Journal,
        failures_allowed: int,
        progress: Progress,
        role: str,
    ) -> None:
        self._executor, self._pipeline = executor, pipeline
        self._journal, self._progress, self._role = journal, progress, role
        self._failures_left = failures_allowed
        self._waiting: list[Annotation] = []
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._signal = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._over = False

    async def run(self, rounds: Sequence[Iterator[list[Sample]]]) -> None:
        main = asyncio.current_task()
        with self._signals(main.cancel if main else lambda: None):
            try:
                await self._opened(rounds)
            except asyncio.CancelledError:
                if not self._signal:
                    raise
        if self._signal:
            raise interrupted(self._signal)

    async def _opened(self, rounds: Sequence[Iterator[list[Sample]]]) -> None:
        executor = self._executor
        await executor.open(self._pipeline)
        try:
            self._journal.claim(f"{self._role}model", executor.model)
            for groups in (groups for groups in rounds if not self._stop.is_set()):
                await self._ask_and_commit(groups)
                self._commit_rest()
        finally:
            if self._deadline:
                self._deadline.cancel()
            self._commit_rest()
            await executor.close()
        self._journal.remember(self._role + FOUND, {"model": executor.model, "found": executor.found()})

    async def _ask_and_commit(self, groups: Iterator[list[Sample]]) -> None:
        """Side by side, so that answers that cannot be stored end the asking."""
        self._over = False
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._commit_in_groups())
                await self._executor.run(groups, self._record, self._stop)
                self._over = True
                self._wake.set()
        except BaseExceptionGroup as group:
            raise reason_of(group) from None

    async def _record(self, annotation: Annotation) -> None:
        self._waiting.append(annotation)
        if annotation.sample.about is None:
            self._progress(annotation)
            self._failures_left -= annotation.failure is not None
            if self._failures_left < 0:
                self._stop.set()
        self._wake.set()
        if len(self._waiting) >= GROUP:
            await self._room.wait()

    async def _commit_in_groups(self) -> None:
        """What came while one commit was under way is the next one's group."""
        while not self._over:
            await self._wake.wait()
            self._wake.clear()
            self._room.clear()
            await self._commit()
            self._room.set()

    async def _commit(self) -> None:
        group, self._waiting = self._waiting, []
        try:
            if group:
                await asyncio.to_thread(self._journal.add, group)
        except BaseException:  # whoever is cancelled here does not know whether the thread had begun
            self._waiting = group + self._waiting
            raise

    def _commit_rest(self) -> None:
        """At the end, without a pause in which one more signal could lose them; to store twice does no harm."""
        if self._waiting:
            self._journal.add(self._waiting)
            self._waiting = []

    @contextmanager
    def _signals(self, cancel: Callable[[], object]) -> Iterator[None]:
        """Only the main thread may handle signals; elsewhere they stay the caller's."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()

        def caught(number: int) -> None:
            if self._stop.is_set():
                cancel()
                return
            self._signal = number
            self._stop.set()
            self._deadline = loop.call_later(PATIENCE, cancel)
            print("\npgen: finishing what is in flight; once more to stop at once.", file=sys.stderr)

        former = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            loop.add_signal_handler(number, caught, number)
        try:
            yield
        finally:
            for number, handler in former.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run`, in a thread of its own where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
