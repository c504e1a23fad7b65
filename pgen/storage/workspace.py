"""The folders of a job: OUT, and a hidden one beside it with the journal and the staged output.

OUT appears by one rename, as the last step. The staging folder has the lock's token in its name, so that a run that
lost the lock publishes nothing. A journal with results is deleted once these are in OUT, or with --fresh.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.storage import unfinished
from pgen.storage.durable import check_can_make, make_folder, reason_of, sync, write_text
from pgen.storage.journal import Journal
from pgen.storage.locking import Lock, lock


class Workspace:
    """The paths for one output folder; `journal` may be elsewhere. Nothing is created before `locked`.

    `command` is what the user types after `pgen`; `fresh` discards the results of an unfinished run.
    """

    def __init__(
        self, output_dir: Path, command: str = "annotate", *, journal: Path | None = None, fresh: bool = False
    ) -> None:
        self.out = output_dir.expanduser().absolute()
        if not self.out.name:
            raise ConfigError(f"--output-dir {self.out} is no new folder; name one that does not exist.")
        self.work = self.out.with_name(f".{self.out.name}.pgen")
        self._default_journal = self.work / "journal.sqlite"
        self.journal = journal.expanduser().absolute() if journal else self._default_journal
        self.scratch = self.work / "scratch"
        self.command, self.fresh = command, fresh
        self._published = self.work / "published"
        self._run = self.work / "run.json"
        self._held: list[Lock] = []

    @property
    def staging(self) -> Path:
        """The folder where OUT is built; its name belongs to the run that holds the lock."""
        return self.work / f"staging-{self.token}"

    @property
    def token(self) -> str:
        """The token of the lock; empty outside `locked`."""
        return self._held[0].token if self._held else ""

    @property
    def journal_elsewhere(self) -> str | None:
        """The journal's path if it is not in the working folder, and so does not move with it."""
        return None if self.journal.parent == self.work else str(self.journal)

    def check(self) -> None:
        """Raise ConfigError where OUT exists or cannot be created, or results of an unfinished run would be lost."""
        self._check_output()
        self._check_journals()

    def check_outside(self, folder: Path | None) -> None:
        """Raise ConfigError where OUT or the journal would be inside the input's folder, which is never changed."""
        for option, path in (("--output-dir", self.out), ("--journal", self.journal)):
            if folder is not None and path.resolve().is_relative_to(folder.resolve()):
                raise ConfigError(f"{option} {path} lies inside the input {folder}; name a place elsewhere.")

    def check_room(self, needed: int) -> None:
        """Raise ConfigError where the file system has less room than `needed` bytes."""
        if (free := self.free()) < needed:
            raise ConfigError(
                f"--output-dir {self.out}: the output needs about {needed / 1e6:,.0f} MB, {self._parent()} has "
                f"{free / 1e6:,.0f} MB left; make room, or choose another place."
            )

    def shares_disk(self, folder: Path) -> bool:
        """Return whether OUT will be on the folder's file system, where files can be shared."""
        return folder.stat().st_dev == self._parent().stat().st_dev

    def free(self) -> int:
        """Return the bytes that are left where OUT will be."""
        return shutil.disk_usage(self._parent()).free

    def check_lock(self) -> None:
        """Raise LockLostError where another run has taken over since `locked` began."""
        for held in self._held:
            held.check()

    def sweep(self) -> None:
        """Delete what a run left that was killed after OUT was complete. Raises ConfigError during another run."""
        if not os.path.lexists(self.work):
            return
        with self._locks(journal=False):
            if marker := self._marker():
                journals = {self.journal, self._recorded_journal()}
                self._discard([path for path in journals if unfinished.owned_by(path, marker.get("run"))])
            elif self.out.is_dir() and not self._unfinished():
                self._discard([])

    def recover(self) -> dict[str, Any] | None:
        """Complete the publication of an earlier run and return its summary; None where there is none."""
        return None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the working folder for this process alone; earlier results in it are kept unless the run is `fresh`."""
        make_folder(self.work)
        with self._locks():
            self.check()  # again, for changes before the lock was acquired
            try:
                self._begin()
                yield
            except BaseException as error:
                if isinstance(error, Exception):
                    self.check_lock()  # whatever failed: another run may have removed what this one worked on
                self._abandon()
                raise

    def open_journal(self) -> Journal:
        """Open the journal, which this run alone may write from now on. Raises StorageError."""
        journal = Journal(self.journal)
        try:
            journal.own(self.token, self.check_lock)
            journal.claim(unfinished.COMMAND, self.command)
        except BaseException:
            journal.close()
            raise
        return journal

    def stage(self) -> Path:
        """Return an empty folder to build OUT in, on the same file system."""
        if self.staging.exists():
            shutil.rmtree(self.staging)
        self.staging.mkdir()
        return self.staging

    def publish(self, summary: dict[str, Any] | None = None) -> None:
        """Rename the staging folder to OUT, durably, and delete the working folder; `summary` is for `recover`."""
        for folder in [self.staging, *(path for path in self.staging.rglob("*") if path.is_dir())]:
            sync(folder)
        self._check_output()
        # The marker lets the next start delete the rest, once OUT is this very folder.
        write_text(self._published, [json.dumps({"run": self.token, "inode": self.staging.stat().st_ino})])
        sync(self.work)
        self.check_lock()
        self.staging.rename(self.out)
        sync(self.out.parent)
        with suppress(OSError):  # OUT is complete: what cannot be deleted now is deleted by the next start
            self._discard([self.journal])

    def _begin(self) -> None:
        """Delete what an earlier run staged, and record whose the folder is now."""
        self.check_lock()  # a process that was stopped since would delete the next holder's files
        self._published.unlink(missing_ok=True)
        if self.fresh:
            # The one in the working folder too: once OUT exists, no command could use or discard it.
            for journal in {self.journal, self._default_journal}:
                unfinished.remove_journal(journal)
        self._remove_staged()
        write_text(self._run, [json.dumps({"command": self.command, "journal": self.journal_elsewhere})])
        # Synced before there is a new journal: with an earlier run's marker, the next start would delete that.
        sync(self.work)

    def _check_output(self) -> None:
        if os.path.lexists(self.out):
            raise ConfigError(
                f"--output-dir {self.out} exists already; name a folder that does not, or move it away: a finished "
                "output is never overwritten."
            )
        try:
            check_can_make(self.work)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"--output-dir {self.out} cannot be made: {reason_of(error)}; choose another place."
            ) from None

    def _check_journals(self) -> None:
        """Raise ConfigError where --journal is no journal, or results would be lost or requested again."""
        if self.journal_elsewhere:
            unfinished.check_journal(self.journal)
        for left in self._leftovers():
            left.check(self.command, self.journal, self.fresh)
        for left in unfinished.unfinished_parts(self.out, self.work):
            left.check(self.command, left.path, self.fresh)

    def _leftovers(self) -> Iterator[unfinished.Leftover]:
        """Yield the journals of an unfinished command: in this run's place, the default one, and the recorded one."""
        for path in dict.fromkeys((self.journal, self._default_journal, self._recorded_journal())):
            if left := unfinished.inspect(path):
                yield left

    def _recorded_journal(self) -> Path:
        with suppress(OSError, ValueError, KeyError, TypeError):
            return Path(json.loads(self._run.read_text(encoding="utf-8"))["journal"])
        return self._default_journal

    def _marker(self) -> dict[str, Any] | None:
        """Return the marker of the run that built what OUT now is."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            marker: dict[str, Any] = json.loads(self._published.read_text(encoding="utf-8"))
            return marker if marker["inode"] == self.out.stat().st_ino else None
        return None

    def _unfinished(self) -> bool:
        """Return whether there is something to resume; a staged output is built again."""
        return any(self._leftovers())

    def _abandon(self) -> None:
        """After an error, delete the working folder if no result would be lost."""
        if all(left.worthless for left in self._leftovers()):
            with suppress(OSError):
                self._discard([self.journal])

    def _remove_staged(self) -> None:
        for folder in (*self.work.glob("staging*"), self.scratch):
            shutil.rmtree(folder, ignore_errors=True)

    def _discard(self, journals: Iterable[Path]) -> None:
        """Delete these journals and all else of a finished run. A journal that was set aside stays."""
        self.check_lock()
        for journal in journals:
            unfinished.remove_journal(journal)
        self._remove_staged()
        # The marker goes last: while it exists, the next start may delete the others.
        for path in (self._run, self._published):
            path.unlink(missing_ok=True)
        for held in self._held:
            held.remove()

    def _parent(self) -> Path:
        return next(folder for folder in self.out.parents if folder.exists())

    @contextmanager
    def _locks(self, *, journal: bool = True) -> Iterator[None]:
        """Lock the working folder, and a journal elsewhere, which two outputs may share."""
        targets = {self.work / "lock": self.out}
        if journal and self.journal_elsewhere:
            targets[self.journal.with_name(f"{self.journal.name}.lock")] = self.journal
        try:
            with ExitStack() as stack:
                for path, target in targets.items():
                    self._held.append(stack.enter_context(lock(path, str(target))))
                yield
        finally:
            self._held = []
            with suppress(OSError):
                self.work.rmdir()
