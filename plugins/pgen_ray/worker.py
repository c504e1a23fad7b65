"""One worker: an actor of Ray with a source and a generator of its own, which runs rollouts over its groups.

The run calls `exchange`, which waits until there is something to report and then returns all there is: a call between
two processes costs a hundred times what a result does. Each `exchange` acknowledges that the results of the one before
are committed to the journal; until then their slots send no further request, as in a run without Ray. Errors are
returned as values, so that they arrive unchanged.
"""

import asyncio
import logging
import os
import pickle
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pgen.components import Recorder, Work
from pgen.errors import ConfigError, PgenError
from pgen.safety.redaction import redact, without_keys
from pgen_ray.work_items import Assignment, GroupQueue, Outcome


class Opened(NamedTuple):
    """The model of a worker, and the provenance of its generator."""

    model: str | None
    provenance: dict[str, Any]


def unpacked(work: bytes, folder: str) -> Any:
    """Unpickle the work, with relative paths as where it was pickled. Raises ConfigError for a missing package."""
    with suppress(OSError):
        os.chdir(folder)
    try:
        return pickle.loads(work)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"a worker of Ray on {os.uname().nodename} lacks what the run needs: {error}. Install the same packages "
            "there."
        ) from None


class WarningForwarder(logging.Handler):
    """Sends pgen's warnings to the run's process."""

    def __init__(self, send: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._send, self._loop = send, asyncio.get_running_loop()
        log = logging.getLogger("pgen")
        log.handlers[:], log.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._send, redact(record.getMessage()))


async def pickled(work: Callable[[], Awaitable[Any]]) -> bytes:
    """Return what the work returns, or the error that it raises, as a pickled pair."""
    try:
        return pickle.dumps((await work(), None), protocol=5)
    except Exception as error:
        return pickle.dumps((None, portable(error)), protocol=5)


def portable(error: Exception) -> Exception:
    """Return the error itself where it can travel; with its traceback where it was not expected, and without keys.

    Keys are removed here, since the process that shows the error may not know them.
    """
    if not isinstance(error, PgenError):
        error.add_note(redact(f"In a worker of Ray:\n{''.join(traceback.format_exception(error))}"))
    text = str(error)
    with suppress(Exception):
        pickle.loads(pickle.dumps(error))
        if without_keys(text) == text:
            return error
    replacement = RuntimeError(redact(f"{type(error).__name__}: {text}"))
    replacement.__notes__ = error.__notes__
    return replacement


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
