"""Ctrl-C, SIGTERM and SIGHUP: a run ends in order, with the exit code of a shell.

While nothing is in flight it ends at once. While requests are, the first signal asks no more and waits a little
for their answers; the second one, or the end of its patience, stops at once. Whatever the process is doing then, it
is gone `LAST` seconds after the second signal: its answers are in the journal, and a run may be killed at any point.
"""

import asyncio
import concurrent.futures
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from pgen.errors import InterruptedRunError
from pgen.run.deadline import Deadline

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PATIENCE = 5.0
"""Seconds that requests in flight have, after a signal, to be answered."""

LAST = 1.5
"""Seconds that a run has to end after the second signal, before it is ended by force."""

type Handler = Callable[[int, FrameType | None], None]


class _Caught(BaseException):
    """On its way out of whatever was going on; no `except Exception` takes it for an error of its own."""


def interrupted(number: int) -> InterruptedRunError:
    """The error that a signal ends a run with."""
    name = signal.Signals(number).name
    return InterruptedRunError(f"stopped by {name}; the same command goes on from here.", 128 + number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raises InterruptedRunError after a signal. In another than the main thread they stay the caller's."""

    def caught(number: int, frame: FrameType | None) -> None:
        if work := _Elsewhere.work:
            work.caught(number, frame)
        else:
            raise _Caught(number)

    with _handled_by(caught):
        try:
            yield
        except _Caught as error:
            raise interrupted(error.args[0]) from None


class Stopping:
    """What signals do to the work on a loop. `signal` is the first one, or 0."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, stop: Callable[[], object], cancel: Callable[[], object]
    ) -> None:
        self.signal = 0
        self._loop, self._stop, self._cancel = loop, stop, cancel
        self._deadline: asyncio.TimerHandle | None = None
        self._settled = False

    def caught(self, number: int, frame: FrameType | None) -> None:
        """Stop; or cancel, where that was asked for before. Called in the main thread."""
        again, self.signal = bool(self.signal), self.signal or number
        self._loop.call_soon_threadsafe(self._cancel if again else self._begin)

    def settled(self) -> None:
        """Nothing is in flight any more: what is still to be done has no deadline. Called on the loop."""
        self._settled = True
        if self._deadline:
            self._deadline.cancel()

    def _begin(self) -> None:
        self._stop()
        if not self._settled:
            self._deadline = self._loop.call_later(PATIENCE, self._cancel)
        with suppress(OSError, ValueError):  # after SIGHUP there may be no terminal any more
            print("\npgen: finishing what is in flight; once more to stop at once.", file=sys.stderr)


class _Elsewhere:
    """The work on a loop in another thread, as in a notebook, while the main thread waits for it."""

    work: Stopping | None = None


@contextmanager
def stopping(
    loop: asyncio.AbstractEventLoop, stop: Callable[[], object], cancel: Callable[[], object]
) -> Iterator[Stopping]:
    """The first signal calls `stop`, and `cancel` after `PATIENCE` seconds; a second one calls `cancel` at once.

    Both are called on the loop, in whatever thread it runs, and `cancel` is to end the work by cancelling it.
    Raises InterruptedRunError in the end where there was a signal. Outside the main thread signals stay the caller's,
    unless that waits in `interruptible`.
    """
    work = Stopping(loop, stop, cancel)
    with _handled_by(work.caught), _reachable(work):
        try:
            yield work
        except (asyncio.CancelledError, concurrent.futures.CancelledError):
            if not work.signal:
                raise
        finally:
            loop.call_soon_threadsafe(work.settled)
    if work.signal:
        raise interrupted(work.signal)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """For the short last act, after which everything is done: one signal that comes during it changes nothing."""
    with _handled_by(lambda number, frame: None):
        yield


@contextmanager
def _reachable(work: Stopping) -> Iterator[None]:
    if _in_main_thread():
        yield
        return
    _Elsewhere.work = work
    try:
        yield
    finally:
        _Elsewhere.work = None


@contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    if not _in_main_thread():
        yield
        return
    with Deadline.of_process(SIGNALS, LAST) as deadline:

        def counted(number: int, frame: FrameType | None) -> None:
            deadline.count(number)
            handler(number, frame)

        # What is ignored stays so: `nohup` ignores SIGHUP, a shell SIGINT for what it starts in the background.
        handled = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        former = {number: signal.signal(number, counted) for number in handled}
        try:
            yield
        finally:
            for number, known in former.items():
                signal.signal(number, known)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
