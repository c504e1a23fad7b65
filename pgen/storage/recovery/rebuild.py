"""Fill a new journal with the intact rows of another one."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pgen.storage.journal_metadata import Copy, parse_copy, parse_value, store
from pgen.storage.journal_rows import READABLE, Row, parse_row
from pgen.storage.recovery.pages import Cells, leaves

# Of several intact versions of a row, a result counts more than a failure, and a later version more than an earlier.
INSERT = """
INSERT INTO samples VALUES (?, ?, ?, ?, ?)
ON CONFLICT (episode, key) DO UPDATE SET ok = excluded.ok, content = excluded.content, sum = excluded.sum
WHERE excluded.ok >= ok
"""


class Rebuild:
    """Fill `db`, a new journal, in one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._copies: list[Copy] = []
        self._values: dict[str, str] = {}
        self._doubtful = False
        """Whether a value may be missing."""
        self.complete = True
        """Whether nothing is left in the file that was not copied: each page is intact or empty."""

    def from_pages(self, path: Path) -> None:
        """Copy what is intact on the pages of the file at `path` and of its WAL."""
        self._fill(self._rows_of(leaves(path)))

    @property
    def results(self) -> int:
        """The number of results, without failures."""
        count: int = self._db.execute("SELECT count(*) FROM samples WHERE ok").fetchone()[0]
        return count

    @property
    def usable(self) -> bool:
        """Whether the options of the results are intact."""
        return self._db.execute("SELECT 1 FROM run WHERE name = 'options'").fetchone() is not None

    def _fill(self, rows: Iterator[Row]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(INSERT, rows)
        copies = [copy for copy in self._copies if copy.format in READABLE]
        if copies:
            store(self._db, max(copies, key=lambda copy: copy.serial).values)
        elif not self._doubtful:
            store(self._db, self._values)
        self._db.execute("COMMIT")

    def _rows_of(self, pages: Iterator[list[Cells | None]]) -> Iterator[Row]:
        for page in pages:
            values = [parse_value(cells) if cells else None for cells in page]
            if any(values):  # a page of metadata
                self._take_values(values)
            for cells, value in zip(page, values, strict=True):
                if copy := parse_copy(cells) if cells else None:
                    self._copies.append(copy)
                elif row := parse_row(cells) if cells else None:
                    yield row
                elif not value and not _is_index_entry(cells):
                    self.complete = False

    def _take_values(self, values: list[dict[str, str] | None]) -> None:
        """Take the values, all on one page: a row that is damaged may be any of them."""
        self._doubtful |= not all(values)
        for some in filter(None, values):
            self._values |= some


def _is_index_entry(cells: Cells | None) -> bool:
    """Return whether a row is one of the index of samples, which holds no result."""
    match cells:
        case (int(), bytes(), int()):
            return True
    return False
