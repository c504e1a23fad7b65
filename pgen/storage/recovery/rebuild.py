"""A journal filled with what is whole in another one that is damaged, or of a former format."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pgen.storage.journal_metadata import Copy, copy_of, store
from pgen.storage.recovery.pages import Row, leaves
from pgen.storage.recovery.row_formats import VERSION, Answer, answer_of, values_of

# Of several whole versions of a row, an answer counts more than a failure, and a later version more than an earlier.
INSERT = """
INSERT INTO samples VALUES (?, ?, ?, ?, ?)
ON CONFLICT (episode, key) DO UPDATE SET ok = excluded.ok, content = excluded.content, sum = excluded.sum
WHERE excluded.ok >= ok
"""


class Rebuild:
    """Fills `db`, a new journal, from the rows of an old one, in one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._copies: list[Copy] = []
        self._values: dict[str, str] = {}
        self._doubtful = False

    def from_pages(self, path: Path) -> None:
        """Take over what is whole on the pages of the file at `path` and of its WAL."""
        self._fill(self._answers(leaves(path)))

    def from_tables(self, old: sqlite3.Connection) -> None:
        """Take over what is whole in the tables of a former format, the first of which has no checksums."""
        verified = old.execute("PRAGMA user_version").fetchone()[0] > 0
        for row in old.execute("SELECT * FROM run"):
            values = values_of(row, verified)
            self._doubtful |= values is None
            self._values |= values or {}
        rows = (answer_of(row, verified) for row in old.execute("SELECT * FROM samples"))
        self._fill(row for row in rows if row)

    @property
    def answers(self) -> int:
        """How many answers are whole; failures are not counted."""
        count: int = self._db.execute("SELECT count(*) FROM samples WHERE ok").fetchone()[0]
        return count

    @property
    def usable(self) -> bool:
        """Whether the options are whole that the answers were made with."""
        return self._db.execute("SELECT 1 FROM run WHERE name = 'options'").fetchone() is not None

    def _fill(self, answers: Iterator[Answer]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(INSERT, answers)
        copies = [copy for copy in self._copies if copy.format == VERSION]
        if copies:
            store(self._db, max(copies, key=lambda copy: copy.serial).values)
        elif not self._doubtful:
            store(self._db, self._values)
        self._db.execute("COMMIT")

    def _answers(self, pages: Iterator[list[Row | None]]) -> Iterator[Answer]:
        for rows in pages:
            self._take_values(rows)
            for row in filter(None, rows):
                if copy := copy_of(row):
                    self._copies.append(copy)
                elif answer := answer_of(row):
                    yield answer

    def _take_values(self, rows: list[Row | None]) -> None:
        """One page has all values of a former format: a row of it that is damaged may be any of them."""
        values = [values_of(row) if row else None for row in rows]
        if any(values):
            self._doubtful |= not all(values)
            self._values |= {name: content for some in values if some for name, content in some.items()}
