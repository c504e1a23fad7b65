"""The journal's write-ahead log: synced, and copied into the database, by other threads than those that commit."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from pgen.storage.durable import sync
from pgen.storage.journal_db import in_wal

CHECKPOINT = 4000
"""Rows after which the log is copied into the database: it then has some tens of megabytes."""


class Log:
    """That of `db`, whose commits hold `lock`. Without a WAL there is nothing to do: commits are on the disk.

    `begin` commits what every log is to begin with; it acquires the lock itself.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, lock: Lock, begin: Callable[[], None]) -> None:
        self._db, self._lock, self._begin = db, lock, begin
        self._path = path.with_name(f"{path.name}-wal") if in_wal(db) else None
        self._checkpoints: sqlite3.Connection | None = None
        if self._path:
            # A connection of its own, so that commits go on while the log is copied. It waits for nobody: what
            # cannot be copied now, because somebody reads, is copied later.
            self._checkpoints = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=0)
        self._syncing, self._folder_synced = Lock(), False
        self._copied = db.total_changes

    def sync(self) -> None:
        """Have all commits so far on the disk. Raises OSError or sqlite3.Error."""
        if self._path is None or self._checkpoints is None:
            return
        with self._syncing:
            # By a file descriptor of our own, as SQLite offers no other way that excludes no commits. To close it is
            # safe: that drops all POSIX locks of the process on the file, but SQLite has none on the log (it locks
            # the database and the file -shm). The log stays the same file as long as a connection is open.
            sync(self._path)
            if not self._folder_synced:
                sync(self._path.parent)
                self._folder_synced = True
            if self._db.total_changes - self._copied >= CHECKPOINT:
                self._checkpoint(self._checkpoints)

    def _checkpoint(self, db: sqlite3.Connection) -> None:
        """Copy all but the latest commits while others are made, and then those, so that the log begins anew."""
        self._copied = self._db.total_changes
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        with self._lock:
            db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        self._begin()

    def close(self) -> None:
        if self._checkpoints:
            self._checkpoints.close()
