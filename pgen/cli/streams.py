"""Standard output and error: free of keys and control sequences, and unable to end a command when they fail.

A full disk, a closed pipe or a closed descriptor would otherwise end a run at the next step of its progress bar.
"""

import errno
import io
import logging
import os
import sys
import traceback
from collections.abc import Buffer, Iterator
from contextlib import contextmanager
from threading import RLock
from types import TracebackType
from typing import Any, BinaryIO, TextIO, cast

from pgen.safety.redaction import keys, read_environment, redact
from pgen.safety.terminal import printable


class Descriptor(io.FileIO):
    """A file descriptor that drops all output after its first write error."""

    error: OSError | None = None

    def write(self, data: Buffer) -> int:
        if self.error is None:
            try:
                return super().write(data)
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes

    @property
    def failure(self) -> OSError | None:
        """The error that lost output. A closed pipe is none: its reader has read enough."""
        return None if self.error is None or self.error.errno == errno.EPIPE else self.error


class RedactedBytes(io.BufferedIOBase):
    """Passes bytes on without keys. Bytes that may begin a key wait for the next write."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._pending, self._lock = inner, b"", RLock()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with self._lock:
            text, secrets = self._pending + bytes(data), keys()
            ready = len(text) - secrets.unfinished(text)
            self._pending = text[ready:]
            self._inner.write(secrets.data(text[:ready]))
        return len(data)

    def flush(self) -> None:
        self._inner.flush()

    def release(self) -> None:
        """Pass the pending bytes on; no more will follow."""
        with self._lock:
            pending, self._pending = self._pending, b""
            self._inner.write(keys().data(pending))
            self._inner.flush()

    def fileno(self) -> int:
        return int(self._inner.fileno())

    def isatty(self) -> bool:
        return bool(self._inner.isatty())


def protect() -> Descriptor:
    """Replace the standard streams by ones that drop what cannot be written; return standard output's descriptor."""
    # The next file that is opened would get a closed descriptor's number, and messages would be written into it.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    output, errors = (Descriptor(number, "wb", closefd=False) for number in (1, 2))
    sys.stdout, sys.stderr = _protected(sys.stdout, output), _protected(sys.stderr, errors)
    return output


@contextmanager
def redacted_output() -> Iterator[None]:
    """Remove keys from everything written to standard output and standard error inside the context."""
    read_environment()
    before, redacted = (sys.stdout, sys.stderr), list[tuple[TextIO, RedactedBytes]]()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):  # absent where the process started without it
            data = RedactedBytes(stream.buffer)
            text = io.TextIOWrapper(
                cast(BinaryIO, data),
                stream.encoding,
                stream.errors,
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            redacted.append((text, data))
            setattr(sys, name, text)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for output, redactor in redacted:
            output.flush()
            redactor.release()


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an unexpected error with its traceback; for `sys.excepthook`."""
    sys.stderr.write(printable(redact("".join(traceback.format_exception(kind, error, trace)))))


def install_handlers() -> None:
    """Print unexpected errors and log messages without control characters and keys from now on."""
    sys.excepthook = show_traceback
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(PrintableFormatter("pgen: %(message)s"))
    logging.getLogger("pgen").handlers[:] = [handler]


class PrintableFormatter(logging.Formatter):
    """Formats log records without control characters and keys."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(redact(super().format(record)))


def _protected(stream: TextIO | None, descriptor: Descriptor) -> TextIO:
    """Return the stream on the descriptor, or unchanged where it is not the process's own, as in a notebook.

    Characters that its encoding lacks are escaped.
    """
    if stream is None:  # closed when the interpreter started
        return io.TextIOWrapper(io.BufferedWriter(descriptor), "utf-8", "backslashreplace", line_buffering=True)
    if type(stream) is not io.TextIOWrapper or stream.fileno() != descriptor.fileno():
        return stream
    buffering = stream.line_buffering or descriptor.fileno() == 2
    return io.TextIOWrapper(
        io.BufferedWriter(descriptor), stream.encoding, "backslashreplace", line_buffering=buffering
    )
