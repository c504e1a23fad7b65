"""One writer at a time: numbered lock records that name their holder and expire with it.

A record is a folder `NAME.N` with the file `holder`. It appears complete, by one rename, which fails where another
process created the same number. The record with the highest number holds the lock unless its holder is dead. On one
host the system's lock on the file (flock) decides that. Where a file system has no locks, or only within a host (NFS
with local locks), the record decides: its process, or on another host its last heartbeat. A process that was stopped
for longer than that has lost the lock when it resumes: `Lock.check` raises, and the lock's token, which is stored in
what the lock protects, no longer matches.
"""

import errno
import fcntl
import json
import os
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from time import sleep

from pgen.errors import ConfigError, LockLostError
from pgen.storage import lock_holder as holders
from pgen.storage.lock_holder import Holder

BEAT = 5.0
"""Seconds between two heartbeats."""

TRIES = 50
"""Attempts to acquire a lock while other processes do the same."""

HOLDER, _DRAFT = "holder", ".new"


class Lock:
    """A lock that this process acquired. `token` identifies the acquisition."""

    def __init__(self, record: Path, descriptor: int, token: str, target: str) -> None:
        self.token = token
        self._record, self._descriptor, self._target = record, descriptor, target

    def check(self) -> None:
        """Raise LockLostError where another run has taken the lock over."""
        # Whoever takes over removes this record before it writes anything. One stat: this precedes every commit.
        if not self._is_current():
            raise LockLostError(
                f"{self._target} was taken over by another run, because this one gave no sign of life for a while; "
                "this one ends and writes nothing more."
            )

    def remove(self) -> None:
        """Remove the record if it is still this lock's; the lock is then free."""
        if self._is_current():
            _remove(self._record)

    def release(self) -> None:
        """Free the lock. Called once."""
        with suppress(OSError):
            self.remove()
        os.close(self._descriptor)

    def beat(self) -> None:
        """Write a heartbeat, by the descriptor: the name may be another holder's by now."""
        with suppress(OSError):
            os.utime(self._descriptor)

    def _is_current(self) -> bool:
        with suppress(FileNotFoundError):
            return os.path.samestat((self._record / HOLDER).stat(), os.fstat(self._descriptor))
        return False


@contextmanager
def lock(path: Path, target: str) -> Iterator[Lock]:
    """Hold the lock at `path` for `target`; nothing of it remains. Raises ConfigError, which names the holder."""
    held = _acquire(path, target)
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(held, ended), name="lock", daemon=True)
    heart.start()
    try:
        yield held
    finally:
        ended.set()
        heart.join()
        held.release()


def _beat(held: Lock, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        held.beat()


def _acquire(path: Path, target: str) -> Lock:
    rival = ""
    for _ in range(TRIES):
        records = _records(path)
        if holder := _first_alive(records):
            raise ConfigError(f"{target} is being written by another run ({holder}); wait for its end.")
        record = path.with_name(f"{path.name}.{1 + max(map(_number, records), default=0)}")
        held = _create(path, record, target)
        if held is None:
            continue
        try:
            rival = _rival(path, record, records)
        except BaseException:
            held.release()
            raise
        if not rival:
            return held
        held.release()
        sleep(random.uniform(0, 0.05))  # two that see each other both give way
    raise ConfigError(f"{target} is about to be written by another run ({rival or 'not known'}); wait for its end.")


def _rival(path: Path, own: Path, earlier: Sequence[Path]) -> str:
    """Return another live holder; where there is none, remove the `earlier` records and abandoned drafts.

    Numbers start at one again once no record is left. A process that has read the old records may then create a
    higher number than the new holder's: whoever sees another live record after creating its own gives way.
    """
    rival = _first_alive([record for record in _records(path) if record != own])
    if not rival:
        drafts = [entry for entry in _entries(path) if entry.name.endswith(_DRAFT) and not _alive(entry)]
        for dead in [*earlier, *drafts]:
            _remove(dead)
    return rival


def _create(path: Path, record: Path, target: str) -> Lock | None:
    """Create a complete record; return None where another process has created or removed it meanwhile."""
    holder = Holder()
    draft = path.with_name(f"{path.name}.{holder.token}{_DRAFT}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
        descriptor = os.open(draft / HOLDER, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except FileNotFoundError:  # removed by a process that has just acquired or released the lock
        return None
    try:
        if _flock(descriptor, fcntl.LOCK_EX) is False:  # a process takes the draft for an abandoned one
            raise FileNotFoundError(errno.ENOENT, "the record is being removed", str(draft))
        os.write(descriptor, json.dumps(asdict(holder)).encode())
        os.fsync(descriptor)  # before the rename: after a power cut no record is empty
        # Renaming over a folder that is not empty fails on every file system; hard links do not exist on all.
        draft.rename(record)
    except OSError as error:
        os.close(descriptor)
        _remove(draft)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            return None
        error.filename = error.filename or str(draft)  # an error of write has no file name
        raise
    return Lock(record, descriptor, holder.token, target)


def _entries(path: Path) -> list[Path]:
    try:
        return [entry for entry in path.parent.iterdir() if entry.name.startswith(f"{path.name}.")]
    except FileNotFoundError:
        return []


def _records(path: Path) -> list[Path]:
    """Return the complete records, those of dead holders included."""
    return sorted(entry for entry in _entries(path) if entry.name.removeprefix(f"{path.name}.").isdecimal())


def _number(record: Path) -> int:
    return int(record.name.rpartition(".")[2])


def _first_alive(records: Sequence[Path]) -> str:
    return next((holder for record in records if (holder := _alive(record))), "")


def _alive(record: Path) -> str:
    """Describe the holder of a record if it may still run; empty if it is dead."""
    try:
        descriptor = os.open(record / HOLDER, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        # Shared: processes that look at the same moment do not take each other for the holder.
        free = _flock(descriptor, fcntl.LOCK_SH)
        holder = _read(descriptor)
        if holder is None or (free and holder.host == holders.host_name()):
            return ""
        if free is False:
            return str(holder)
        # Seconds since the last heartbeat, by the clock of the file system, which hosts share.
        with TemporaryFile(dir=record.parent) as probe:
            silent = os.fstat(probe.fileno()).st_mtime - os.fstat(descriptor).st_mtime
        return f"{holder}, last seen {max(silent, 0):.0f} s ago" if holder.alive(silent) else ""
    finally:
        os.close(descriptor)


def _flock(descriptor: int, kind: int) -> bool | None:
    """Return whether the system granted the lock; None where the file system has no locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
            return None
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


def _read(descriptor: int) -> Holder | None:
    with suppress(ValueError, TypeError):
        return Holder(**json.loads(os.pread(descriptor, 10_000, 0)))
    return None


def _remove(record: Path) -> None:
    with suppress(OSError):
        (record / HOLDER).unlink(missing_ok=True)
        record.rmdir()
