"""Ctrl-C and SIGTERM while nothing is in flight: the run ends at once, in order, with the exit code of a shell."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pgen.errors import InterruptedRunError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        raise _Caught(number)

    with _handled_by(caught):
        try:
            yield
        except _Caught as error:
            raise interrupted(error.args[0]) from None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """For the short last act, after which everything is done: a signal that comes during it changes nothing."""
    with _handled_by(signal.SIG_IGN):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, known in former.items():
            signal.signal(number, known)
