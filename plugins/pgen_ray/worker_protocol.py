"""What every worker does in its own process: unpack its work, forward warnings, and return errors as values."""

import asyncio
import logging
import os
import pickle
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

from pgen.errors import ConfigError, PgenError
from pgen.safety.redaction import redact, without_keys


class Opened(NamedTuple):
    """The model that a worker asks, and its generator's provenance."""

    model: str | None
    provenance: dict[str, Any]


def unpacked(work: bytes, folder: str) -> Any:
    """Unpickle the work, with relative paths as where it was pickled. Raises ConfigError for a missing package."""
    with suppress(OSError):
        os.chdir(folder)
    try:
        return pickle.loads(work)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"a worker of Ray on {os.uname().nodename} lacks what the run needs: {error}. Install the same packages "
            "there."
        ) from None


class WarningForwarder(logging.Handler):
    """Sends pgen's warnings to the run's process."""

    def __init__(self, send: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._send, self._loop = send, asyncio.get_running_loop()
        log = logging.getLogger("pgen")
        log.handlers[:], log.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._send, redact(record.getMessage()))


async def pickled(work: Callable[[], Awaitable[Any]]) -> bytes:
    """Return what the work returns, or the error that it raises, as a pickled pair."""
    try:
        return pickle.dumps((await work(), None), protocol=5)
    except Exception as error:
        return pickle.dumps((None, portable(error)), protocol=5)


def portable(error: Exception) -> Exception:
    """Return the error itself where it can travel; with its traceback where it was not expected, and without keys.

    Keys are removed here, since the process that shows the error may not know them.
    """
    if not isinstance(error, PgenError):
        error.add_note(redact(f"In a worker of Ray:\n{''.join(traceback.format_exception(error))}"))
    text = str(error)
    with suppress(Exception):
        pickle.loads(pickle.dumps(error))
        if without_keys(text) == text:
            return error
    replacement = RuntimeError(redact(f"{type(error).__name__}: {text}"))
    replacement.__notes__ = error.__notes__
    return replacement
