"""Two families of errors: a PgenError stops the run, a SampleError belongs to one sample.

The message of a PgenError is one sentence or two that name the file, row or option and say what to do;
the command line prints it without a traceback and exits with `exit_code`. No message holds a secret.
"""

from pathlib import Path
from typing import Literal

from pgen.safety.redaction import redact

Stage = Literal["decode", "generate", "transport", "refused", "truncated", "parse", "schema", "check"]
"""Where a sample failed: reading its pictures, in the generator (or on the way to its server), in the reply, or by
what a check found in it."""


class PgenError(Exception):
    """Stops the run; `exit_code` is what the process ends with."""

    exit_code: int = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


class ConfigError(PgenError):
    """An option, a component's name or the run file is wrong."""

    exit_code = 2


class InputError(PgenError):
    """The dataset, the skills or another input file is not usable."""

    exit_code = 2


class PluginError(PgenError):
    """A plugin failed to load, to register or to keep its contract."""

    exit_code = 3


class StorageError(PgenError):
    """The disk is full, or cannot be read or written at `path`; the run can be started again."""

    exit_code = 2

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class LockLostError(PgenError):
    """Another run has taken over what this one was writing, because this one gave no sign of life."""

    exit_code = 2


class WorkersError(PgenError):
    """An executor has no worker, and can have none; the run can be started again."""

    exit_code = 2


class TooManyFailuresError(PgenError):
    """More samples failed than the run allows; nothing was written to the output."""

    exit_code = 4


class VerificationError(PgenError):
    """A dataset is not what it should be."""

    exit_code = 5


class InterruptedRunError(PgenError):
    """A signal stopped the run; it can be started again. Exits as a shell does: 128 and the signal."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that ended a task group, out of the groups that asyncio wraps it in."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error


class SampleError(Exception):
    """One sample failed: it becomes a row with its stage and reason, and the run goes on."""

    def __init__(self, stage: Stage, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage: Stage = stage
        self.reason = reason
