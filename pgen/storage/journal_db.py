"""Open the journal's file: durable settings, and recovery where it is damaged or not pgen's.

No file that may hold results is deleted. The intact rows of a damaged journal are copied to a new one. Where the
results cannot be used (their options are lost, or another version of pgen made them), the run is refused and the file
stays unchanged.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from pgen.errors import ConfigError, StorageError
from pgen.storage.durable import reason_of, sync
from pgen.storage.journal_metadata import COPIES, checkpoint, upgrade
from pgen.storage.journal_rows import VERSION, parse_row
from pgen.storage.recovery.integrity import (
    APPLICATION,
    NO_JOURNAL,
    pragma,
    problem,
    sqlite_files,
)
from pgen.storage.recovery.pages import logged_leaves
from pgen.storage.recovery.rebuild import INSERT, Rebuild
from pgen.storage.recovery.wal_frames import PAGE, unread

_COPY = "(serial INTEGER NOT NULL, content TEXT NOT NULL, sum INTEGER NOT NULL)"
_SCHEMA = f"""
BEGIN IMMEDIATE;
PRAGMA application_id={APPLICATION};
PRAGMA user_version={VERSION};
CREATE TABLE run (name TEXT PRIMARY KEY, content TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE {COPIES[0]} {_COPY};
CREATE TABLE samples (
    episode INTEGER NOT NULL, key BLOB NOT NULL, ok INTEGER NOT NULL, content TEXT NOT NULL, sum INTEGER NOT NULL,
    PRIMARY KEY (episode, key)
);
CREATE TABLE {COPIES[1]} {_COPY};
COMMIT;
"""
REBUILT = ".rebuilt"
"""Ends the name of a journal while it is rebuilt from another one."""


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and the system into StorageError."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise StorageError(f"the journal {path} cannot be used ({reason_of(error)})", path) from error


def open_database(path: Path) -> sqlite3.Connection:
    """Open or create the journal at `path`. Raises StorageError, and ConfigError where it cannot be used."""
    with storage_errors(path):
        rebuilt = path.with_name(path.name + REBUILT)
        if rebuilt.exists() and not path.exists():  # killed between the renames of `_rebuild`
            _replace(path, rebuilt)
        if path.exists() and (reason := problem(path)):
            _rebuild(path, rebuilt, reason)
        # POSIX drops all locks of a process on a file when it closes any descriptor of it. Recovery reads SQLite's
        # files, so it is done with a connection of its own, before the one that keeps its locks is opened.
        with closing(_connect(path)) as db:
            _recover_last_commit(db, path)
            if pragma(db, "user_version") != VERSION:
                upgrade(db)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    # Autocommit: transactions begin and end only where this package does so explicitly.
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        db.execute(f"PRAGMA page_size={PAGE}")  # of a new file, whatever SQLite's default is
        _set_durability(db)
        if not pragma(db, "user_version"):
            db.executescript(_SCHEMA)
            sync(path.parent)  # SQLite syncs the file's content; the folder holds its name
    except BaseException:
        db.close()
        raise
    return db


def _recover_last_commit(db: sqlite3.Connection, path: Path) -> None:
    """Insert the rows of a last commit that a kill cut short; each is verified by its checksum."""
    db.execute("BEGIN IMMEDIATE")
    pages = logged_leaves(path, unread(path).frames)
    db.executemany(INSERT, [row for cells in pages for some in cells if some and (row := parse_row(some))])
    db.execute("COMMIT")


def _set_durability(db: sqlite3.Connection) -> None:
    # WAL: a commit appends to one file, and readers never wait for the writer. It needs shared memory, which network
    # file systems lack: there SQLite keeps its rollback journal, or raises.
    with suppress(sqlite3.OperationalError):
        db.execute("PRAGMA journal_mode=WAL").fetchone()
    if in_wal(db):
        # NORMAL: a commit survives the process, but is on the disk only after `Log.sync`. A power cut loses what was
        # not synced from the end of the WAL, and damages nothing.
        db.execute("PRAGMA synchronous=NORMAL")
        # A checkpoint syncs twice, and would do so in the middle of a commit: `Log.sync` runs it instead.
        db.execute("PRAGMA wal_autocheckpoint=0")
    else:
        # EXTRA: a commit is on the disk when it returns, as with FULL, and the folder is synced once the rollback
        # journal is deleted. Otherwise a power cut could restore that, and undo the commit.
        db.execute("PRAGMA synchronous=EXTRA")


def in_wal(db: sqlite3.Connection) -> bool:
    """Return whether commits go to a write-ahead log."""
    return bool(db.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _rebuild(path: Path, rebuilt: Path, reason: str) -> None:
    """Copy the intact rows to a new journal, and put it in the place of this one.

    This one is set aside, or deleted where all of it was copied.
    """
    _remove(rebuilt)
    with closing(_connect(rebuilt)) as db:
        rebuild = Rebuild(db)
        rebuild.from_pages(path)
        checkpoint(db)  # raises what cannot be written; closing would ignore it
        results, usable = rebuild.results, rebuild.usable
    if results and not usable:
        _remove(rebuilt)
        raise ConfigError(
            f"the journal {path} {reason}; the options of its {results:,} results are lost, so that these cannot be "
            "used. Start anew with --fresh, which requests them again, or restore a copy of the file."
        )
    recovered = f"{results:,} results in it are intact and were recovered" if results else "nothing was recovered"
    if rebuild.complete and reason != NO_JOURNAL:  # as after a power cut, which loses pages and damages none
        _remove(path)
        _replace(path, rebuilt)
        message = f"; {recovered}" if results else ""
    else:
        message = f". It was set aside as {_replace(path, rebuilt)}; {recovered}"
    if message:
        print(f"pgen: the journal {path} {reason}{message}.", file=sys.stderr)


def _remove(path: Path) -> None:
    for file in (*sqlite_files(path), path):  # a WAL without its database would be applied to the next one
        file.unlink(missing_ok=True)


def _replace(path: Path, rebuilt: Path) -> Path:
    """Set the journal aside and put `rebuilt` in its place; return the former's new name."""
    aside = set_aside(path)
    rebuilt.rename(path)
    sync(path.parent)
    return aside


def set_aside(path: Path) -> Path:
    """Rename the journal, then its WAL, which must not be applied to another database; return the new name.

    The database goes first: where it is missing, the next start knows that the rebuilt one is complete.
    """
    names = (path.with_name(f"{path.name}.aside-{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    for old in (path, *sqlite_files(path)):
        if old.exists():
            old.rename(aside.with_name(aside.name + old.name.removeprefix(path.name)))
    return aside
