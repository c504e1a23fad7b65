"""Runs a command until its own input ends, then ends it with its child processes: `supervisor.py GRACE COMMAND…`.

The input is a pipe that pgen holds. It ends when pgen closes it, and also when pgen is killed, so that no server
outlives its run and occupies a GPU. Signals do not end the supervisor: only the pipe does, or the command itself.
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
    """Return the command's exit code. Its processes are killed `grace` seconds after SIGTERM."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    _adopt_orphans()
    try:
        # The command must not inherit the pipe, which it would keep open.
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
    """Make this process the parent of the orphans of the server (Linux only), so that they can be ended."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_all(process: "subprocess.Popen[bytes]", grace: float) -> None:
    """Send SIGTERM to the group and to each new orphan; after `grace` seconds kill all that are left."""
    os.killpg(0, signal.SIGTERM)
    signalled = {process.pid}
    deadline = time.monotonic() + grace
    while ((left := _children()) or process.poll() is None) and time.monotonic() < deadline:
        _send(signal.SIGTERM, set(left) - signalled)
        signalled.update(left)
        time.sleep(0.02)
    while left := _children():
        _send(signal.SIGKILL, left)
        time.sleep(0.02)
    if not any(_TASKS.glob("*/children")):  # this system lists no children: end the whole group, with this process
        os.killpg(0, signal.SIGKILL)


def _send(number: signal.Signals, processes: Iterable[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _children() -> list[int]:
    """Return the children that still run, and reap those that have ended."""
    return [child for child in _all_children() if not _reaped(child)]


def _all_children() -> Iterator[int]:
    for children in _TASKS.glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, children.read_text().split())


def _reaped(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
