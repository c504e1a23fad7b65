"""The last step of all that is printed: keys are blotted out of the bytes on their way to the terminal."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, BinaryIO, TextIO, cast

from pgen.safety.redaction import keys, look_around


class GuardedBytes(io.BufferedIOBase):
    """Passes bytes on without keys. What may be the beginning of one waits for what follows it."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._held, self._lock = inner, b"", RLock()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with self._lock:
            whole, known = self._held + bytes(data), keys()
            ready = len(whole) - known.unfinished(whole)
            self._held = whole[ready:]
            self._inner.write(known.data(whole[:ready]))
        return len(data)

    def flush(self) -> None:
        self._inner.flush()

    def release(self) -> None:
        """Pass on what waits: nothing follows."""
        with self._lock:
            held, self._held = self._held, b""
            self._inner.write(keys().data(held))
            self._inner.flush()

    def fileno(self) -> int:
        return int(self._inner.fileno())

    def isatty(self) -> bool:
        return bool(self._inner.isatty())


@contextmanager
def guarded() -> Iterator[None]:
    """Standard output and standard error without keys, while this is entered."""
    look_around()
    before, guards = (sys.stdout, sys.stderr), list[tuple[TextIO, GuardedBytes]]()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):  # a process may have been started without
            bytes_of = GuardedBytes(stream.buffer)
            guard = io.TextIOWrapper(
                cast(BinaryIO, bytes_of),
                stream.encoding,
                stream.errors,
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            guards.append((guard, bytes_of))
            setattr(sys, name, guard)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for text_of, bytes_of in guards:
            text_of.flush()
            bytes_of.release()
