"""The journal's file: opened durably, checked row by row, set aside where it is damaged, old or somebody else's.

A file is never deleted here. What is whole in a damaged journal is taken over, and so is a journal of a former
format. Where the answers cannot be used (their options are lost, or a later pgen made them), the file stays as it is
and the run is refused: answers of unknown options would be worse than none.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from pgen.errors import ConfigError, StorageError
from pgen.storage.durable import sync
from pgen.storage.journal_metadata import COPIES, settle
from pgen.storage.recovery.integrity import APPLICATION, FORMER, beside, number, problem, read
from pgen.storage.recovery.pages import logged_leaves
from pgen.storage.recovery.rebuild import INSERT, Rebuild
from pgen.storage.recovery.row_formats import VERSION, answer_of
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
"""The ending of a journal that is made of one that is damaged or of a former format."""


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """What SQLite or the system says of the disk, as StorageError."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise StorageError(f"the journal {path} cannot be used ({error})", path) from error


def opened(path: Path) -> sqlite3.Connection:
    """The journal at `path`, new where there is none. Raises StorageError, and ConfigError where it cannot be used."""
    with storing(path):
        rebuilt = path.with_name(path.name + REBUILT)
        if rebuilt.exists() and not path.exists():  # killed in the last steps of `_rebuild`
            _replace(path, rebuilt)
        if path.exists() and (why := problem(path)):
            _rebuild(path, rebuilt, why)
        # Reading SQLite's files drops this process's locks on them, as POSIX has it for every descriptor that is
        # closed. So they are read before, and the connection that holds the locks from here on is another one.
        with closing(_connect(path)) as db:
            _finish_commit(db, path)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    # Autocommit: transactions begin and end where this package says so.
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        db.execute(f"PRAGMA page_size={PAGE}")  # of a new file, whatever SQLite's default is
        _durable(db)
        if not number(db, "user_version"):
            db.executescript(_SCHEMA)
            sync(path.parent)  # SQLite syncs what it writes; that the file is there at all, the folder tells
    except BaseException:
        db.close()
        raise
    return db


def _finish_commit(db: sqlite3.Connection, path: Path) -> None:
    """Take over the answers of a last commit whose end is missing: each is verified by itself."""
    db.execute("BEGIN IMMEDIATE")
    rows = (row for page in logged_leaves(path, unread(path).frames) for row in page if row)
    db.executemany(INSERT, [answer for row in rows if (answer := answer_of(row))])
    db.execute("COMMIT")


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


def _rebuild(path: Path, rebuilt: Path, why: str) -> None:
    """Make a journal of what is whole in this one; only then set this one aside, and put the other in its place."""
    _remove(rebuilt)
    with closing(_connect(rebuilt)) as db:
        rebuild = Rebuild(db)
        if why == FORMER:
            with closing(read(path)) as old:
                rebuild.from_tables(old)
        else:
            rebuild.from_pages(path)
        settle(db)  # what cannot be written shows here; closing would pass over it
        answers, usable = rebuild.answers, rebuild.usable
    if answers and not usable:
        _remove(rebuilt)
        raise ConfigError(
            f"the journal {path} {why}; the options that its {answers:,} answers were made with are lost, so that "
            "these cannot be used. Start anew with --fresh, which asks for them again, or put a copy in its place."
        )
    aside = _replace(path, rebuilt)
    kept = f"{answers:,} answers in it are whole and were taken over" if answers else "nothing was taken from it"
    print(f"pgen: the journal {path} {why}. It was set aside as {aside}; {kept}.", file=sys.stderr)


def _remove(path: Path) -> None:
    for file in (path, *beside(path)):
        file.unlink(missing_ok=True)


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
    for old in (path, *beside(path)):
        if old.exists():
            old.rename(aside.with_name(aside.name + old.name.removeprefix(path.name)))
    return aside
