"""Standard output and error that cost what is printed where they fail, never the work of a command.

A full disk, a reader that is gone or a closed descriptor would otherwise end a run in the middle, at the next step
of its progress bar.
"""

import errno
import io
import os
import sys
from collections.abc import Buffer
from typing import TextIO


class Descriptor(io.FileIO):
    """A descriptor that is written to until that fails; what follows is dropped."""

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
        """The error that cost text which somebody wanted. A reader that is gone had enough."""
        return None if self.error is None or self.error.errno == errno.EPIPE else self.error


def protect() -> Descriptor:
    """Replace the process's standard streams by ones that drop what cannot be written; return that of the output."""
    # A closed descriptor would be given to the next file that is opened, and messages written into that.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    output, errors = (Descriptor(number, "wb", closefd=False) for number in (1, 2))
    sys.stdout, sys.stderr = _protected(sys.stdout, output), _protected(sys.stderr, errors)
    return output


def _protected(stream: TextIO | None, descriptor: Descriptor) -> TextIO:
    """The stream itself where it is none of the process's own, as in a notebook or under a test.

    What an encoding lacks is escaped.
    """
    if stream is None:  # closed when the interpreter started
        return io.TextIOWrapper(io.BufferedWriter(descriptor), "utf-8", "backslashreplace", line_buffering=True)
    if type(stream) is not io.TextIOWrapper or stream.fileno() != descriptor.fileno():
        return stream
    at_once = stream.line_buffering or descriptor.fileno() == 2
    return io.TextIOWrapper(io.BufferedWriter(descriptor), stream.encoding, "backslashreplace", line_buffering=at_once)
