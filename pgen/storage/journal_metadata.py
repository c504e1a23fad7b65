"""The journal's metadata: JSON values by name, and two copies of all of them.

Results are useless without the options that they were made with. Each copy is in a table of its own, and so on other
pages: damage to any one page leaves an intact copy. One copy is also at the beginning of the WAL, so that the results
in the WAL are usable whatever the database has lost.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from pgen.storage.journal_rows import VERSION, checksum
from pgen.storage.recovery.pages import Cells

COPIES = ("run_first", "run_last")
"""The tables of the copies, which are created before and after the table of samples."""


class Copy(NamedTuple):
    """All values as JSON by name; the copy with the largest serial number is the latest."""

    serial: int
    format: int
    values: dict[str, str]


def store(db: sqlite3.Connection, values: Mapping[str, str]) -> None:
    """Store JSON values by name and update both copies. Called within a transaction."""
    rows = ((name, content, _checksum(0, content, name)) for name, content in values.items())
    db.executemany("INSERT OR REPLACE INTO run VALUES (?, ?, ?)", rows)
    serial = max((row[0] for table in COPIES for row in _rows(db, table)), default=0) + 1
    content = json.dumps({"format": VERSION, "values": _values(db)})
    for table in COPIES:
        _write(db, table, [(serial, content, _checksum(serial, content))])


def upgrade(db: sqlite3.Connection) -> None:
    """Record the current format in a journal of an earlier one, whose rows it reads: earlier versions refuse it now."""
    db.execute("BEGIN IMMEDIATE")
    db.execute(f"PRAGMA user_version={VERSION}")
    if _values(db):
        store(db, {})
    db.execute("COMMIT")


def rewrite_copy(db: sqlite3.Connection) -> None:
    """Write the last copy again, so that it is in the WAL too. Called within a transaction."""
    _write(db, COPIES[-1], _rows(db, COPIES[-1]))


def checkpoint(db: sqlite3.Connection) -> None:
    """Move all commits from the WAL to the database, so that the WAL has no outdated values."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def copies(db: sqlite3.Connection) -> list[Copy]:
    """Return the intact copies."""
    return [copy for table in COPIES for row in _rows(db, table) if (copy := parse_copy(row))]


def copies_agree(db: sqlite3.Connection) -> bool:
    """Return whether both copies are intact and equal the table of values."""
    values = _values(db)
    return [copy.values for copy in copies(db)] == ([values] * len(COPIES) if values else [])


def parse_copy(row: Cells) -> Copy | None:
    """Return the copy in a row, or None where it is no copy, or damaged."""
    match row:
        case (int(serial), str(content), int(total)) if total == _checksum(serial, content):
            return Copy(serial, **json.loads(content))
    return None


def parse_value(row: Cells) -> dict[str, str] | None:
    """Return the value in a row of the table of values, by its name; None where it is none, or damaged."""
    match row:
        case (str(name), str(content), int(total)) if total == _checksum(0, content, name):
            return {name: content}
    return None


def _rows(db: sqlite3.Connection, table: str) -> list[Any]:
    return db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 (constants)


def _write(db: sqlite3.Connection, table: str, rows: list[Any]) -> None:
    db.execute(f"DELETE FROM {table}")  # noqa: S608 (constants)
    db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608 (constants)


def _values(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT name, content FROM run ORDER BY name"))


def _checksum(serial: int, content: str, name: str = "") -> int:
    return checksum(serial, name.encode(), 0, content.encode())
