"""Who holds a lock: a process on a host, in words and in a form from which another process tells whether it runs."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

SILENCE = 30.0
"""Seconds without a sign of life after which a holder on another host is taken for dead."""


def host_name() -> str:
    return os.uname().nodename


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: a process on a host, and when it acquired the lock (UTC). `token` is never used twice."""

    host: str = field(default_factory=lambda: host_name())
    pid: int = field(default_factory=os.getpid)
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    process: str = field(default_factory=lambda: _start_of(os.getpid()))
    token: str = field(default_factory=lambda: uuid4().hex)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"

    def alive(self, silent: float) -> bool:
        """Whether it may still run; `silent` are the seconds since its last sign of life."""
        if self.host != host_name():
            return silent < SILENCE
        return bool(self.process) and _start_of(self.pid) == self.process


def _start_of(pid: int) -> str:
    """When a process began, in the system's own count and since which start of it; nothing where there is none."""
    with suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return f"{stat[19]} {_boot()}"
    return ""


@cache
def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
