"""The disk operations of a run, numbered, with an action before or after one of them."""

import errno
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq

type Act = Callable[[str], None]

_OPERATIONS = [(os, name) for name in ("fsync", "rename", "link", "mkdir", "unlink", "rmdir")]
_OPERATIONS += [(pq.ParquetWriter, "write_table"), (pq.ParquetWriter, "close")]
_OF_SQLITE = {
    errno.ENOSPC: "database or disk is full",
    errno.EIO: "disk I/O error",
    errno.EROFS: "attempt to write a readonly database",
}


class Points:
    """Counts operations while `active`; calls `act` before or after operation number `at`, as `side` says."""

    def __init__(self, at: int = -1, side: str = "before", act: Act = lambda name: None) -> None:
        self.at, self.side, self.act = at, side, act
        self.names: list[str] = []
        self.active = True

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            if not self.active:
                return real(*args, **kwargs)
            number = len(self.names)
            self.names.append(name)
            if number == self.at and self.side == "before":
                self.act(name)
            try:
                return real(*args, **kwargs)
            finally:
                if number == self.at and self.side == "after":
                    self.act(name)

        return operation

    @contextmanager
    def installed(self) -> Iterator["Points"]:
        with ExitStack() as stack:
            for owner, name in _OPERATIONS:
                stack.enter_context(patch.object(owner, name, self.wrap(name, getattr(owner, name))))
            opened = Path.open

            def open_(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
                real = lambda: opened(path, mode, *args, **kwargs)  # noqa: E731
                return self.wrap("write", real)() if mode in ("x", "xb") else real()

            stack.enter_context(patch.object(Path, "open", open_))
            connect = sqlite3.connect
            stack.enter_context(
                patch.object(sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "factory": self._connection()}))
            )
            yield self

    def _connection(self) -> type[sqlite3.Connection]:
        points = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *args: Any) -> Any:
                real = super().execute
                return points.wrap("commit", real)(sql, *args) if sql == "COMMIT" else real(sql, *args)

        return Connection


def kill(name: str) -> None:
    """Kill this process as the system does when memory runs out: no handler, no cleanup."""
    os.kill(os.getpid(), signal.SIGKILL)


def failing(number: int) -> Act:
    """Return an action that raises the error of the system or of SQLite with that number."""

    def act(name: str) -> None:
        if name == "commit":
            raise sqlite3.OperationalError(_OF_SQLITE.get(number, "unable to open database file"))
        raise OSError(number, os.strerror(number))

    return act
