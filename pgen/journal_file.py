"""The journal's file: opened durably, checked row by row, set aside where it is damaged or somebody else's.

A file is never deleted here. What is whole in a damaged journal is taken over, as long as what the answers
depend on (the table `run`) is whole too: answers of unknown options would be worse than none.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain, count, starmap
from pathlib import Path
from typing import Any
from zlib import crc32

from pgen.durable import sync
from pgen.errors import StorageError

APPLICATION = 0x7067656E
"""SQLite's application_id of a journal: the letters "pgen"."""

VERSION = 4
"""Its user_version: the form of the tables."""

_SCHEMA = f"""
BEGIN IMMEDIATE;
PRAGMA application_id={APPLICATION};
PRAGMA user_version={VERSION};
CREATE TABLE run (name TEXT PRIMARY KEY, content TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE samples (
    episode INTEGER NOT NULL, key BLOB NOT NULL, ok INTEGER NOT NULL, content TEXT NOT NULL, sum INTEGER NOT NULL,
    PRIMARY KEY (episode, key)
);
COMMIT;
"""
# The keys of an episode lie together in their index, as they are looked for, written and checked: a key alone would be
# anywhere among a million.
_TABLES = {
    "run": ("0, name, typeof(name) <> 'text', content", "name"),  # one bit makes of a text bytes that no name equals
    "samples": ("episode, key, ok, content", "rowid"),
}
REBUILT = ".rebuilt"
"""The ending of a journal that is made of a damaged one."""

_UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file raises; the second where a message would show what is in it."""

_SIDE_FILES = ("-wal", "-shm", "-journal")
_OF_THE_PLACE = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    | {sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM}
)
"""Errors that say nothing of what is in the file."""


def checksum(number: int, key: bytes, ok: int, content: bytes) -> int:
    """A number that a row's cells have to agree with."""
    return crc32(content, crc32(b"%d %d %b\0" % (number, ok, key)))


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """What SQLite or the system says of the disk, as StorageError."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise StorageError(f"the journal {path} cannot be used ({error})", path) from error


def opened(path: Path) -> sqlite3.Connection:
    """The journal at `path`, new where there is none. Raises StorageError."""
    with storing(path):
        rebuilt = path.with_name(path.name + REBUILT)
        if rebuilt.exists() and not path.exists():  # killed in the last steps of `_rebuild`
            _replace(path, rebuilt)
        if path.exists() and (why := _problem(path)):
            _rebuild(path, rebuilt, why)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    # Autocommit: transactions begin and end where this package says so.
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        _durable(db)
        if not _number(db, "user_version"):
            db.executescript(_SCHEMA)
            sync(path.parent)  # SQLite syncs what it writes; that the file is there at all, the folder tells
    except BaseException:
        db.close()
        raise
    return db


def _durable(db: sqlite3.Connection) -> None:
    # WAL: a commit appends to one file, and a reader never waits for the writer. It needs shared memory, which
    # network file systems have not: there SQLite keeps to a rollback journal, or says so.
    with suppress(sqlite3.OperationalError):
        db.execute("PRAGMA journal_mode=WAL").fetchone()
    if in_wal(db):
        # NORMAL: a commit is written, and survives the process, but is on the disk only after `Log.sync`. What was
        # not synced when the power fails is lost from its end; nothing is damaged.
        db.execute("PRAGMA synchronous=NORMAL")
        # A checkpoint syncs twice, and would do so in the midst of a commit: `Log.sync` makes it instead.
        db.execute("PRAGMA wal_autocheckpoint=0")
    else:
        # EXTRA is FULL (a commit is on the disk when it returns) and also syncs the folder once the rollback
        # journal is gone: a power cut could bring it back, and undo the commit.
        db.execute("PRAGMA synchronous=EXTRA")


def in_wal(db: sqlite3.Connection) -> bool:
    """Whether commits go to a write-ahead log."""
    return bool(db.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _problem(path: Path) -> str:
    """What is wrong with an existing file; nothing where it is a whole journal. Nothing is written to it."""
    if not path.stat().st_size and not any(_beside(path)):
        return ""
    try:
        # Not read-only: after a crash SQLite has to roll back, or to read the WAL, before anything can be read.
        with closing(_read(path)) as db:
            if not _ours(db):
                # A run that was killed as it made the journal leaves an empty database.
                return "is none of this version of pgen" if db.execute("SELECT * FROM sqlite_master").fetchone() else ""
            wrong = db.execute("PRAGMA integrity_check(1)").fetchone()[0].decode("utf-8", "replace")
            if wrong != "ok":
                return f"is damaged: {wrong.splitlines()[-1]}"
            db.execute("BEGIN IMMEDIATE")
            db.execute(f"PRAGMA user_version={VERSION}")  # a damaged header may say that the file is never written
            db.execute("ROLLBACK")
            return "" if all(starmap(_whole, chain(_rows(db, "run"), _rows(db, "samples")))) else "is damaged"
    except _UNREADABLE as error:
        code = _code(error)
        if code in _OF_THE_PLACE or (code == sqlite3.SQLITE_READONLY and not os.access(path, os.W_OK)):
            raise
        return f"is damaged: {error}"


def _rebuild(path: Path, rebuilt: Path, why: str) -> None:
    """Make a journal of what is whole in this one; only then set this one aside, and put the other in its place."""
    for old in (rebuilt, *_beside(rebuilt)):
        old.unlink(missing_ok=True)
    with closing(_connect(rebuilt)) as db, closing(_read(path)) as damaged:
        run, complete = _run_of(damaged)
        if complete:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO run VALUES (?, ?, ?)", ((row[1].decode(), *row[3:]) for row in run))
            db.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)", _whole_samples(damaged))
            db.execute("COMMIT")
        taken = db.execute("SELECT count(*) FROM samples").fetchone()[0]
    aside = _replace(path, rebuilt)
    kept = f"{taken:,} answers in it are whole and were taken over" if taken else "nothing was taken from it"
    print(f"pgen: the journal {path} {why}. It was set aside as {aside}; {kept}.", file=sys.stderr)


def _replace(path: Path, rebuilt: Path) -> Path:
    """Put `rebuilt` in the place of the file, after that got another name, and so did its WAL: it is no other's."""
    aside = _set_aside(path)
    rebuilt.rename(path)
    sync(path.parent)
    return aside


def _set_aside(path: Path) -> Path:
    """Give the file, and then those beside it, another name in the same folder. The first goes first: without it the
    next start knows that a rebuilt one is whole."""
    names = (path.with_name(f"{path.name}.aside-{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    for old in (path, *_beside(path)):
        if old.exists():
            old.rename(aside.with_name(aside.name + old.name.removeprefix(path.name)))
    return aside


def _run_of(db: sqlite3.Connection) -> tuple[list[Any], bool]:
    """What the run said of itself, and whether that is whole: answers are of no use without."""
    try:
        rows = list(_rows(db, "run")) if _ours(db) else []
    except _UNREADABLE:
        return [], False
    return rows, all(starmap(_whole, rows)) and any(name == b"options" for _, name, *_ in rows)


def _whole_samples(db: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    """Read from both ends: what is damaged may stop either way."""
    for order in ("ASC", "DESC"):
        with suppress(*_UNREADABLE):
            for row in _rows(db, "samples", order):
                if _whole(*row):
                    episode, key, ok, content, told = row
                    yield episode, key, ok, content.decode(), told


def _read(path: Path) -> sqlite3.Connection:
    """To look at a file, and leave it as it is: closing it moves nothing out of its WAL."""
    db = sqlite3.connect(path, isolation_level=None)
    db.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
    db.text_factory = bytes  # texts as they lie there: what is damaged may be none
    return db


def _rows(db: sqlite3.Connection, table: str, order: str = "ASC") -> Iterator[Any]:
    """Rows of a form that both tables have: a number, a key, whether it is an answer, a content, its checksum."""
    columns, by = _TABLES[table]
    yield from db.execute(f"SELECT {columns}, sum FROM {table} ORDER BY {by} {order}")  # noqa: S608 (own names)


def _whole(number: object, key: object, ok: object, content: object, told: object) -> bool:
    if not (type(key) is type(content) is bytes and type(number) is type(ok) is int):
        return False
    return checksum(number, key, ok, content) == told


def _beside(path: Path) -> list[Path]:
    beside = (path.with_name(path.name + ending) for ending in _SIDE_FILES)
    return [file for file in beside if file.exists()]


def _ours(db: sqlite3.Connection) -> bool:
    return (_number(db, "application_id"), _number(db, "user_version")) == (APPLICATION, VERSION)


def _number(db: sqlite3.Connection, pragma: str) -> int:
    number: int = db.execute(f"PRAGMA {pragma}").fetchone()[0]
    return number


def _code(error: Exception) -> int:
    """The primary code of SQLite's, without what further codes tell."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
