"""What a run keeps about itself in its journal: values by name, and two copies of all of them.

Answers are of no use without the options that they were made with. The copies are in tables of their own, and so on
pages of their own: damage to any one page leaves a whole one. One of them is also at the beginning of the WAL, so
that answers in it are of use whatever the database has lost.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from pgen.storage.recovery.pages import Row
from pgen.storage.recovery.row_formats import VERSION, checksum

COPIES = ("run_first", "run_last")
"""The tables of the copies: one before the table of samples, one after it."""


class Copy(NamedTuple):
    """All values as JSON by their names; the copy with the highest serial number is the latest."""

    serial: int
    format: int
    values: dict[str, str]


def store(db: sqlite3.Connection, values: Mapping[str, str]) -> None:
    """Keep JSON values by their names, and bring both copies up to date. Called within a transaction."""
    rows = ((name, content, checksum(0, name.encode(), 0, content.encode())) for name, content in values.items())
    db.executemany("INSERT OR REPLACE INTO run VALUES (?, ?, ?)", rows)
    serial = max((row[0] for row in _rows(db)), default=0) + 1
    content = json.dumps({"format": VERSION, "values": _values(db)})
    for table in COPIES:
        db.execute(f"DELETE FROM {table}")  # noqa: S608 (own names)
        db.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (serial, content, _sum(serial, content)))  # noqa: S608 (own names)


def repeat(db: sqlite3.Connection) -> None:
    """Write the last copy once more as it is, so that it is in the WAL too. Called within a transaction."""
    rows = db.execute(f"SELECT * FROM {COPIES[-1]}").fetchall()  # noqa: S608 (own names)
    db.execute(f"DELETE FROM {COPIES[-1]}")  # noqa: S608 (own names)
    db.executemany(f"INSERT INTO {COPIES[-1]} VALUES (?, ?, ?)", rows)  # noqa: S608 (own names)


def settle(db: sqlite3.Connection) -> None:
    """Move all commits from the WAL into the file, so that no former version of the values is left in it."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def copies(db: sqlite3.Connection) -> list[Copy]:
    """The copies that are whole."""
    return [copy for row in _rows(db) if (copy := copy_of(row))]


def agree(db: sqlite3.Connection) -> bool:
    """Whether both copies are whole and hold the values of the table."""
    values = _values(db)
    return [copy.values for copy in copies(db)] == ([values] * len(COPIES) if values else [])


def copy_of(row: Row) -> Copy | None:
    """A copy from its row, or None where that is no copy, or damaged."""
    match row:
        case (int(serial), str(content), int(total)) if total == _sum(serial, content):
            return Copy(serial, **json.loads(content))
    return None


def _rows(db: sqlite3.Connection) -> list[Any]:
    return [row for table in COPIES for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608 (own names)


def _values(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT name, content FROM run ORDER BY name"))


def _sum(serial: int, content: str) -> int:
    return checksum(serial, b"", 0, content.encode())
