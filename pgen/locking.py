"""One writer at a time: a lock file that names its holder, and is free again when the holder ends, however.

On one host the system's own lock (flock) decides. Where a file system has none, or has it for each host alone
(NFS mounted with local locks), the holder's record in the file decides: its process, or on another host its
last sign of life, which it gives every few seconds.
"""

import contextlib
import errno
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from time import sleep
from typing import IO

from pgen.errors import ConfigError

BEAT = 5.0
"""Seconds between two signs of life."""

SILENCE = 30.0
"""Seconds without one after which a holder on another host is taken for dead."""

UNKNOWN, TRIES = "not known", 30
"""Whoever has just taken the lock has not yet written who it is: so often one looks again, a hundredth of a second
later."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: a process on a host, and when it took the lock (UTC)."""

    host: str = field(default_factory=lambda: os.uname().nodename)
    pid: int = field(default_factory=os.getpid)
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    process: str = field(default_factory=lambda: _started(os.getpid()))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"

    def alive(self, silent: float) -> bool:
        """Whether it may still run; `silent` are the seconds since its last sign of life."""
        if self.host != os.uname().nodename:
            return silent < SILENCE
        return bool(self.process) and _started(self.pid) == self.process


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path`, which stays behind, for `what`. Raises ConfigError naming who holds it."""
    with _taken(path, what) as file:
        _record(file, Holder())
        ended = threading.Event()
        beating = threading.Thread(target=_beat, args=(file, ended), name="lock", daemon=True)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join()
            _record(file, None)


def _taken(path: Path, what: str) -> IO[str]:
    """The locked file. One that was removed by its former holder meanwhile is no lock: take the new one."""
    tries = 0
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
        try:
            held = _held(file)
            if held and (held != UNKNOWN or tries == TRIES):
                raise ConfigError(f"{what} is being written by another run ({held}); wait for its end.")
            if not held and path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        tries += 1
        sleep(0.01 if held else 0)


def _held(file: IO[str]) -> str:
    """Who else holds the lock, in words; nothing where it is ours."""
    system, holder = _flock(file), _holder(file)
    if system is False:
        return str(holder or UNKNOWN)
    if holder is None or (system and holder.host == os.uname().nodename):
        return ""
    silent = _silence(file)
    return f"{holder}, last seen {max(silent, 0):.0f} s ago" if holder.alive(silent) else ""


def _flock(file: IO[str]) -> bool | None:
    """Whether the system gave the lock; None where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
            return None
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


def _holder(file: IO[str]) -> Holder | None:
    file.seek(0)
    with contextlib.suppress(ValueError, TypeError):
        return Holder(**json.load(file))
    return None


def _record(file: IO[str], holder: Holder | None) -> None:
    file.seek(0)
    file.truncate()
    if holder:
        json.dump(asdict(holder), file)
    file.flush()


def _silence(file: IO[str]) -> float:
    """Seconds since the file was touched, by the clock of its own file system."""
    with TemporaryFile(dir=Path(file.name).parent) as probe:
        return os.fstat(probe.fileno()).st_mtime - os.fstat(file.fileno()).st_mtime


def _beat(file: IO[str], ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(file.fileno())


def _started(pid: int) -> str:
    """When a process began, in the system's own count; nothing where there is no such process."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    return ""
