"""Check whether a journal's file is intact, of a readable format, and pgen's at all. Nothing is written to it."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from pgen.errors import ConfigError
from pgen.storage.journal_metadata import COPIES, copies, copies_agree
from pgen.storage.journal_rows import READABLE, VERSION, checksum
from pgen.storage.recovery.wal_frames import PAGE, unread

APPLICATION = 0x7067656E
"""SQLite's application_id of a journal: the letters "pgen"."""

NO_JOURNAL = "is no journal of pgen"
"""The problem of another intact database."""

_ROWS = (
    # One flipped bit of a text's type makes it a blob, which equals no name.
    "SELECT 0, name, typeof(name) <> 'text', content, sum FROM run",
    # In the order of the table's pages.
    "SELECT episode, key, ok, content, sum FROM samples ORDER BY rowid",
)
_SIDE_FILES = ("-wal", "-shm", "-journal")
_PLACE_ERRORS = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    | {sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM}
)
"""Errors of the disk or of other processes, which do not mean that the content is damaged."""

RUN_TABLES = {"run", "samples"}
"""Tables that a journal of any format has."""

UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged database raises: the message of SQLite's error may quote bytes that are no UTF-8."""


def problem(path: Path) -> str:
    """Return what is wrong with an existing file, or nothing where it is an intact journal."""
    if not path.stat().st_size:
        # Not opened: SQLite would delete the WAL of an empty database.
        # (A rollback journal beside an empty one is from its creation, and holds nothing.)
        wal = path.with_name(f"{path.name}-wal")
        return "is damaged: it is empty, its WAL is not" if wal.exists() and wal.stat().st_size else ""
    try:
        # Not read-only: after a crash SQLite has to roll back, or to index the WAL, before anything can be read.
        with closing(open_unchanged(path)) as db:
            db.execute("BEGIN IMMEDIATE")
            damage = unread(path).damage if pragma(db, "page_size") == PAGE else ""
            if damage:
                return f"is damaged: {damage}"
            return "" if _unfilled(db, path) else _other_format(db, path) or _damage(db)
    except UNREADABLE as error:
        code = int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF  # the primary code
        if code in _PLACE_ERRORS or (code == sqlite3.SQLITE_READONLY and not os.access(path, os.W_OK)):
            raise
        return f"is damaged: {error}" if code else "is damaged"  # without a code, the message quotes the content


def _unfilled(db: sqlite3.Connection, path: Path) -> bool:
    """Return whether a run ended while it created the journal."""
    return path.stat().st_size <= PAGE and not db.execute("SELECT 1 FROM sqlite_master").fetchone()


def _other_format(db: sqlite3.Connection, path: Path) -> str:
    """Return why a database is no journal of a readable format. Raises ConfigError where it has another one."""
    application, version = pragma(db, "application_id"), pragma(db, "user_version")
    if application == APPLICATION and version in READABLE:
        return ""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if tables >= set(COPIES) and any(copy.format in READABLE for copy in copies(db)):
        return "is damaged: its header names another format"
    if tables >= RUN_TABLES:
        raise ConfigError(
            f"the journal {path} has format {version}, which another version of pgen made; this one reads format "
            f"{VERSION}. Use that version, or start anew with --fresh, which requests all {_count(db)}results in it "
            "again."
        )
    return NO_JOURNAL


def _damage(db: sqlite3.Connection) -> str:
    """Return what is damaged in a journal of a readable format."""
    if damage := _integrity(db):
        return damage
    db.execute(f"PRAGMA user_version={VERSION}")  # raises where a damaged header makes the file read-only
    if not copies_agree(db):
        return "is damaged: the copies of its options differ"
    db.text_factory = bytes  # texts as they are stored: a damaged one may be no UTF-8
    return "" if all(_intact(*row) for query in _ROWS for row in db.execute(query)) else "is damaged"


def _integrity(db: sqlite3.Connection) -> str:
    result: str = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return "" if result == "ok" else f"is damaged: {result.splitlines()[-1]}"


def _intact(number: object, key: object, ok: object, content: object, total: object) -> bool:
    if not (type(key) is type(content) is bytes and type(number) is type(ok) is int):
        return False
    return checksum(number, key, ok, content) == total


def open_unchanged(path: Path) -> sqlite3.Connection:
    """Open a database so that closing it moves nothing out of its WAL."""
    db = sqlite3.connect(path, isolation_level=None)
    db.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
    return db


def sqlite_files(path: Path) -> list[Path]:
    """Return SQLite's files beside a database."""
    files = (path.with_name(path.name + ending) for ending in _SIDE_FILES)
    return [file for file in files if file.exists()]


def pragma(db: sqlite3.Connection, name: str) -> int:
    """Return the value of an integer pragma."""
    value: int = db.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _count(db: sqlite3.Connection) -> str:
    """Return the number of results in a journal of any format, or nothing where it cannot be read."""
    with suppress(*UNREADABLE):
        (count,) = db.execute("SELECT count(*) FROM samples WHERE ok").fetchone()
        return f"{count:,} "
    return ""
