"""End the process some time after its second signal, whatever blocks it.

A thread does it, with the exit code of a shell, where it can. Python runs signal handlers in the main thread, between
two instructions: not while that thread waits in a library. No thread runs while another holds the interpreter's lock,
as a regular expression does. So a small process watches as well: the interpreter writes each signal's number to a pipe
as it arrives (`signal.set_wakeup_fd`), without running any Python code.
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
"""Seconds by which the process waits longer than the thread, which gives the better exit code."""


class Deadline:
    """Counts signals. One instance at a time serves the process; nested contexts share it."""

    _shared: ClassVar["Deadline | None"] = None

    def __init__(self, signals: Collection[int], seconds: float) -> None:
        self._seconds = seconds
        self._first, self._count = 0, 0
        self._ended = threading.Event()
        self._watchdog = _start_watchdog(signals, seconds + _LATER)
        descriptor = -1  # none
        if self._watchdog and self._watchdog.stdin:
            descriptor = self._watchdog.stdin.fileno()
            os.set_blocking(descriptor, False)
        self._former = signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)

    @classmethod
    @contextmanager
    def of_process(cls, signals: Collection[int], seconds: float) -> Iterator["Deadline"]:
        """Return the active instance, or a new one while the block runs. In the main thread only."""
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
        """Count a signal. Called by its handler."""
        self._first, self._count = self._first or number, self._count + 1
        if self._count == 2:
            threading.Thread(target=self._exit_late, name="deadline", daemon=True).start()

    def close(self) -> None:
        """Cancel the deadline: the work has ended."""
        self._ended.set()
        signal.set_wakeup_fd(self._former)
        if self._watchdog:
            with self._watchdog:
                self._watchdog.kill()

    def _exit_late(self) -> None:
        if not self._ended.wait(self._seconds):
            with suppress(OSError):
                os.write(2, b"\npgen: ended by force; the same command resumes from here.\n")
            os._exit(128 + self._first)


def _start_watchdog(signals: Collection[int], seconds: float) -> "subprocess.Popen[bytes] | None":
    """Start the process that watches; return None where that fails."""
    script = str(Path(__file__).with_name("watchdog.py"))
    numbers = [str(int(number)) for number in signals]
    command = [sys.executable, "-I", "-S", script, str(os.getpid()), str(seconds), *numbers]
    # In a session of its own: Ctrl-C and the end of a terminal are meant for the process that it watches.
    with suppress(OSError):
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 (own script)
    return None
