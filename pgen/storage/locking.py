"""One writer at a time: a numbered lock record that names its holder and is void once the holder has ended.

A record is a folder `NAME.N` with the file `holder`; it appears complete, by one rename that fails where another
process has made the same number. The record with the highest number holds the lock, unless its holder is dead. Whether
it is, the system's own lock on the file (flock) decides on one host. Where a file system has none, or has it for each
host alone (NFS mounted with local locks), the record decides: its process, or on another host its last sign of
life. A process that was stopped for longer than that has lost the lock when it resumes: `Lock.check` raises, and the
lock's token, which is stored in what the lock protects, no longer fits.
"""

import contextlib
import errno
import fcntl
import json
import os
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from time import sleep

from pgen.errors import ConfigError, LockLostError
from pgen.storage import lock_holder as holders
from pgen.storage.lock_holder import Holder

BEAT = 5.0
"""Seconds between two signs of life."""

TRIES = 50
"""How often acquiring is tried where other processes try at the same moment."""

HOLDER, _DRAFT = "holder", ".new"


class Lock:
    """A lock that this process acquired. `token` identifies this one acquisition."""

    def __init__(self, record: Path, descriptor: int, token: str, what: str) -> None:
        self.token = token
        self._record, self._descriptor, self._what = record, descriptor, what

    def check(self) -> None:
        """Raise LockLostError where another run has taken the lock over."""
        # Whoever takes over removes this record before it begins to write. One stat: it precedes every commit.
        if not self._mine():
            raise LockLostError(
                f"{self._what} was taken over by another run, because this one gave no sign of life for a while; "
                "this one ends and writes nothing more."
            )

    def remove(self) -> None:
        """Remove the record, where it is still this lock's: the lock is free."""
        if self._mine():
            _remove(self._record)

    def release(self) -> None:
        """Free the lock; to be called once."""
        with contextlib.suppress(OSError):
            self.remove()
        os.close(self._descriptor)

    def beat(self) -> None:
        """Give a sign of life. It reaches this lock's own file, whatever is under its name by now."""
        with contextlib.suppress(OSError):
            os.utime(self._descriptor)

    def _mine(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat((self._record / HOLDER).stat(), os.fstat(self._descriptor))
        return False


@contextmanager
def lock(path: Path, what: str) -> Iterator[Lock]:
    """Hold the lock `path`, of which nothing stays behind, for `what`. Raises ConfigError naming who holds it."""
    held = _acquire(path, what)
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(held, ended), name="lock", daemon=True)
    beating.start()
    try:
        yield held
    finally:
        ended.set()
        beating.join()
        held.release()


def _acquire(path: Path, what: str) -> Lock:
    rival = ""
    for _ in range(TRIES):
        records = _records(path)
        if holder := _first_alive(records):
            raise ConfigError(f"{what} is being written by another run ({holder}); wait for its end.")
        record = path.with_name(f"{path.name}.{1 + max(map(_number, records), default=0)}")
        held = _create(path, record, what)
        if held is None:
            continue
        try:
            rival = _rival_of(path, record, records)
        except BaseException:
            held.release()
            raise
        if not rival:
            return held
        held.release()
        sleep(random.uniform(0, 0.05))
    raise ConfigError(f"{what} is about to be written by another run ({rival or 'not known'}); wait for its end.")


def _rival_of(path: Path, own: Path, former: Sequence[Path]) -> str:
    """The other holder that may still run, in words; where there is none, what `former` ones left is removed.

    Numbers begin anew once no record is left. A process that had read the old ones then makes a number higher than
    that of the new holder: whoever sees another live record after making its own gives way.
    """
    rival = _first_alive([other for other in _records(path) if other != own])
    if not rival:
        for dead in [*former, *_drafts(path)]:
            _remove(dead)
    return rival


def _create(path: Path, record: Path, what: str) -> Lock | None:
    """The record, complete from its first moment; None where another process has made the same number."""
    holder = Holder()
    draft = path.with_name(f"{path.name}.{holder.token}{_DRAFT}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
        descriptor = os.open(draft / HOLDER, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except FileNotFoundError:  # removed by whoever has just acquired or released the lock
        return None
    try:
        if _flock(descriptor, fcntl.LOCK_EX) is False:  # somebody looks at it, and takes it for one left behind
            raise FileNotFoundError(errno.ENOENT, "the record is being removed", str(draft))
        os.write(descriptor, json.dumps(asdict(holder)).encode())
        os.fsync(descriptor)  # before the rename: after a power cut no record is empty
        # A rename over a folder that is not empty fails on every file system; hard links are not on every one.
        draft.rename(record)
    except OSError as error:
        os.close(descriptor)
        _remove(draft)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            return None
        error.filename = error.filename or str(draft)  # a write names no file
        raise
    return Lock(record, descriptor, holder.token, what)


def _records(path: Path) -> list[Path]:
    """The complete records, of dead holders too."""
    return sorted(entry for entry in _named(path) if entry.name.removeprefix(f"{path.name}.").isdecimal())


def _number(record: Path) -> int:
    return int(record.name.rpartition(".")[2])


def _drafts(path: Path) -> list[Path]:
    """Records that were never completed, because their process ended before."""
    return [entry for entry in _named(path) if entry.name.endswith(_DRAFT) and not _alive(entry)]


def _named(path: Path) -> list[Path]:
    try:
        return [entry for entry in path.parent.iterdir() if entry.name.startswith(f"{path.name}.")]
    except FileNotFoundError:
        return []


def _first_alive(records: Sequence[Path]) -> str:
    """The first holder that may still run, in words; nothing where all are dead."""
    return next((words for record in records if (words := _alive(record))), "")


def _alive(record: Path) -> str:
    try:
        descriptor = os.open(record / HOLDER, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        # Shared: processes that look at the same moment do not take each other for the holder.
        system = _flock(descriptor, fcntl.LOCK_SH)
        holder = _read(descriptor)
        if holder is None or (system and holder.host == holders.host_name()):
            return ""
        if system is False:
            return str(holder)
        silent = _silence(record, descriptor)
        return f"{holder}, last seen {max(silent, 0):.0f} s ago" if holder.alive(silent) else ""
    finally:
        os.close(descriptor)


def _flock(descriptor: int, kind: int) -> bool | None:
    """Whether the system gave the lock; None where the file system has no locks."""
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
    with contextlib.suppress(ValueError, TypeError):
        return Holder(**json.loads(os.pread(descriptor, 10_000, 0)))
    return None


def _silence(record: Path, descriptor: int) -> float:
    """Seconds since the file was touched, by the clock of its own file system."""
    with TemporaryFile(dir=record.parent) as probe:
        return os.fstat(probe.fileno()).st_mtime - os.fstat(descriptor).st_mtime


def _remove(record: Path) -> None:
    with contextlib.suppress(OSError):
        (record / HOLDER).unlink(missing_ok=True)
        record.rmdir()


def _beat(held: Lock, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        held.beat()
