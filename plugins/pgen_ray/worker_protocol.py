"""What every worker does in its own process: it unpacks its work, passes warnings on, and tells errors as they are."""

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
    """Who answers."""

    model: str | None
    found: dict[str, Any]


def unpacked(work: bytes, folder: str) -> Any:
    """The work, with relative paths as where it was packed. Raises ConfigError where a package is missing here."""
    with suppress(OSError):
        os.chdir(folder)
    try:
        return pickle.loads(work)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"a worker of Ray on {os.uname().nodename} lacks what the run needs: {error}. Install the same packages "
            "there."
        ) from None


class Warnings(logging.Handler):
    """Warnings of pgen's own, on their way to whoever reads the run's."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._tell, self._loop = tell, asyncio.get_running_loop()
        log = logging.getLogger("pgen")
        log.handlers[:], log.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._tell, redact(record.getMessage()))


async def told(work: Callable[[], Awaitable[Any]]) -> bytes:
    """What came of it, or the error, pickled."""
    try:
        return pickle.dumps((await work(), None), protocol=5)
    except Exception as error:
        return pickle.dumps((None, portable(error)), protocol=5)


def portable(error: Exception) -> Exception:
    """The error as it is where it can travel, with its traceback where it was not expected, and without keys.

    The keys that are in use here need not be known where it is shown.
    """
    if not isinstance(error, PgenError):
        error.add_note(redact(f"In a worker of Ray:\n{''.join(traceback.format_exception(error))}"))
    text = str(error)
    with suppress(Exception):
        pickle.loads(pickle.dumps(error))
        if without_keys(text) == text:
            return error
    told = RuntimeError(redact(f"{type(error).__name__}: {text}"))
    told.__notes__ = error.__notes__
    return told
