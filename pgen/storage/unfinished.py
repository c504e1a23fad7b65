"""What an unfinished command left in a file: whether it is a journal of pgen, of which command, with how many results.

Nothing is written to the file. A journal that is damaged anywhere is recognized by what is left of it.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.storage.durable import sync
from pgen.storage.journal_db import REBUILT
from pgen.storage.journal_metadata import copies, parse_value
from pgen.storage.recovery.integrity import APPLICATION, RUN_TABLES, UNREADABLE, open_unchanged, pragma
from pgen.storage.recovery.pages import MAGIC

COMMAND = "command"
"""The metadata with the command that a journal belongs to."""

_WITH_JOURNAL = frozenset(
    {"annotate", "annotate --in-place", "annotate --segment", "annotate --segment --in-place", "segment"}
)
"""The commands that have a journal."""

_MARKS = (APPLICATION.to_bytes(4, "big"), b"CREATE TABLE samples", b"CREATE TABLE run")
"""At least one of them is in the first pages of a journal whose header is destroyed."""
_FIRST_PAGES = 65536
_SIDE_FILES = {
    "-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    "-shm": ((3007000).to_bytes(4, "little"), (3007000).to_bytes(4, "big"), bytes(4)),
    "-journal": (b"\xd9\xd5\x05\xf9", bytes(4)),
}
"""How SQLite's files beside a database begin, where they are not empty."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file that was left. `results` is None where they cannot be counted, `command` where it is not recorded."""

    path: Path
    ours: bool
    results: int | None = None
    command: str | None = None
    owner: str | None = None
    options: Any = None

    @property
    def worthless(self) -> bool:
        """Whether deleting it would lose no result."""
        return self.ours and self.results == 0

    def check(self, command: str, journal: Path, fresh: bool) -> None:
        """Raise ConfigError where `command`, whose journal is `journal`, would lose the results or not use them."""
        same = self.command in (None, command) and command in _WITH_JOURNAL
        if same and fresh and self.results is None:
            raise ConfigError(
                f"--fresh: {self.path} is not a journal of pgen, or so damaged that this cannot be known; move it away."
            )
        if self.worthless or (same and (fresh or self.path == journal)):
            return
        if same:
            raise ConfigError(f"{self}: add --journal {self.path} to resume it, or --fresh to start anew.")
        raise ConfigError(
            f"{self}. Finish that by the same command, or discard the results by the same command with --fresh."
        )

    def __str__(self) -> str:
        if self.results is None:
            return f"{self.path} is no journal that can be read, and may hold results of an unfinished command"
        count = "1 result" if self.results == 1 else f"{self.results:,} results"
        return f"{self.path} holds {count} of an unfinished `pgen {self.command or 'annotate'}`"


def inspect(path: Path) -> Leftover | None:
    """Return what the file at `path` is; None where there is none, or an empty one."""
    if not path.is_file():
        return None
    start = _start(path, _FIRST_PAGES)
    if not start:  # not opened: SQLite would delete the WAL of an empty database
        return Leftover(path, True) if _start(path.with_name(f"{path.name}-wal"), 1) else None
    recognized = any(mark in start for mark in _MARKS)
    if not start.startswith(MAGIC):
        return Leftover(path, recognized)
    try:
        # Not read-only: results of a killed process may be in the WAL alone, which SQLite then has to index.
        with closing(open_unchanged(path)) as db:
            return _describe(path, db)
    except UNREADABLE:
        return Leftover(path, recognized)


def check_journal(path: Path) -> None:
    """Raise ConfigError where `--journal` names no usable place, or a file that is no journal."""
    exists = os.path.lexists(path)
    if not path.parent.is_dir() or (exists and not path.is_file()):
        raise ConfigError(f"--journal {path}: name a file in a folder that exists.")
    if not os.access(path.parent, os.W_OK | os.X_OK) or (exists and not os.access(path, os.R_OK | os.W_OK)):
        raise ConfigError(f"--journal {path} cannot be written; name a file in a folder that can be written to.")
    left = inspect(path)
    if other := path if left and not left.ours else _foreign_file(path):
        raise ConfigError(f"--journal {path}: {other} is not a journal of pgen; name another file.")


def unfinished_in(folder: Path) -> Iterator[Leftover]:
    """Yield the journals below a folder that may hold results, of any command."""
    for path in sorted(folder.rglob(".*.pgen/*.sqlite*")):
        left = None if path.name.endswith(tuple(_SIDE_FILES)) else inspect(path)
        if left and not left.worthless:
            yield left


def remove_journal(path: Path) -> None:
    """Delete the journal, durably; its database last, as a WAL without one would be applied to the next."""
    for ending in (REBUILT, *_SIDE_FILES, ""):
        file = path.with_name(path.name + ending)
        if file.exists():
            file.unlink()
            sync(file.parent)


def _foreign_file(path: Path) -> Path | None:
    """Return a file beside the journal that has the name of one of SQLite's, but is none."""
    for ending, beginnings in _SIDE_FILES.items():
        side = path.with_name(path.name + ending)
        start = _start(side, 4)
        if side.is_dir() or (start and start not in beginnings):
            return side
    return None


def _describe(path: Path, db: sqlite3.Connection) -> Leftover:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return Leftover(path, True, 0)  # killed while it created the journal
    if pragma(db, "application_id") != APPLICATION and not tables >= RUN_TABLES:
        return Leftover(path, False)
    metadata = _metadata(db)
    count = None
    with suppress(*UNREADABLE):
        count = db.execute("SELECT count(*) FROM samples").fetchone()[0]
    return Leftover(path, True, count, metadata.get(COMMAND), metadata.get("owner"), metadata.get("options"))


def _metadata(db: sqlite3.Connection) -> dict[str, Any]:
    """Return the metadata; where a value is damaged, that of a copy."""
    values: dict[str, str] = {}
    with suppress(*UNREADABLE):
        for copy in copies(db):
            values |= copy.values
    with suppress(*UNREADABLE):
        for row in db.execute("SELECT * FROM run"):
            values |= parse_value(row) or {}
    return {name: json.loads(content) for name, content in values.items()}


def _start(path: Path, size: int) -> bytes:
    """Return the first bytes of a file; nothing where there is none."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(size)


def unfinished_parts(out: Path, work: Path) -> Iterator[Leftover]:
    """Yield the journals in hidden folders of OUT other than `work`, such as the skills of `annotate --segment`."""
    for folder in out.parent.glob(".*"):
        if folder.stem == f".{out.name}" and folder != work:
            yield from unfinished_in(folder)


def owned_by(journal: Path, run: object) -> bool:
    """Return whether a journal is that of a run: it may have another owner by now."""
    left = inspect(journal)
    return left is not None and left.owner is not None and left.owner == run
