"""The journal of a run: an SQLite file that holds every finished sample, so that none is asked twice.

An answer survives this process once it is committed, and a power cut once `sync` has returned. What changes
replies is claimed by the run (its options, then the model that answers); a journal with answers is refused under
other claims. Samples are known by their content (`pgen.seeds.journal_key`), so an answer never serves another skill
or history. Every row has a checksum: a journal that was damaged is set aside, and what is whole in it is taken over.
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
from pgen.seeds import journal_key
from pgen.storage.journal_db import opened, storing
from pgen.storage.journal_metadata import repeat, settle, store
from pgen.storage.journal_rows import annotation_of, row_of
from pgen.storage.journal_wal import Log
from pgen.storage.recovery.former_versions import FormerAnswers
from pgen.storage.recovery.row_formats import FORMER_KEYS, NO_EPISODE, checked
from pgen.storage.validity import completed, differences

_AT_ONCE = 500
"""Keys of one query."""

_OWNER = "owner"
"""The name in the run table of the token of whoever may write."""

_episode_of = attrgetter("span.episode_index")


class Journal:
    """Raises StorageError where the file cannot be read or written; one that is damaged is set aside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._token: str | None = None
        self._check_lock: Callable[[], None] = lambda: None
        self._db = opened(path)
        with storing(path):
            self._former = FormerAnswers(self._db)
            self._file = _identity(path)
            self._log = Log(path, self._db, self._lock, self._repeat)

    def own(self, token: str, check_lock: Callable[[], None] = lambda: None) -> None:
        """Let this object alone write from here on, durably.

        `token` is that of the run's lock, and `check_lock` raises where the lock is lost, which is checked within
        each transaction, that of the token included. Objects that own the journal under another token, in whatever
        process, raise ConfigError when they write next, as this one does once the journal has another owner.
        """
        self._token, self._check_lock = None, check_lock
        self.remember(_OWNER, token)
        self._token = token

    def claim(self, name: str, value: Any, defaults: Any = None) -> None:
        """Bind the journal to a JSON value on which its answers depend. Raises ConfigError where they had another one.

        An option that the recorded value lacks had what `defaults` says, which has the form of `value`.
        """
        recorded, value = self.recall(name), json.loads(json.dumps(redacted(value)))
        if recorded is not None and not self.empty:
            if changed := differences(completed(recorded, value, defaults), value, name):
                raise ConfigError(
                    f"{self.path} belongs to a run with other options ({'; '.join(changed)}). Take the former options "
                    f"to go on with it, or start anew with --fresh, which asks for {self._answers():,} answers again."
                )
            if recorded == value:
                return
        self.remember(name, value)

    def remember(self, name: str, value: Any) -> None:
        """Keep a JSON value by its name, durably, without secrets."""
        with self._transaction():
            store(self._db, {name: json.dumps(redacted(value))})
        self.sync()
        with self._lock, storing(self.path):
            settle(self._db)
        self._repeat()

    def _repeat(self) -> None:
        """Have a copy of what is remembered at the beginning of the WAL, which may be all that is left."""
        with self._transaction():
            repeat(self._db)

    def recall(self, name: str) -> Any:
        """The value that was kept by that name, or None."""
        with self._lock, storing(self.path):
            row = self._db.execute("SELECT content FROM run WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def add(self, annotations: Iterable[Annotation]) -> None:
        """Commit finished samples; a sample that failed before is replaced. Raises StorageError."""
        rows = [row_of(annotation) for annotation in annotations]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)", rows)

    def answered(self, sample: Sample) -> bool:
        """Whether the sample has a dialogue; one that failed has none and is asked again."""
        return not self.unanswered([sample])

    def unanswered(self, samples: Sequence[Sample]) -> list[Sample]:
        """Those of the samples that have no dialogue; quickest for many of an episode at once."""
        if self.empty:
            return list(samples)
        return [sample for _, some in groupby(samples, _episode_of) for sample in self._unanswered(list(some))]

    def _unanswered(self, samples: list[Sample]) -> list[Sample]:
        """The same of one episode."""
        keys = [journal_key(sample) for sample in samples]
        query = "SELECT key FROM samples WHERE episode = ? AND key BETWEEN ? AND ? AND ok"
        with self._lock, storing(self.path):
            answered = {key for (key,) in self._db.execute(query, (_episode_of(samples[0]), min(keys), max(keys)))}
            missing = [sample for sample, key in zip(samples, keys, strict=True) if key not in answered]
            former = self._former.contents(missing)
        return [sample for sample in missing if not former.get(sample, (False,))[0]] if former else missing

    def failures(self, samples: Sequence[Sample]) -> list[int]:
        """The number of the failure of each of an episode's samples, 0 where none failed; later ones have larger."""
        keys = [journal_key(sample) for sample in samples]
        query = "SELECT key, rowid FROM samples WHERE episode = ? AND key BETWEEN ? AND ? AND NOT ok"
        with self._lock, storing(self.path):
            numbers = dict(self._db.execute(query, (_episode_of(samples[0]), min(keys), max(keys))).fetchall())
        return [numbers.get(key, 0) for key in keys]

    def holds_failures(self, episode: int) -> bool:
        """Whether something of the episode failed."""
        with self._lock, storing(self.path):
            query = "SELECT 1 FROM samples WHERE episode = ? AND NOT ok LIMIT 1"
            return self._db.execute(query, (episode,)).fetchone() is not None

    @property
    def latest(self) -> int:
        """The largest number of a failure so far, or a larger one."""
        with self._lock, storing(self.path):
            # A row that is replaced gets a new rowid, larger than all others.
            return self._db.execute("SELECT max(rowid) FROM samples").fetchone()[0] or 0

    def get(self, sample: Sample) -> Annotation | None:
        """What came of a sample, or None where it was never finished."""
        return next(iter(self.get_all([sample])))

    def get_all(self, samples: Iterable[Sample]) -> Iterator[Annotation | None]:
        """What came of each of the samples; those of an episode are looked up many at once."""
        for _, of_one in groupby(samples, _episode_of):
            for some in batched(of_one, _AT_ONCE):
                yield from self._looked_up(some)

    def _looked_up(self, samples: Sequence[Sample]) -> Iterator[Annotation | None]:
        """The same of one episode."""
        keys = [journal_key(sample) for sample in samples]
        places = ",".join("?" * len(keys))
        query = f"SELECT key, content FROM samples WHERE episode = ? AND key IN ({places})"  # noqa: S608 (but places)
        with self._lock, storing(self.path):
            contents = dict(self._db.execute(query, (_episode_of(samples[0]), *keys)).fetchall())
            missing = [sample for sample, key in zip(samples, keys, strict=True) if key not in contents]
            former = self._former.contents(missing)
        for sample, key in zip(samples, keys, strict=True):
            content = contents.get(key) or (former[sample][1] if former and sample in former else None)
            yield None if content is None else annotation_of(sample, content)

    def keep(self, answers: Iterable[tuple[str, Any]]) -> None:
        """Commit answers of another form, as JSON values by keys of their content."""
        rows = [checked(NO_EPISODE, key.encode(), 1, clean_json(json.dumps(value))) for key, value in answers]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)", rows)

    def kept(self, key: str) -> Any:
        """The answer that was kept by that key, or None."""
        with self._lock, storing(self.path):
            query = "SELECT content FROM samples WHERE episode IN (?, ?) AND key = ? ORDER BY episode DESC"
            row = self._db.execute(query, (NO_EPISODE, FORMER_KEYS, key.encode())).fetchone()
        return None if row is None else json.loads(row[0])

    @property
    def empty(self) -> bool:
        """Whether no sample was ever finished."""
        with self._lock, storing(self.path):
            return self._db.execute("SELECT 1 FROM samples LIMIT 1").fetchone() is None

    def _answers(self) -> int:
        with self._lock, storing(self.path):
            return int(self._db.execute("SELECT count(*) FROM samples WHERE ok").fetchone()[0])

    def sync(self) -> None:
        """Have everything that was committed before on the disk. Blocks no commit. Raises StorageError."""
        with storing(self.path):
            self._log.sync()

    def close(self) -> None:
        self._log.close()
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; after an error the journal is as it was, and can be written again."""
        with self._lock, storing(self.path):
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
        """Raises ConfigError where another run has taken over. Called within a transaction.

        A process that was stopped for longer than its lock lasted may resume anywhere. The transaction excludes
        all other writers, so that the owner cannot change between this check and the commit.
        """
        self._check_lock()
        if self._token is None:
            return
        query = "SELECT content FROM run WHERE name = ?"
        row = self._db.execute(query, (_OWNER,)).fetchone()
        # A run with --fresh has another file under the same name; what is written to the old one is lost.
        if row is None or json.loads(row[0]) != self._token or _identity(self.path) != self._file:
            raise ConfigError(
                f"the journal {self.path} was taken over by another run; this one ends, and writes nothing more."
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file has the name, or None where none has."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
