"""What an unfinished command left in a file: whether that is a journal of pgen, whose, and with how many answers.

Nothing is written to the file. A journal may be damaged in any place; it is recognized by what is left of it.
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
from pgen.storage.recovery.integrity import APPLICATION, number, read

COMMAND = "command"
"""The name in the journal's table `run` of the command that it belongs to."""

_KEEP_ANSWERS = frozenset(
    {"annotate", "annotate --in-place", "annotate --segment", "annotate --segment --in-place", "segment"}
)
"""The commands that have a journal of their own."""

_MAGIC = b"SQLite format 3\0"
_MARKS = (APPLICATION.to_bytes(4, "big"), b"CREATE TABLE samples", b"CREATE TABLE run")
"""At least one of them is in the first pages of a journal whose header is destroyed."""
_LOOKED_AT = 65536
_SIDE_FILES = {
    "-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    "-shm": ((3007000).to_bytes(4, "little"), (3007000).to_bytes(4, "big"), bytes(4)),
    "-journal": (b"\xd9\xd5\x05\xf9", bytes(4)),
}
"""How SQLite's own files beside a database begin, where they are not empty."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """`answers` is None where they cannot be counted, `command` where it is not recorded."""

    path: Path
    ours: bool
    answers: int | None = None
    command: str | None = None
    owner: str | None = None
    options: Any = None

    @property
    def worthless(self) -> bool:
        """Whether no answer would be lost with it."""
        return self.ours and self.answers == 0

    def check(self, command: str, journal: Path, fresh: bool) -> None:
        """Raise ConfigError where `command`, whose own journal is `journal`, would lose the answers or not use them."""
        mine = self.command in (None, command) and command in _KEEP_ANSWERS
        if mine and fresh and self.answers is None:
            raise ConfigError(
                f"--fresh: {self.path} is not a journal of pgen, or so damaged that this cannot be known; move it away."
            )
        if self.worthless or (mine and (fresh or self.path == journal)):
            return
        if mine:
            raise ConfigError(f"{self}: add --journal {self.path} to go on with it, or --fresh to start anew.")
        raise ConfigError(
            f"{self}. Finish that by the same command, or throw the answers away by the same command with --fresh."
        )

    def __str__(self) -> str:
        if self.answers is None:
            return f"{self.path} is no journal that can be read, and may hold answers of an unfinished command"
        count = "1 answer" if self.answers == 1 else f"{self.answers:,} answers"
        return f"{self.path} holds {count} of an unfinished `pgen {self.command or 'annotate'}`"


def inspect(path: Path) -> Leftover | None:
    """What the file at `path` is; None where there is none, or an empty one."""
    if not path.is_file() or not (path.stat().st_size or _beside(path, "-wal")):
        return None
    begins = _start(path, _LOOKED_AT)
    if not begins:
        return Leftover(path, True)  # not opened: SQLite would delete the WAL of an empty file
    if not begins.startswith(_MAGIC):
        return Leftover(path, any(mark in begins for mark in _MARKS))
    try:
        # Not read-only: what a killed process committed may be in the WAL alone, which SQLite then has to index.
        with closing(read(path)) as db:
            return _described(path, db)
    except sqlite3.Error:
        return Leftover(path, any(mark in begins for mark in _MARKS))


def check_journal(path: Path) -> None:
    """Raise ConfigError where `--journal` names no file that can be a journal, or one that is something else."""
    exists = os.path.lexists(path)
    if not path.parent.is_dir() or (exists and not path.is_file()):
        raise ConfigError(f"--journal {path}: name a file in a folder that exists.")
    if not os.access(path.parent, os.W_OK | os.X_OK) or (exists and not os.access(path, os.R_OK | os.W_OK)):
        raise ConfigError(f"--journal {path} cannot be written; name a file in a folder that can be written to.")
    left = inspect(path)
    if other := path if left and not left.ours else _foreign_file(path):
        raise ConfigError(f"--journal {path}: {other} is not a journal of pgen; name another file.")


def unfinished_in(folder: Path) -> Iterator[Leftover]:
    """The journals below a folder that may hold answers, of whatever command."""
    for path in sorted(folder.rglob(".*.pgen/*.sqlite*")):
        left = None if path.name.endswith(tuple(_SIDE_FILES)) else inspect(path)
        if left and not left.worthless:
            yield left


def remove_journal(path: Path) -> None:
    """Remove the journal, durably, its database last: a WAL whose database is gone would be applied to the next."""
    for ending in (REBUILT, *_SIDE_FILES, ""):
        file = path.with_name(path.name + ending)
        if file.exists():
            file.unlink()
            sync(file.parent)


def _foreign_file(path: Path) -> Path | None:
    """A file beside the journal at `path` that has the name of one of SQLite's, and is none."""
    for ending, beginnings in _SIDE_FILES.items():
        side = path.with_name(path.name + ending)
        begins = _start(side, 4) if side.is_file() else b""
        if side.is_dir() or (begins and begins not in beginnings):
            return side
    return None


def _described(path: Path, db: sqlite3.Connection) -> Leftover:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return Leftover(path, True, 0)  # killed as it made the journal
    ours = number(db, "application_id") == APPLICATION or (tables >= {"run", "samples"} and _of_first_format(db))
    if not ours:
        return Leftover(path, False)
    options = _recalled(db, "options")
    command = _recalled(db, COMMAND) or (options.get("job", "annotate") if isinstance(options, dict) else None)
    answers = None
    with suppress(sqlite3.Error):
        answers = db.execute("SELECT count(*) FROM samples").fetchone()[0]
    return Leftover(path, True, answers, command, _recalled(db, "owner"), options)


def _of_first_format(db: sqlite3.Connection) -> bool:
    """Whether the tables are those of journals from before they were marked as pgen's."""
    return {"key", "ok", "content"} <= {row[1] for row in db.execute("PRAGMA table_info(samples)")}


def _recalled(db: sqlite3.Connection, name: str) -> Any:
    with suppress(sqlite3.Error, ValueError, TypeError):
        return json.loads(db.execute("SELECT content FROM run WHERE name = ?", (name,)).fetchone()[0])
    return None


def _beside(path: Path, ending: str) -> bool:
    side = path.with_name(path.name + ending)
    return side.is_file() and side.stat().st_size > 0


def _start(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)
