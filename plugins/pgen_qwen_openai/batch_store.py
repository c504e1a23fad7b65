"""The state of batches, in a folder: which requests are in which batch, the files of batches, and the responses.

A database is the truth about files and batches, and holds the responses; each change is on the disk before the next
step. Requests are known by a custom id, which depends on their content. A file that has no batch in the database is
written again.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal
from uuid import uuid4

from pgen.errors import ConfigError, SampleError, StorageError
from pgen.safety.redaction import clean_json
from pgen.storage.durable import make_folder, sync
from pgen_qwen_openai.error_response import error_details
from pgen_qwen_openai.messages import read_reply

type State = Literal["written", "submitting", "submitted"]
"""A file that was not submitted; one that may have been; a batch with an id."""

MAX_BATCHES = 3
"""Batches that a request is part of at most, where none of them returns a response to it."""

ENDPOINT = "/v1/chat/completions"

_TRANSIENT = frozenset({0, 408, 409, 429})
_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, id TEXT NOT NULL, token TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS requests (
    custom_id TEXT PRIMARY KEY, batch INTEGER NOT NULL, batches INTEGER NOT NULL, reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS responses (
    custom_id TEXT PRIMARY KEY, status INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of requests whose responses are missing; `id` is the service's, `token` ours."""

    number: int
    state: State
    id: str
    token: str
    size: int


class BatchStore:
    """Belongs to one process at a time. Raises StorageError where the disk fails, ConfigError where it is in use."""

    def __init__(self, folder: Path, max_requests: int, max_bytes: int) -> None:
        self.folder, self._max_requests, self._max_bytes = folder, max_requests, max_bytes
        self._file: BinaryIO | None = None
        self._number = self._count = self._bytes = 0
        with self._errors():
            make_folder(folder)
            self._db = _connect(folder / "batches.sqlite")
            for part in folder.glob("*.part"):
                part.unlink()

    def close(self) -> None:
        """Release the folder; a file that is not complete is dropped."""
        if self._file:
            self._file.close()
        self._db.close()

    def response(self, custom_id: str) -> tuple[int, Any] | None:
        """Return the status and the body of a response, or None. Raises SampleError where no batch has returned one."""
        row = self._one("SELECT status, body FROM responses WHERE custom_id = ?", custom_id)
        if row is not None:
            return row[0], json.loads(row[1])
        row = self._one("SELECT batch, batches, reason FROM requests WHERE custom_id = ?", custom_id)
        if row and row[1] >= MAX_BATCHES and not self._is_pending(row[0]):
            raise SampleError("transport", f"{MAX_BATCHES} batches returned no response: {row[2] or 'none was there'}")
        return None

    def waits(self, custom_id: str) -> bool:
        """Return whether the request is in a batch without responses, or in the file that is being written."""
        row = self._one("SELECT batch FROM requests WHERE custom_id = ?", custom_id)
        return row is not None and (row[0] == self._number or self._is_pending(row[0]))

    def add(self, custom_id: str, body: bytes) -> None:
        """Add a request to the file that is being written; a full one is completed first."""
        head = f'{{"custom_id":"{custom_id}","method":"POST","url":"{ENDPOINT}","body":'.encode()
        line = head + body + b"}\n"
        with self._errors():
            if self._file and (self._count >= self._max_requests or self._bytes + len(line) > self._max_bytes):
                self.complete_file()
            if not self._file:
                self._begin_file()
            assert self._file is not None
            self._file.write(line)
            self._count, self._bytes = self._count + 1, self._bytes + len(line)
            self._db.execute(
                "INSERT INTO requests VALUES (?, ?, 1, '') "
                "ON CONFLICT DO UPDATE SET batch = excluded.batch, batches = batches + 1",
                (custom_id, self._number),
            )

    def complete_file(self) -> None:
        """Put the file on the disk and record it, both or neither."""
        if not self._file:
            return
        with self._errors():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            path = self.path(self._number)
            path.with_suffix(".part").rename(path)
            sync(self.folder)
            self._db.execute("INSERT INTO batches VALUES (?, 'written', '', ?)", (self._number, uuid4().hex))
            self._db.execute("COMMIT")
        self._file, self._number = None, 0

    def path(self, number: int) -> Path:
        """Return the file of a batch."""
        return self.folder / f"requests-{number:04}.jsonl"

    def pending(self) -> list[Batch]:
        """Return the batches whose responses are missing."""
        query = "SELECT number, state, id, token, (SELECT count(*) FROM requests WHERE batch = number) FROM batches"
        with self._errors():
            return [Batch(*row) for row in self._db.execute(f"{query} ORDER BY number")]

    def set_state(self, batch: Batch, state: State, batch_id: str = "") -> None:
        """Record how far a batch is."""
        with self._errors():
            self._db.execute("UPDATE batches SET state = ?, id = ? WHERE number = ?", (state, batch_id, batch.number))

    def withdraw(self, batch: Batch) -> None:
        """Forget a batch that was refused, with its requests: these are written again when they are wanted."""
        with self._transaction():
            self._db.execute("DELETE FROM requests WHERE batch = ?", (batch.number,))
            self._db.execute("DELETE FROM batches WHERE number = ?", (batch.number,))

    def receive(self, batch: Batch, lines: Iterable[bytes]) -> int:
        """Store the responses to a batch and end it; return how many. Lines are in any order, and may be anything.

        A request without a valid response may be part of another batch.
        """
        count = 0
        with self._transaction():
            for line in lines:
                custom_id, status, body, reason = _parse(line)
                where = (custom_id, batch.number)
                if not self._one("SELECT 1 FROM requests WHERE custom_id = ? AND batch = ?", *where):
                    continue
                if reason:
                    self._db.execute(
                        "UPDATE requests SET reason = ? WHERE custom_id = ? AND batch = ?", (reason, *where)
                    )
                    continue
                added = self._db.execute(
                    "INSERT OR IGNORE INTO responses VALUES (?, ?, ?)", (custom_id, status, clean_json(body))
                )
                count += added.rowcount
            self._db.execute("DELETE FROM batches WHERE number = ?", (batch.number,))
        return count

    def _begin_file(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._number = self._db.execute("SELECT coalesce(max(batch), 0) + 1 FROM requests").fetchone()[0]
        self._count = self._bytes = 0
        self._file = self.path(self._number).with_suffix(".part").open("wb")

    def _is_pending(self, number: int) -> bool:
        return self._one("SELECT 1 FROM batches WHERE number = ?", number) is not None

    def _one(self, query: str, *values: Any) -> Any:
        with self._errors():
            return self._db.execute(query, values).fetchone()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if "locked" in str(error):
                raise ConfigError(f"the folder {self.folder} is used by another run; wait for its end.") from None
            raise StorageError(f"the batches in {self.folder} cannot be stored ({error})", self.folder) from error


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")  # the lock of the first transaction is kept
        db.execute("PRAGMA synchronous=EXTRA")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("COMMIT")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _parse(line: bytes) -> tuple[str, int, str, str]:
    """Return the custom id, the status and the body of a response, and why it is none, or empty."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return "", 0, "", "a line is no JSON"
    value = value if isinstance(value, dict) else {}
    custom_id, response = str(value.get("custom_id")), value.get("response")
    response = response if isinstance(response, dict) else {}
    status, body = response.get("status_code"), response.get("body")
    status = status if isinstance(status, int) else 0
    if status in _TRANSIENT or status >= 500:
        return custom_id, status, "", error_details(value.get("error") or body).message or "it has no response"
    try:
        if 200 <= status < 300 and read_reply(body) is None:
            return custom_id, status, "", "the response is no chat completion"
    except SampleError:
        pass  # a refusal is a response
    return custom_id, status, json.dumps(body), ""
