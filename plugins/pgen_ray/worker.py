"""One worker: an actor of Ray with a source and a generator of its own, which runs rollouts over what it is given.

The run calls `exchange`, which waits until there is something to report and then returns all there is: a call between
two processes costs a hundred times what a result does. Each `exchange` acknowledges that the results of the one before
are committed to the journal; until then their slots send no further request, as in a run without Ray. Errors are
returned as values, so that they arrive unchanged.
"""

import asyncio
import pickle
from dataclasses import dataclass, field
from typing import Any

from pgen.components import Recorder, Work
from pgen_ray.work_items import Assignment, GroupQueue, Outcome
from pgen_ray.worker_protocol import Opened, WarningForwarder, pickled, portable, unpacked

LINGER = 0.1
"""Seconds that results wait at most for others to be sent with, unless the worker has nothing left to do."""

LINGER_SHARE = 0.02
"""The share of a result's own time that it waits at most: meanwhile its slot sends no request."""


@dataclass(slots=True)
class Report:
    """What a worker reports: results, how many more groups it wants, warnings, and whether and why it has ended."""

    outcomes: list[Outcome] = field(default_factory=list)
    wanted: int = 0
    warnings: list[str] = field(default_factory=list)
    ended: bool = False
    error: BaseException | None = None


class _Outbox(Recorder):
    """Collects results for the next report; what the run's journal has came along with the groups."""

    def __init__(self, changed: asyncio.Event) -> None:
        self._changed = changed
        self._report = Report()
        # Set once the results of the latest report, and those for the next one, are committed.
        self._committed, self._next_committed = asyncio.Event(), asyncio.Event()
        self._places: dict[int, tuple[Any, int, int]] = {}
        self._recorded: dict[int, dict[Any, Any]] = {}
        self.linger = LINGER

    def expect(self, group: Assignment) -> None:
        """Take note of a group's items: by identity, since they may be equal, and held so that they keep it."""
        for position, item in enumerate(group.items):
            self._places[id(item)] = item, group.number, position
        if group.recorded:
            self._recorded[group.number] = group.recorded

    def recall(self, key: Any) -> Any:
        return next((results[key] for results in list(self._recorded.values()) if key in results), None)

    async def record(self, item: Any, result: Any) -> None:
        await self._send(item, result, last=False)

    async def finish(self, item: Any, result: Any) -> None:
        await self._send(item, result, last=True)
        _, number, _ = self._places.pop(id(item))
        if number in self._recorded and all(number != other for _, other, _ in self._places.values()):
            del self._recorded[number]

    async def _send(self, item: Any, result: Any, *, last: bool) -> None:
        _, number, position = self._places[id(item)]
        self._report.outcomes.append(Outcome(number, position, result, last))
        self._changed.set()
        if result is not None:
            self.linger = min(LINGER, LINGER_SHARE * result.usage.seconds)
            await self._next_committed.wait()

    def warn(self, text: str) -> None:
        """Pass a warning on."""
        self._report.warnings.append(text)
        self._changed.set()

    def end(self, error: BaseException | None) -> None:
        """Report that the work has ended, and why where it failed."""
        self._report.error, self._report.ended = error, True
        self._changed.set()

    @property
    def ended(self) -> bool:
        return self._report.ended

    @property
    def empty(self) -> bool:
        return not (self._report.outcomes or self._report.warnings or self._report.ended)

    def acknowledge(self) -> None:
        """The results of the latest report are committed."""
        self._committed.set()

    def take(self) -> Report:
        """Return the report, and begin the next one."""
        report, self._report = self._report, Report(ended=self._report.ended)
        self._committed, self._next_committed = self._next_committed, asyncio.Event()
        return report


class Worker:
    """`work` is pickled, `folder` is the one that relative paths begin at."""

    def __init__(self, work: bytes, folder: str) -> None:
        self._pickled, self._folder = work, folder
        self._changed, self._stop = asyncio.Event(), asyncio.Event()
        self._groups, self._outbox = GroupQueue(self._changed), _Outbox(self._changed)
        self._running: asyncio.Task[None] | None = None

    async def here(self) -> None:
        """Return once the actor has a place to run."""

    async def open(self) -> bytes:
        """Return an Opened, once the source and the generator are open."""
        return await pickled(self._open)

    async def give(self, assignment: bytes) -> None:
        """Take a group."""
        group: Assignment = pickle.loads(assignment)
        self._outbox.expect(group)
        self._groups.put(group.items)

    async def exchange(self) -> bytes:
        """Return a Report, as soon as there is something in it."""
        return await pickled(self._exchange)

    async def stop(self) -> None:
        """Begin no request; what is in flight is reported before the end."""
        self._stop.set()
        self._groups.end()

    async def close(self) -> bytes:
        """Return the generator's provenance, once all is closed."""
        return await pickled(self._close)

    async def _open(self) -> Opened:
        WarningForwarder(self._outbox.warn)
        self._work: Work = unpacked(self._pickled, self._folder)
        self._work.open()
        generator = self._work.generator
        await generator.open()
        self._running = asyncio.create_task(self._run())
        return Opened(generator.model, generator.provenance())

    async def _run(self) -> None:
        error: Exception | None = None
        try:
            await self._work.run(self._groups, self._outbox, self._stop)
        except Exception as raised:
            error = portable(raised)
        finally:
            self._outbox.end(error)

    async def _exchange(self) -> Report:
        outbox, groups = self._outbox, self._groups
        outbox.acknowledge()
        while outbox.empty and groups.wanted <= 0:
            self._changed.clear()
            await self._changed.wait()
        if not (outbox.ended or groups.starving):
            await asyncio.sleep(outbox.linger)
        report = outbox.take()
        report.wanted = groups.request()
        return report

    async def _close(self) -> dict[str, Any]:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._work.generator.close()
        self._work.close()
        return self._work.generator.provenance()
