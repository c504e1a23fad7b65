"""One job: what every command that builds an output does around its own work.

`prepare` checks the workspace before anything is paid for. `running` holds the lock and publishes what was staged.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pgen.errors import StorageError
from pgen.run.signals import interruptible, uninterrupted
from pgen.storage.durable import DISK_ERRORS, reason_of
from pgen.storage.journal import Journal
from pgen.storage.workspace import Workspace


def prepare(workspace: Workspace) -> dict[str, Any] | None:
    """Clean up after finished jobs and check that a new one can start.

    Where an earlier job was stopped while it was publishing, complete that and return the job's summary instead.
    """
    workspace.sweep()
    summary = workspace.recover()
    if summary is None:
        workspace.check()
    return summary


class Job:
    """A job that holds the lock. `summary` is recorded with the publication, for `prepare`."""

    def __init__(self, workspace: Workspace, needed: int) -> None:
        self.workspace, self.needed = workspace, needed
        self.summary: dict[str, Any] = {}
        self.resources = ExitStack()

    def open_journal(self, options: dict[str, Any], defaults: dict[str, Any]) -> Journal:
        """Open the journal; it is closed before the job is published.

        Raises ConfigError where the journal has results of other options; `defaults` are the values of options that
        an earlier version did not record.
        """
        journal = self.workspace.open_journal()
        self.resources.callback(journal.close)
        journal.claim("options", options, defaults)
        return journal

    def stage(self) -> Path:
        """Return an empty folder; what it holds at the end of the job becomes the output."""
        return self.workspace.stage()

    def check_room(self, needed: int) -> None:
        """Raise ConfigError where the disk lacks room for an output of `needed` bytes."""
        self.needed = needed
        self.workspace.check_room(needed)


@contextmanager
def running(workspace: Workspace, needed: int = 0) -> Iterator[Job]:
    """Hold the lock while the block runs, then publish what it has staged; after an error nothing is published.

    `needed` is the output's estimated size in bytes, for messages. Raises InterruptedRunError after a signal and
    StorageError where the disk fails; the journal keeps its results for the next start.
    """
    job = Job(workspace, needed)
    with disk_errors(workspace, lambda: job.needed), interruptible(), workspace.locked():
        with job.resources:
            yield job
        with uninterrupted():  # the job is done but for a few renames: a signal comes too late
            workspace.publish(job.summary)


@contextmanager
def disk_errors(workspace: Workspace, needed: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Turn errors of the disk into StorageError, which names the path, the room that is left, and the remedy."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise _storage_error(workspace, needed(), error, getattr(error, "filename", None)) from error
    except StorageError as error:
        raise _storage_error(workspace, needed(), error.__cause__ or error, error.path) from error


def _storage_error(workspace: Workspace, needed: int, error: BaseException, path: Path | str | None) -> StorageError:
    reason = f"{path or workspace.work}: {reason_of(error)}."
    if needed:
        room = f"{workspace.out.parent} has {workspace.free() / 1e6:,.0f} MB left"
        reason += f" The output needs about {needed / 1e6:,.0f} MB, {room}."
    saved = f": the results so far are kept in {workspace.journal}" if workspace.journal.exists() else ""
    return StorageError(f"{reason} Put that right and start the same command again{saved}.")
