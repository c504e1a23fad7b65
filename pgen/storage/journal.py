"""The journal of a run: an SQLite file with every finished sample, so that no request is repeated.

A result survives the process once it is committed, and a power cut once `sync` has returned. The run claims what its
results depend on (its options, then the model); other claims are refused while the journal has results. Samples are
identified by their content (`pgen.seeds.journal_key`). Every row has a checksum; a damaged journal is set aside, and
its intact rows are recovered.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import batched, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.records import Annotation, Sample
from pgen.safety.redaction import clean_json, redacted
from pgen.seeds import journal_keys
from pgen.storage.journal_db import open_database, storage_errors
from pgen.storage.journal_metadata import checkpoint, rewrite_copy, store
from pgen.storage.journal_rows import NO_EPISODE, Row, annotation_of, row_of, with_checksum
from pgen.storage.journal_wal import Log
from pgen.storage.validity import completed, differences

_BATCH = 500
"""Samples that are looked up at once."""

_OWNER = "owner"
"""The metadata with the token of the run that may write."""

_INSERT = "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)"

_episode_of = attrgetter("span.episode_index")


class Journal:
    """Raises StorageError where the file cannot be read or written. Methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._token: str | None = None
        self._check_lock: Callable[[], None] = lambda: None
        self._db = open_database(path)
        with storage_errors(path):
            self._file = _file_id(path)
            self._log = Log(path, self._db, self._lock, self._rewrite_copy)

    def own(self, token: str, check_lock: Callable[[], None] = lambda: None) -> None:
        """Let this object alone write from now on, durably.

        `token` identifies the run's lock; `check_lock` raises where the lock is lost, and is called within every
        transaction. Objects in any process that own the journal under another token raise ConfigError at their next
        write, as does this one once the journal has another owner.
        """
        self._token, self._check_lock = None, check_lock
        self.set_metadata(_OWNER, token)
        self._token = token

    def claim(self, name: str, value: Any, defaults: Any = None) -> None:
        """Store a JSON value that the results depend on. Raises ConfigError if they depend on another one.

        Options that the stored value lacks are taken from `defaults`, which has the form of `value`.
        """
        recorded, value = self.metadata(name), json.loads(json.dumps(redacted(value)))
        if recorded is not None and not self.empty:
            if changed := differences(completed(recorded, value, defaults), value, name):
                count = self._execute("SELECT count(*) FROM samples WHERE ok")[0]
                raise ConfigError(
                    f"{self.path} belongs to a run with other options ({'; '.join(changed)}). Use the previous options "
                    f"to resume it, or start anew with --fresh, which requests {count:,} results again."
                )
            if recorded == value:
                return
        self.set_metadata(name, value)

    def set_metadata(self, name: str, value: Any) -> None:
        """Store a JSON value under a name, durably and without secrets."""
        with self._transaction():
            store(self._db, {name: json.dumps(redacted(value))})
        self.sync()
        with self._lock, storage_errors(self.path):
            checkpoint(self._db)
        self._rewrite_copy()

    def metadata(self, name: str) -> Any:
        """Return the value stored under a name, or None."""
        row = self._execute("SELECT content FROM run WHERE name = ?", name)
        return None if row is None else json.loads(row[0])

    def add(self, annotations: Iterable[Annotation]) -> None:
        """Commit finished samples; a sample that failed before is replaced."""
        added = list(annotations)
        keys = journal_keys(annotation.sample for annotation in added)
        self._insert([row_of(annotation, key) for annotation, key in zip(added, keys, strict=True)])

    def unanswered(self, samples: Sequence[Sample]) -> list[Sample]:
        """Return the samples without a dialogue, failed ones included; fastest for many of one episode at once."""
        if self.empty:
            return list(samples)
        missing: list[Sample] = []
        for _, group in groupby(samples, _episode_of):
            episode = list(group)
            keys = list(journal_keys(episode))
            answered = {key for (key,) in self._select("key", "AND ok", episode, keys)}
            missing += [sample for sample, key in zip(episode, keys, strict=True) if key not in answered]
        return missing

    def failures(self, samples: Sequence[Sample]) -> list[int]:
        """Return the number of each sample's failure, 0 where there is none; samples of one episode.

        A later failure has a larger number, as a row that is replaced gets a new rowid, larger than all others.
        """
        return [row[1] if row and not row[0] else 0 for row in self._rows(samples, "ok, rowid")]

    def holds_failures(self, episode: int) -> bool:
        """Return whether a sample of the episode failed."""
        return self._execute("SELECT 1 FROM samples WHERE episode = ? AND NOT ok LIMIT 1", episode) is not None

    @property
    def latest(self) -> int:
        """The largest number of a failure so far, or a larger one."""
        return self._execute("SELECT max(rowid) FROM samples")[0] or 0

    def get(self, sample: Sample) -> Annotation | None:
        """Return the result of a sample, or None."""
        return next(iter(self.get_all([sample])))

    def get_all(self, samples: Iterable[Sample]) -> Iterator[Annotation | None]:
        """Return the result of each sample, or None; samples of one episode are looked up in batches."""
        for _, episode in groupby(samples, _episode_of):
            for batch in batched(episode, _BATCH):
                for sample, row in zip(batch, self._rows(batch, "content"), strict=True):
                    yield annotation_of(sample, row[0]) if row else None

    def add_values(self, results: Iterable[tuple[str, Any]]) -> None:
        """Commit results that are no annotations, as JSON values by a key of what they depend on."""
        encoded = ((key.encode(), clean_json(json.dumps(value))) for key, value in results)
        self._insert([with_checksum(NO_EPISODE, key, 1, content) for key, content in encoded])

    def value(self, key: str) -> Any:
        """Return the result committed by `add_values` under that key, or None."""
        query = "SELECT content FROM samples WHERE episode = ? AND key = ?"
        row = self._execute(query, NO_EPISODE, key.encode())
        return None if row is None else json.loads(row[0])

    def values(self) -> list[tuple[str, Any]]:
        """Return the results committed by `add_values` with their keys, in the order of the keys."""
        query = "SELECT key, content FROM samples WHERE episode = ? ORDER BY key"
        with self._lock, storage_errors(self.path):
            rows = self._db.execute(query, (NO_EPISODE,)).fetchall()
        return [(key.decode(), json.loads(content)) for key, content in rows]

    @property
    def empty(self) -> bool:
        """Whether there are no results."""
        return self._execute("SELECT 1 FROM samples LIMIT 1") is None

    def sync(self) -> None:
        """Write everything that was committed to the disk; commits continue meanwhile."""
        with storage_errors(self.path):
            self._log.sync()

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._log.close()
        self._db.close()

    def _execute(self, query: str, *values: Any) -> Any:
        """Return the first row of a query, or None."""
        with self._lock, storage_errors(self.path):
            return self._db.execute(query, values).fetchone()

    def _rows(self, samples: Sequence[Sample], columns: str) -> list[Any]:
        """Return some columns of each sample's row, or None; samples of one episode."""
        keys = list(journal_keys(samples))
        rows = {row[0]: row[1:] for row in self._select(f"key, {columns}", "", samples, keys)}
        return [rows.get(key) for key in keys]

    def _select(self, columns: str, condition: str, samples: Sequence[Sample], keys: Sequence[bytes]) -> list[Any]:
        """Return some columns of the rows of an episode, from the first of the samples' keys to the last."""
        # One range of the index: keys of an episode are in the order of its frames.
        query = f"SELECT {columns} FROM samples WHERE episode = ? AND key BETWEEN ? AND ? {condition}"  # noqa: S608 (constants)
        with self._lock, storage_errors(self.path):
            return self._db.execute(query, (_episode_of(samples[0]), min(keys), max(keys))).fetchall()

    def _insert(self, rows: list[Row]) -> None:
        with self._transaction():
            self._db.executemany(_INSERT, rows)

    def _rewrite_copy(self) -> None:
        """Begin the WAL with a copy of the metadata, in case nothing else is left after damage."""
        with self._transaction():
            rewrite_copy(self._db)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit all or nothing; after an error the journal is unchanged and can be written again."""
        with self._lock, storage_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._check_owner()
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _check_owner(self) -> None:
        """Raise ConfigError where another run has taken over. Called within a transaction.

        A process may be stopped for longer than its lock lasts, and resume anywhere. The transaction excludes all
        other writers, so the owner cannot change between this check and the commit.
        """
        self._check_lock()
        if self._token is None:
            return
        row = self._db.execute("SELECT content FROM run WHERE name = ?", (_OWNER,)).fetchone()
        # A run with --fresh has another file under this name: what is written to the old one would be lost.
        if row is None or json.loads(row[0]) != self._token or _file_id(self.path) != self._file:
            raise ConfigError(
                f"the journal {self.path} was taken over by another run; this one ends, and writes nothing more."
            )


def _file_id(path: Path) -> tuple[int, int] | None:
    """Return which file has the name, or None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
