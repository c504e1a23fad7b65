"""Ctrl-C, SIGTERM and SIGHUP: a run ends in order, with the exit code of a shell.

Without requests in flight it ends at once. With some, the first signal sends no more and waits a little for the
responses; the second one, or the end of that time, cancels them. `LAST` seconds after the second signal the process
has ended, whatever it is doing: its results are in the journal, and a run may be killed at any point.
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
"""Seconds that requests in flight have after a signal."""

LAST = 1.5
"""Seconds that a run has after the second signal, before it is ended by force."""

type Handler = Callable[[int, FrameType | None], None]


class _Caught(BaseException):
    """Leaves the running code; no `except Exception` handles it."""


def interrupted(number: int) -> InterruptedRunError:
    """Return the error that a signal ends a run with."""
    name = signal.Signals(number).name
    return InterruptedRunError(f"stopped by {name}; the same command resumes from here.", 128 + number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise InterruptedRunError after a signal. Outside the main thread signals are left to the caller."""

    def handle(number: int, frame: FrameType | None) -> None:
        if work := _Elsewhere.work:
            work.handle(number, frame)
        else:
            raise _Caught(number)

    with _handled_by(handle):
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

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Stop the work, or cancel it at the second signal. Called in the main thread."""
        again, self.signal = bool(self.signal), self.signal or number
        self._loop.call_soon_threadsafe(self._cancel if again else self._begin)

    def settled(self) -> None:
        """Report that nothing is in flight any more: the rest has no deadline. Called on the loop."""
        self._settled = True
        if self._deadline:
            self._deadline.cancel()

    def _begin(self) -> None:
        self._stop()
        if not self._settled:
            self._deadline = self._loop.call_later(PATIENCE, self._cancel)
        with suppress(OSError, ValueError):  # after SIGHUP there may be no terminal
            print("\npgen: finishing what is in flight; once more to stop at once.", file=sys.stderr)


class _Elsewhere:
    """The work on a loop in another thread, as in a notebook, while the main thread waits for it."""

    work: Stopping | None = None


@contextmanager
def stopping(
    loop: asyncio.AbstractEventLoop, stop: Callable[[], object], cancel: Callable[[], object]
) -> Iterator[Stopping]:
    """Call `stop` at the first signal, and `cancel` at the second one or after `PATIENCE` seconds.

    Both are called on the loop, in whatever thread it runs; `cancel` has to end the work by cancelling it. Raises
    InterruptedRunError at the end if there was a signal. Outside the main thread signals are left to the caller, unless
    that waits in `interruptible`.
    """
    work = Stopping(loop, stop, cancel)
    with _handled_by(work.handle), _reachable(work):
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
    """Ignore one signal, for the short last step of a job."""
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

        def count_and_handle(number: int, frame: FrameType | None) -> None:
            deadline.count(number)
            handler(number, frame)

        # What is ignored stays so: `nohup` ignores SIGHUP, a shell SIGINT for what it starts in the background.
        handled = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        former = {number: signal.signal(number, count_and_handle) for number in handled}
        try:
            yield
        finally:
            for number, previous in former.items():
                signal.signal(number, previous)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
