"""What a terminal may be shown: text without control characters, so without escape sequences, and no secrets."""

import logging
import sys
import traceback
from types import TracebackType

from pgen.safety.redaction import redact


def printable(text: str) -> str:
    """Text from data as a terminal may show it."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An unexpected error, in full: for `sys.excepthook`."""
    sys.stderr.write(printable(redact("".join(traceback.format_exception(kind, error, trace)))))


def guard_output() -> None:
    """From here on unexpected errors and what is logged are shown that way."""
    sys.excepthook = show_traceback
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_Shown("pgen: %(message)s"))
    logging.getLogger("pgen").handlers[:] = [handler]


class _Shown(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(redact(super().format(record)))
