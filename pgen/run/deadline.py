"""Ends the process some time after its second signal, whatever it is doing then.

A thread does it, with the exit code of a shell. It has to know of the signals, and Python runs their handlers in the
main thread between two of its own instructions: not while that thread waits in a library. Nor can any thread run while
another one holds the interpreter's lock, as a regular expression does. So a small process watches from outside: the
interpreter writes each signal's number to a pipe as it arrives (`signal.set_wakeup_fd`), without running any Python.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

_LATER = 0.2
"""Seconds by which the process is behind the thread, which gives the better exit code."""


class Deadline:
    """Counts signals; see the module. One at a time serves the process: contexts inside the first share it."""

    _shared: ClassVar["Deadline | None"] = None

    def __init__(self, signals: Collection[int], seconds: float) -> None:
        self._seconds = seconds
        self._first, self._count = 0, 0
        self._over = threading.Event()
        self._watchdog = _watchdog(signals, seconds + _LATER)
        self._former = signal.set_wakeup_fd(_pipe(self._watchdog), warn_on_full_buffer=False)

    @classmethod
    @contextmanager
    def of_process(cls, signals: Collection[int], seconds: float) -> Iterator["Deadline"]:
        """The one that watches already, or a new one for as long as the context lasts. In the main thread only."""
        if cls._shared:
            yield cls._shared
            return
        cls._shared = deadline = cls(signals, seconds)
        try:
            yield deadline
        finally:
            cls._shared = None
            deadline.close()

    def count(self, number: int) -> None:
        """Called by the signals' handler."""
        self._first, self._count = self._first or number, self._count + 1
        if self._count == 2:
            threading.Thread(target=self._end, name="deadline", daemon=True).start()

    def close(self) -> None:
        """The work is over in time."""
        self._over.set()
        signal.set_wakeup_fd(self._former)
        if self._watchdog:
            with self._watchdog:
                self._watchdog.kill()

    def _end(self) -> None:
        if not self._over.wait(self._seconds):
            with suppress(OSError):
                os.write(2, b"\npgen: ended by force; the same command goes on from here.\n")
            os._exit(128 + self._first)


def _watchdog(signals: Collection[int], seconds: float) -> "subprocess.Popen[bytes] | None":
    """The process that watches; none where it cannot be started."""
    script = str(Path(__file__).with_name("watchdog.py"))
    numbers = [str(int(number)) for number in signals]
    command = [sys.executable, "-I", "-S", script, str(os.getpid()), str(seconds), *numbers]
    # In a session of its own: Ctrl-C and the end of a terminal are meant for the process that it watches.
    with suppress(OSError):
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 (own script)
    return None


def _pipe(process: "subprocess.Popen[bytes] | None") -> int:
    if process is None or process.stdin is None:
        return -1
    descriptor = process.stdin.fileno()
    os.set_blocking(descriptor, False)
    return descriptor
