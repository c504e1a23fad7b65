"""The journal of a run: an SQLite file that holds every finished sample, so that none is asked twice.

An answer is done once the transaction that holds it is on the disk. What changes replies is claimed by the
run (its options, then the model that answers); a journal with answers is refused under other claims. Samples
are known by their content (`pgen.seeds.sample_key`), so an answer never serves another skill or history.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError, InputError
from pgen.records import Annotation, Dialogue, Failure, Plan, Sample, Usage
from pgen.seeds import sample_key

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS samples (key TEXT PRIMARY KEY, ok INTEGER NOT NULL, content TEXT NOT NULL) WITHOUT ROWID;
"""


class Journal:
    """Raises InputError where the file is none of pgen's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            # WAL: one fsync a commit instead of two, and a reader never waits for the writer.
            # FULL: without it a commit in WAL mode is not yet on the disk after a power cut.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise InputError(f"{path} is no usable journal ({error}); move it away, or start with --fresh.") from None

    def claim(self, name: str, value: Any) -> None:
        """What has to agree for finished answers to be valid, as a JSON value. Raises ConfigError where it differs."""
        known = self.recall(name)
        if known is not None and not self.empty:
            if changed := differences(known, json.loads(json.dumps(value)), name):
                raise ConfigError(
                    f"{self.path} belongs to a run with other options ({'; '.join(changed)}). Take the former options "
                    "to go on with it, or start anew with --fresh."
                )
            return
        self.remember(name, value)

    def remember(self, name: str, value: Any) -> None:
        """Keep a JSON value by its name, durably."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", (name, json.dumps(value)))

    def recall(self, name: str) -> Any:
        """The value that was kept by that name, or None."""
        with self._lock:
            row = self._db.execute("SELECT content FROM run WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def add(self, annotations: Iterable[Annotation]) -> None:
        """Store finished samples durably; a sample that failed before is replaced."""
        rows = [(sample_key(a.sample), a.dialogue is not None, _content(a)) for a in annotations]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def answered(self, sample: Sample) -> bool:
        """Whether the sample has a dialogue; one that failed has none and is asked again."""
        return self._row(sample, "SELECT 1 FROM samples WHERE key = ? AND ok") is not None

    def get(self, sample: Sample) -> Annotation | None:
        """What came of a sample, or None where it was never finished."""
        row = self._row(sample, "SELECT content FROM samples WHERE key = ?")
        return None if row is None else _annotation(sample, row[0])

    def keep(self, key: str, value: Any) -> None:
        """Store an answer of another form durably, as a JSON value by a key of its content."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO samples VALUES (?, 1, ?)", (key, json.dumps(value)))

    def kept(self, key: str) -> Any:
        """The answer that was kept by that key, or None."""
        with self._lock:
            row = self._db.execute("SELECT content FROM samples WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    @property
    def empty(self) -> bool:
        """Whether no sample was ever finished."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM samples LIMIT 1").fetchone() is None

    def close(self) -> None:
        self._db.close()

    def _row(self, sample: Sample, query: str) -> Any:
        with self._lock:
            return self._db.execute(query, (sample_key(sample),)).fetchone()


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """The places where two JSON values differ, as `path: old, now new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [d for key in keys for d in differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))]
    return [] if old == new else [f"{path}: {old!r}, now {new!r}"]


def _content(annotation: Annotation) -> str:
    parts = {"plan": asdict(annotation.plan), "usage": asdict(annotation.usage)}
    name = "dialogue" if annotation.dialogue else "failure"
    return json.dumps({**parts, name: asdict(annotation.outcome)}, ensure_ascii=True, separators=(",", ":"))


def _annotation(sample: Sample, content: str) -> Annotation:
    parts = json.loads(content)
    dialogue = parts.get("dialogue")
    outcome = Dialogue(**dialogue) if dialogue else Failure(**parts["failure"])
    return Annotation(sample, Plan(**parts["plan"]), outcome, Usage(**parts["usage"]))
