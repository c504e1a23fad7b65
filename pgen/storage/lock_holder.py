"""The holder of a lock: a process on a host, in a form from which another process tells whether it is alive."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

SILENCE = 30.0
"""Seconds without a heartbeat after which a holder on another host counts as dead."""


def host_name() -> str:
    """Return the name of this host."""
    return os.uname().nodename


@dataclass(frozen=True, slots=True)
class Holder:
    """A process, its host, and when it acquired the lock (UTC). `token` is never used twice."""

    host: str = field(default_factory=lambda: host_name())
    pid: int = field(default_factory=os.getpid)
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    process: str = field(default_factory=lambda: _start_time(os.getpid()))
    token: str = field(default_factory=lambda: uuid4().hex)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"

    def alive(self, silent: float) -> bool:
        """Return whether it may still run, `silent` seconds after its last heartbeat."""
        if self.host != host_name():
            return silent < SILENCE
        return bool(self.process) and _start_time(self.pid) == self.process


def _start_time(pid: int) -> str:
    """Return when a process started, in ticks since a certain boot; empty where there is none.

    Process numbers are reused: the start time tells a new process of the same number apart.
    """
    with suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return f"{stat[19]} {_boot()}"
    return ""


@cache
def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
