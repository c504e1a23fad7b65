"""Commits results to the journal before their slots are released, and syncs them to the disk behind that.

A slot is whatever sends the next request. It waits in `store` for the commit that holds its result, so that a
process that is killed at any moment has to repeat at most what its slots were at: never more than `concurrency`.
A commit survives the process, but a power cut only once the journal was synced; a result is done after that.
Both are done in threads, for all results that came meanwhile at once: the event loop never waits for the disk.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from pgen.errors import first_error
from pgen.storage.journal import Journal

PAUSE = 0.05
"""Seconds between a commit and its sync, unless somebody waits for that: many commits share one."""

UNSYNCED = 64
"""Results after whose commit no more are committed before a sync: a disk that is slower than the model slows it."""


@dataclass(slots=True, eq=False)
class Group[T]:
    """Results of one commit."""

    results: list[T] = field(default_factory=list)
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    synced: asyncio.Event = field(default_factory=asyncio.Event)


class Commits[T]:
    """Bound to one event loop. `write` commits results to the journal; `done` is called for each that was synced."""

    def __init__(
        self, journal: Journal, write: Callable[[list[T]], None], done: Callable[[T], object] = lambda result: None
    ) -> None:
        self._journal, self._write, self._done = journal, write, done
        self._next: Group[T] = Group()
        self._committing: Group[T] = Group()
        self._unsynced: list[Group[T]] = []
        self._error: BaseException | None = None
        self._wake, self._committed = asyncio.Event(), asyncio.Event()
        self._room, self._wanted = asyncio.Event(), asyncio.Event()

    async def store(self, result: T) -> Group[T]:
        """Return once the result is committed, with the group that it was committed in. Raises what `run` does."""
        group = self._next
        group.results.append(result)
        self._wake.set()
        await self._reached(group.committed)
        return group

    async def synced(self, group: Group[T]) -> None:
        """Return once the group is on the disk, as soon as can be. Raises what `run` does."""
        self._wanted.set()
        await self._reached(group.synced)

    async def run(self) -> None:
        """Commit and sync what is stored, until cancelled. Raises StorageError, or ConfigError of another owner."""
        try:
            # A thread of its own, as each commit wakes it: among the loop's many threads that costs twice as much.
            with ThreadPoolExecutor(1, "commit") as thread:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._commit(thread))
                    tasks.create_task(self._sync())
        except BaseExceptionGroup as group:
            self._error = first_error(group)
            for waiting in (*self._unsynced, self._committing, self._next):
                waiting.committed.set()
                waiting.synced.set()
            raise self._error from None

    def flush(self) -> None:
        """Commit and sync all that is left, without a pause in which a signal could lose it.

        To commit once more what a cancelled thread may have committed does no harm.
        """
        if results := [*self._committing.results, *self._next.results]:
            self._write(results)
            self._unsynced.append(Group(results))
            self._committing, self._next = Group(), Group()
        if self._unsynced:
            self._journal.sync()
            if self._error is None:  # after a sync that failed, a further one may succeed without what the first lost
                self._settle(len(self._unsynced))

    async def _commit(self, thread: Executor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while sum(len(group.results) for group in self._unsynced) >= UNSYNCED:
                self._wanted.set()
                self._room.clear()
                await self._room.wait()
            if not self._next.results:  # written by `flush` meanwhile
                continue
            self._committing, self._next = self._next, Group()
            await loop.run_in_executor(thread, self._write, self._committing.results)
            self._unsynced.append(self._committing)
            self._committing.committed.set()
            self._committing = Group()
            self._committed.set()

    async def _sync(self) -> None:
        while True:
            await self._committed.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), PAUSE)
            self._wanted.clear()
            self._committed.clear()
            count = len(self._unsynced)
            await asyncio.to_thread(self._journal.sync)
            self._settle(count)

    async def _reached(self, event: asyncio.Event) -> None:
        await event.wait()
        if self._error:
            raise self._error

    def _settle(self, count: int) -> None:
        """The first groups are on the disk."""
        groups, self._unsynced = self._unsynced[:count], self._unsynced[count:]
        self._room.set()
        for group in groups:
            group.synced.set()
            for result in group.results:
                self._done(result)
