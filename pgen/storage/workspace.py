"""The folders of a run: OUT, and beside it a hidden one with the journal and what is being built.

OUT appears by one rename, as the last act; what is being built has the lock's token in its name, so that a run that
lost the lock publishes nothing. A journal with answers is removed once these are in OUT, or with --fresh.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.storage.durable import check_can_make, make_folder, sync, write_text
from pgen.storage.journal import Journal
from pgen.storage.locking import Lock, lock
from pgen.storage.unfinished import COMMAND, Leftover, check_journal, inspect, remove_journal


class Workspace:
    """The paths for one output folder; `journal` may lie elsewhere. Nothing is created before `locked`.

    `command` is the one that works here, as the user writes it after `pgen`; `fresh` throws former answers away.
    """

    def __init__(
        self, output_dir: Path, command: str = "annotate", *, journal: Path | None = None, fresh: bool = False
    ) -> None:
        self.out = output_dir.expanduser().absolute()
        if not self.out.name:
            raise ConfigError(f"--output-dir {self.out} is no new folder; name one that does not exist.")
        self.work = self.out.with_name(f".{self.out.name}.pgen")
        self.journal = journal.expanduser().absolute() if journal else self.work / "journal.sqlite"
        self.scratch = self.work / "scratch"
        self.command, self.fresh = command, fresh
        self._published = self.work / "published"
        self._run = self.work / "run.json"
        self._held: list[Lock] = []

    @property
    def staging(self) -> Path:
        """Where OUT is built. The name belongs to the one run that holds the lock."""
        return self.work / f"staging-{self.token}"

    @property
    def token(self) -> str:
        """The token of the run that holds the lock; empty outside `locked`."""
        return self._held[0].token if self._held else ""

    @property
    def journal_elsewhere(self) -> str | None:
        """The journal's path, where it does not lie in the working folder, and so does not move with it."""
        return None if self.journal.parent == self.work else str(self.journal)

    def check(self) -> None:
        """Raise ConfigError where OUT exists or cannot be made, or the journal is no file of this command's."""
        self._check_output()
        self._check_journals()

    def check_outside(self, folder: Path | None) -> None:
        """Raises ConfigError where OUT or the journal would lie inside the input's folder, which is never changed."""
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
        """Whether OUT will be on the file system of the folder, where files can be shared."""
        return folder.stat().st_dev == self._parent().stat().st_dev

    def check_lock(self) -> None:
        """Raise LockLostError where another run has taken over since `locked` began."""
        for held in self._held:
            held.check()

    def free(self) -> int:
        """Bytes that are left where OUT is to be."""
        return shutil.disk_usage(self._parent()).free

    def sweep(self) -> None:
        """Remove what a run has left that was killed when OUT was whole. Raises ConfigError where one is under way."""
        if not os.path.lexists(self.work):
            return
        with self._locks(journal=False):
            if marker := self._marker():
                journals = {self.journal, self._noted_journal()}
                self._discard([path for path in journals if self._belongs_to(marker, path)])
            elif self.out.is_dir() and not self._unfinished():
                self._discard([])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The working folder, for this process alone; former answers in it are kept unless the run is `fresh`."""
        make_folder(self.work)
        with self._locks():
            self.check()  # what has changed before the lock was acquired
            try:
                self._begin()
                yield
            except Exception:
                self.check_lock()  # whatever failed: another run took over, and removed what this one worked on
                self._abandon()
                raise
            except BaseException:
                self._abandon()
                raise

    def open_journal(self) -> Journal:
        """The journal, which this run alone may write from here on. Raises StorageError."""
        journal = Journal(self.journal)
        try:
            journal.own(self.token, self.check_lock)
            journal.claim(COMMAND, self.command)
        except BaseException:
            journal.close()
            raise
        return journal

    def stage(self) -> Path:
        """An empty folder to build OUT in, on the same file system."""
        if self.staging.exists():
            shutil.rmtree(self.staging)
        self.staging.mkdir()
        return self.staging

    def recover(self) -> dict[str, Any] | None:
        """What a former run had to tell that had ended but for its last step, which is then done; None for others."""
        return None

    def publish(self, told: dict[str, Any] | None = None) -> None:
        """Make what was built OUT, durably, then drop the working folder; `told` is for `recover`."""
        for folder in [self.staging, *(path for path in self.staging.rglob("*") if path.is_dir())]:
            sync(folder)
        self._check_output()
        # From here on OUT, once it is this very folder, was made by this run: the next start may remove the rest.
        write_text(self._published, [json.dumps({"run": self.token, "inode": self.staging.stat().st_ino})])
        sync(self.work)
        self.check_lock()
        self.staging.rename(self.out)
        sync(self.out.parent)
        with suppress(OSError):  # OUT is whole: what cannot be removed now is removed by the next start
            self._discard([self.journal])

    def _begin(self) -> None:
        """Remove what a former run was building, and record whose the folder is now."""
        self.check_lock()  # a process that was stopped since would remove what the next holder has
        self._published.unlink(missing_ok=True)
        if self.fresh:
            # That in the working folder too: once OUT is there, no command could use it, nor throw it away.
            for journal in {self.journal, self.work / "journal.sqlite"}:
                remove_journal(journal)
        self._remove_built()
        write_text(self._run, [json.dumps({"command": self.command, "journal": self.journal_elsewhere})])
        # On the disk before the journal is: the marker of a former run would let the next start remove it.
        sync(self.work)

    def _check_output(self) -> None:
        if os.path.lexists(self.out):
            raise ConfigError(
                f"--output-dir {self.out} exists already; name a folder that does not, or move it away: a finished "
                "output is never written over."
            )
        try:
            check_can_make(self.work)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(f"--output-dir {self.out} cannot be made: {reason}; choose another place.") from None

    def _check_journals(self) -> None:
        """Raise ConfigError where --journal is no journal, or for answers that would be lost or asked for again."""
        if self.journal_elsewhere:
            check_journal(self.journal)
        for left in self._leftovers():
            left.check(self.command, self.journal, self.fresh)

    def _leftovers(self) -> Iterator[Leftover]:
        """The journals of an unfinished command: the one that was named here, and the one that was named then."""
        for path in dict.fromkeys((self.journal, self.work / "journal.sqlite", self._noted_journal())):
            if left := inspect(path):
                yield left

    def _noted_journal(self) -> Path:
        with suppress(OSError, ValueError, KeyError, TypeError):
            return Path(json.loads(self._run.read_text(encoding="utf-8"))["journal"])
        return self.work / "journal.sqlite"

    def _marker(self) -> dict[str, Any] | None:
        """The marker of a run that has built what OUT now is."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            marker: dict[str, Any] = json.loads(self._published.read_text(encoding="utf-8"))
            return marker if marker["inode"] == self.out.stat().st_ino else None
        return None

    def _belongs_to(self, marker: dict[str, Any], journal: Path) -> bool:
        """Whether it is the journal of the run with that marker: it may have another owner by now."""
        left = inspect(journal)
        return left is not None and left.owner is not None and left.owner == marker.get("run")

    def _unfinished(self) -> bool:
        """Whether something is left that a run could go on with: what was built is built anew."""
        return any(self._leftovers())

    def _abandon(self) -> None:
        """After an error: nothing is left behind where nothing would be lost."""
        if all(left.worthless for left in self._leftovers()):
            with suppress(OSError):
                self._discard([self.journal])

    def _remove_built(self) -> None:
        for folder in (*self.work.glob("staging*"), self.scratch):
            shutil.rmtree(folder, ignore_errors=True)

    def _discard(self, journals: Iterable[Path]) -> None:
        """Remove what is pgen's, of a run that is finished or has nothing to lose. A journal set aside stays."""
        self.check_lock()
        for journal in journals:
            remove_journal(journal)
        self._remove_built()
        # The marker goes last: while it is there, the next start may remove the others.
        for path in (self.work / "lock", self._run, self._published):
            path.unlink(missing_ok=True)
        for held in self._held:
            held.remove()

    def _parent(self) -> Path:
        return next(folder for folder in self.out.parents if folder.exists())

    @contextmanager
    def _locks(self, *, journal: bool = True) -> Iterator[None]:
        """A journal elsewhere has its own: two outputs may name the same one."""
        names = {self.work / "lock": self.out}
        if journal and self.journal_elsewhere:
            names[self.journal.with_name(f"{self.journal.name}.lock")] = self.journal
        try:
            with ExitStack() as stack:
                for path, what in names.items():
                    self._held.append(stack.enter_context(lock(path, str(what))))
                yield
        finally:
            self._held = []
            with suppress(OSError):
                self.work.rmdir()
