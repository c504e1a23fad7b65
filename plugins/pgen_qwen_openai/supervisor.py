"""Runs a command until its own input ends, then ends it and all it started: `supervisor.py GRACE COMMAND…`.

The input is a pipe that pgen holds: it ends when pgen closes it, and also when pgen is killed, so no server
outlives its run and keeps a GPU. Signals do not end it: only the pipe, or the command itself.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

_TASKS = Path("/proc/self/task")
_PR_SET_CHILD_SUBREAPER = 36


def main(grace: float, command: list[str]) -> int:
    """The command's exit code. `grace` are the seconds between asking its processes to end and killing them."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    _adopt_orphans()
    try:
        # The pipe must not reach the command: it would keep it open.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the user's own command
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", flush=True)
        return 127
    ended = threading.Event()
    threading.Thread(target=_wait_for_end_of_input, args=(ended,), daemon=True).start()
    threading.Thread(target=_wait_for_end_of_command, args=(process, ended), daemon=True).start()
    ended.wait()
    _end_all(process, grace)
    return process.poll() or 0


def _wait_for_end_of_input(ended: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    ended.set()


def _wait_for_end_of_command(process: "subprocess.Popen[bytes]", ended: threading.Event) -> None:
    process.wait()
    ended.set()


def _adopt_orphans() -> None:
    """What a server leaves behind becomes a child of this process, on Linux, instead of being lost sight of."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_all(process: "subprocess.Popen[bytes]", grace: float) -> None:
    """Ask the group, and each orphan as it turns up; after a while kill what is left, until nothing is."""
    os.killpg(0, signal.SIGTERM)
    asked = {process.pid}
    deadline = time.monotonic() + grace
    while ((left := _children()) or process.poll() is None) and time.monotonic() < deadline:
        _send(signal.SIGTERM, set(left) - asked)
        asked.update(left)
        time.sleep(0.02)
    while left := _children():
        _send(signal.SIGKILL, left)
        time.sleep(0.02)
    if not any(_TASKS.glob("*/children")):  # a system that does not tell: this process goes with its group
        os.killpg(0, signal.SIGKILL)


def _send(number: signal.Signals, processes: Iterable[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _children() -> list[int]:
    """Children that still run; those that have ended are collected on the way."""
    return [child for child in _started() if not _collected(child)]


def _started() -> Iterator[int]:
    for children in _TASKS.glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, children.read_text().split())


def _collected(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
