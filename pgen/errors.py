"""Two families of errors: a PgenError stops the run, a SampleError fails one sample.

The message of a PgenError names the file, row or option and the remedy, in one or two sentences. The command line
prints it without a traceback and exits with `exit_code`. Keys in messages are redacted.
"""

from pathlib import Path
from typing import Literal

from pgen.safety.redaction import redact

Stage = Literal[
    "decode", "generate", "transport", "refused", "truncated", "parse", "schema", "check", "scene", "review"
]
"""Where a sample failed: while its images were read, in the generator or on the way to its server, in the reply, in a
check, because its images contradict its labels (`scene`), or because a person rejected it (`review`)."""


class PgenError(Exception):
    """Stops the run; `exit_code` is the exit code of the process."""

    exit_code: int = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


class ConfigError(PgenError):
    """Raised when an option, a component's name or the run file is invalid."""

    exit_code = 2


class InputError(PgenError):
    """Raised when the dataset, the skills or another input file cannot be used."""

    exit_code = 2


class PluginError(PgenError):
    """Raised when a plugin fails to load or to register, or breaks its contract."""

    exit_code = 3


class StorageError(PgenError):
    """Raised when the disk is full or fails at `path`; the run can be resumed."""

    exit_code = 2

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class LockLostError(PgenError):
    """Raised when another run took over the lock, because this one had stopped updating it."""

    exit_code = 2


class WorkersError(PgenError):
    """Raised when an executor has no worker and cannot start one; the run can be resumed."""

    exit_code = 2


class TooManyFailuresError(PgenError):
    """Raised when more samples failed than the run allows; no output was written."""

    exit_code = 4


class VerificationError(PgenError):
    """Raised when a dataset does not pass verification."""

    exit_code = 5


class InterruptedRunError(PgenError):
    """Raised when a signal stopped the run, which can be resumed. Exits like a shell: 128 plus the signal."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that ended a task group, out of the groups that asyncio wraps it in."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error


class DeferredError(Exception):
    """Raised by a generator for a request whose response comes later: see `Generator.settle`."""


class SampleError(Exception):
    """Raised when one sample fails: its stage and reason are recorded, and the run continues."""

    def __init__(self, stage: Stage, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage: Stage = stage
        self.reason = reason
