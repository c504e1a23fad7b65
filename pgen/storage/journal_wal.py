"""The journal's write-ahead log: synced, and copied to the database, in other threads than those that commit."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from pgen.storage.durable import sync
from pgen.storage.journal_db import in_wal

CHECKPOINT = 4000
"""Rows after which the log is copied to the database: it then has some tens of megabytes."""


class Log:
    """The log of `db`, whose commits hold `lock`. Without a WAL every commit is on the disk already.

    `begin` commits what a new log begins with; it acquires the lock itself.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, lock: Lock, begin: Callable[[], None]) -> None:
        self._db, self._lock, self._begin = db, lock, begin
        self._path = path.with_name(f"{path.name}-wal") if in_wal(db) else None
        # A connection of its own, so that commits continue during a checkpoint. It does not wait for readers
        # (timeout 0): what cannot be copied now is copied by the next checkpoint.
        self._checkpoints = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=0)
        self._syncing, self._folder_synced = Lock(), False
        self._copied = db.total_changes

    def sync(self) -> None:
        """Write all commits to the disk. Raises OSError or sqlite3.Error."""
        if self._path is None:
            return
        with self._syncing:
            # fsync by a descriptor of our own: SQLite offers no way that does not block commits. Closing it is safe,
            # although POSIX then drops the process's locks on the file: SQLite locks the database and the -shm file,
            # not the WAL. The WAL stays the same file as long as a connection is open.
            sync(self._path)
            if not self._folder_synced:
                sync(self._path.parent)
                self._folder_synced = True
            if self._db.total_changes - self._copied >= CHECKPOINT:
                self._checkpoint()

    def _checkpoint(self) -> None:
        """Copy most commits while others are made, then the rest under the lock, so that the log begins anew."""
        self._copied = self._db.total_changes
        self._checkpoints.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        with self._lock:
            self._checkpoints.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        self._begin()

    def close(self) -> None:
        """Close the connection for checkpoints."""
        self._checkpoints.close()
