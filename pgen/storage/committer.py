"""Commit results to the journal before their request slots are released, and sync them to the disk in groups.

A slot (one of `concurrency` senders of requests) waits in `store` until its result is committed. A process that is
killed at any moment therefore repeats at most what its slots were doing. A commit survives the process, and a power cut
only once the journal was synced; a result counts as done after that. Commits and syncs run in threads, each for all
results that came meanwhile: the event loop never waits for the disk.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

from pgen.errors import first_error
from pgen.storage.journal import Journal

PAUSE = 0.05
"""Seconds between a commit and its sync, unless a caller waits for that: many commits share one sync."""

UNSYNCED = 64
"""Results that are committed at most before a sync: a disk that is slower than the model slows the run."""


@dataclass(slots=True, eq=False)
class _Group[T]:
    """The results of one commit."""

    results: list[T] = field(default_factory=list)
    committed: asyncio.Event = field(default_factory=asyncio.Event)


class Commits[T]:
    """Bound to one event loop. `write` commits results to the journal; `done` is called for each that was synced."""

    def __init__(
        self, journal: Journal, write: Callable[[list[T]], None], done: Callable[[T], object] = lambda result: None
    ) -> None:
        self._journal, self._write, self._done = journal, write, done
        self._next: _Group[T] = _Group()
        self._committing: _Group[T] = _Group()
        self._unsynced: list[list[T]] = []
        self._error: BaseException | None = None
        self._wake, self._committed = asyncio.Event(), asyncio.Event()
        self._room, self._sync_wanted = asyncio.Event(), asyncio.Event()

    async def store(self, *results: T) -> None:
        """Wait until the results are committed, by one commit. Raises what `run` does."""
        group = self._next
        group.results += results
        self._wake.set()
        await group.committed.wait()
        if self._error:
            raise self._error

    async def run(self) -> None:
        """Commit and sync until cancelled. Raises StorageError, or ConfigError where the journal has another owner."""
        try:
            # A thread of its own: each commit wakes it, which takes twice as long among the loop's many threads.
            with ThreadPoolExecutor(1, "commit") as thread:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._commit(thread))
                    tasks.create_task(self._sync())
        except BaseExceptionGroup as group:
            self._error = first_error(group)
            for waiting in (self._committing, self._next):
                waiting.committed.set()
            raise self._error from None

    def flush(self) -> None:
        """Commit and sync what is left, without an await at which a signal could interrupt.

        It may commit again what a cancelled thread has committed, which does no harm.
        """
        if results := [*self._committing.results, *self._next.results]:
            self._write(results)
            self._unsynced.append(results)
            self._committing, self._next = _Group(), _Group()
        if self._unsynced:
            self._journal.sync()
            # The system reports a failed write once: a sync that succeeds after a failed one proves nothing.
            if self._error is None:
                self._settle(len(self._unsynced))

    async def _commit(self, thread: Executor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while sum(map(len, self._unsynced)) >= UNSYNCED:
                self._sync_wanted.set()
                self._room.clear()
                await self._room.wait()
            if not self._next.results:  # `flush` has committed them meanwhile
                continue
            self._committing, self._next = self._next, _Group()
            await loop.run_in_executor(thread, self._write, self._committing.results)
            self._unsynced.append(self._committing.results)
            self._committing.committed.set()
            self._committing = _Group()
            self._committed.set()

    async def _sync(self) -> None:
        while True:
            await self._committed.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._sync_wanted.wait(), PAUSE)
            self._sync_wanted.clear()
            self._committed.clear()
            count = len(self._unsynced)
            await asyncio.to_thread(self._journal.sync)
            self._settle(count)

    def _settle(self, count: int) -> None:
        """Report the first `count` groups as done."""
        groups, self._unsynced = self._unsynced[:count], self._unsynced[count:]
        self._room.set()
        for result in chain.from_iterable(groups):
            self._done(result)
