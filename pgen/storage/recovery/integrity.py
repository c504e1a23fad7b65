"""Whether the file of a journal is whole, of today's format, and of pgen at all. Nothing is written to it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import chain, starmap
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.storage.journal_metadata import COPIES, agree, copies
from pgen.storage.recovery.row_formats import VERSION, checksum
from pgen.storage.recovery.wal_frames import PAGE, unread

APPLICATION = 0x7067656E
"""SQLite's application_id of a journal: the letters "pgen"."""

FORMER = "has the format of an earlier version"
"""Why a whole journal of a former format is none of today's."""

# The keys of an episode lie together in their index, as they are looked for, written and checked: a key alone would be
# anywhere among a million.
_TABLES = {
    "run": ("0, name, typeof(name) <> 'text', content", "name"),  # one bit makes of a text bytes that no name equals
    "samples": ("episode, key, ok, content", "rowid"),
}
_UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file raises; the second where a message would show what is in it."""

_SIDE_FILES = ("-wal", "-shm", "-journal")
_OF_THE_PLACE = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    | {sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM}
)
"""Errors that say nothing of what is in the file."""


def problem(path: Path) -> str:
    """What is wrong with an existing file; nothing where it is a whole journal. Nothing is written to it."""
    if not path.stat().st_size:
        # SQLite would delete the WAL of an empty file.
        return "is damaged: it is empty, its WAL is not" if any(file.stat().st_size for file in beside(path)) else ""
    try:
        # Not read-only: after a crash SQLite has to roll back, or to read the WAL, before anything can be read.
        with closing(read(path)) as db:
            db.execute("BEGIN IMMEDIATE")
            damage = unread(path).damage if number(db, "page_size") == PAGE else ""
            return f"is damaged: {damage}" if damage else _unlike(db, path) or _damage(db)
    except _UNREADABLE as error:
        code = _code(error)
        if code in _OF_THE_PLACE or (code == sqlite3.SQLITE_READONLY and not os.access(path, os.W_OK)):
            raise
        return f"is damaged: {error}" if code else "is damaged"  # without a code, it shows the text


def _unlike(db: sqlite3.Connection, path: Path) -> str:
    """Why a database is no journal of today's format. Raises ConfigError where it is of a later one."""
    application, version = number(db, "application_id"), number(db, "user_version")
    if (application, version) == (APPLICATION, VERSION):
        return ""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not tables and path.stat().st_size <= PAGE:
        return ""  # a run that was killed as it made the journal leaves an empty database
    if tables >= set(COPIES) and any(copy.format == VERSION for copy in copies(db)):
        return "is damaged: its header names another format"
    if application == APPLICATION and version > VERSION:
        raise ConfigError(
            f"the journal {path} has format {version}, which a later version of pgen made; this one reads up to format "
            f"{VERSION}. Update pgen, or start anew with --fresh, which asks again for all {_count(db)}answers in it."
        )
    if not tables >= {"run", "samples"}:
        return "is no journal of pgen"
    wrong = _integrity(db)
    if wrong and not version:
        raise ConfigError(
            f"the journal {path} {wrong}. It has the first format, which has no checksums, so that no answer in it can "
            f"be trusted. Start anew with --fresh, which asks again for all {_count(db)}answers in it."
        )
    return wrong or FORMER


def _damage(db: sqlite3.Connection) -> str:
    """What is damaged in a journal of today's format; nothing where all is whole."""
    if wrong := _integrity(db):
        return wrong
    db.execute(f"PRAGMA user_version={VERSION}")  # a damaged header may say that the file is never written
    if not agree(db):
        return "is damaged: the copies of its options differ"
    db.text_factory = bytes  # texts as they are stored: one that is damaged may be none
    return "" if all(starmap(_whole, chain(_rows(db, "run"), _rows(db, "samples")))) else "is damaged"


def _integrity(db: sqlite3.Connection) -> str:
    wrong: str = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return "" if wrong == "ok" else f"is damaged: {wrong.splitlines()[-1]}"


def read(path: Path) -> sqlite3.Connection:
    """Open a database and leave it as it is: closing it moves nothing out of its WAL."""
    db = sqlite3.connect(path, isolation_level=None)
    db.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
    return db


def _rows(db: sqlite3.Connection, table: str) -> Iterator[Any]:
    """Rows of a form that both tables have: a number, a key, whether it is an answer, a content, its checksum."""
    columns, by = _TABLES[table]
    yield from db.execute(f"SELECT {columns}, sum FROM {table} ORDER BY {by}")  # noqa: S608 (own names)


def _whole(number: object, key: object, ok: object, content: object, total: object) -> bool:
    if not (type(key) is type(content) is bytes and type(number) is type(ok) is int):
        return False
    return checksum(number, key, ok, content) == total


def beside(path: Path) -> list[Path]:
    """SQLite's files beside a database."""
    files = (path.with_name(path.name + ending) for ending in _SIDE_FILES)
    return [file for file in files if file.exists()]


def _count(db: sqlite3.Connection) -> str:
    """How many answers a journal of any format has; nothing where that cannot be read."""
    with suppress(sqlite3.DatabaseError):
        (count,) = db.execute("SELECT count(*) FROM samples WHERE ok").fetchone()
        return f"{count:,} "
    return ""


def number(db: sqlite3.Connection, pragma: str) -> int:
    """The value of one of SQLite's settings."""
    value: int = db.execute(f"PRAGMA {pragma}").fetchone()[0]
    return value


def _code(error: Exception) -> int:
    """The primary code of SQLite's, without what further codes tell."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
