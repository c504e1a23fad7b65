"""The folders of a run: OUT, and beside it a hidden one with the journal and what is being built.

OUT appears by one rename, as the last act; until then it is absent. A lock keeps a second run away. What a run
that was killed has left behind is cleaned up by the next, which takes its answers and nothing else.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pgen.durable import make_folder, sync, write_text
from pgen.errors import ConfigError
from pgen.journal_file import REBUILT
from pgen.locking import lock


class Workspace:
    """The paths for one output folder; `journal` may lie elsewhere. Nothing is created before `locked`."""

    def __init__(self, output_dir: Path, journal: Path | None = None) -> None:
        self.out = output_dir.expanduser().absolute()
        self.work = self.out.with_name(f".{self.out.name}.pgen")
        self.journal = journal.expanduser().absolute() if journal else self.work / "journal.sqlite"
        self.staging = self.work / "staging"
        self.scratch = self.work / "scratch"
        self._published = self.work / "published"
        self._lock = self.work / "lock"

    def check(self) -> None:
        """Raises ConfigError where OUT exists or cannot be made, or the journal's folder is missing."""
        if self.out.exists() or self.out.is_symlink():
            raise ConfigError(
                f"--output-dir {self.out} exists already; name a folder that does not, or move it away: a finished "
                "output is never written over."
            )
        parent = self._parent()
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise ConfigError(f"--output-dir {self.out}: {parent} is not a folder that can be written to.")
        if self.journal.parent != self.work and (self.journal.is_dir() or not self.journal.parent.is_dir()):
            raise ConfigError(f"--journal {self.journal}: name a file in a folder that exists.")

    def check_outside(self, folder: Path | None) -> None:
        """Raises ConfigError where OUT or the journal would lie inside the input's folder, which is never changed."""
        for option, path in (("--output-dir", self.out), ("--journal", self.journal)):
            if folder is not None and path.resolve().is_relative_to(folder.resolve()):
                raise ConfigError(f"{option} {path} lies inside the input {folder}; name a place elsewhere.")

    def check_room(self, needed: int) -> None:
        """Raises ConfigError where the file system has less room than `needed` bytes."""
        free = self.free()
        if free < needed:
            raise ConfigError(
                f"--output-dir {self.out}: the output needs about {needed / 1e6:,.0f} MB, {self._parent()} has "
                f"{free / 1e6:,.0f} MB left; make room, or choose another place."
            )

    def shares_disk(self, folder: Path) -> bool:
        """Whether OUT will be on the file system of the folder, where files can be shared."""
        return folder.stat().st_dev == self._parent().stat().st_dev

    def free(self) -> int:
        """Bytes that are left where OUT is to be."""
        return shutil.disk_usage(self._parent()).free

    def sweep(self) -> None:
        """Before anything that takes time: after a run that was killed when OUT was already whole, remove the rest.

        Raises ConfigError where a run is under way.
        """
        if not self.work.is_dir():
            return
        with lock(self._lock, str(self.out)):
            done = self._published.exists() or not self.journal.exists()
            if done and self.out.is_dir() and not self.staging.exists():
                self.discard()

    @contextmanager
    def locked(self, *, fresh: bool) -> Iterator[None]:
        """The working folder, for this process alone; former work in it is kept unless `fresh`."""
        make_folder(self.work)
        with self._locks():
            self._check_again()
            if fresh:
                self.forget()
            shutil.rmtree(self.staging, ignore_errors=True)
            yield

    def forget(self) -> None:
        """Remove the journal and what was being built."""
        for ending in ("", "-wal", "-shm", "-journal", REBUILT):
            self.journal.with_name(self.journal.name + ending).unlink(missing_ok=True)
        for folder in (self.staging, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)

    def discard(self) -> None:
        """Remove what is pgen's: nothing of it is worth keeping. A journal that was set aside stays."""
        self.forget()
        for path in self._lock_files():
            path.unlink(missing_ok=True)
        self._published.unlink(missing_ok=True)
        with suppress(OSError):
            self.work.rmdir()

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
        self.check()
        # From here on OUT, once it is there, was made by this run: the next start may remove the rest.
        write_text(self._published, [])
        sync(self.work)
        self.staging.rename(self.out)
        sync(self.out.parent)
        self.discard()

    def _check_again(self) -> None:
        """Another run may have finished between the first check and the lock."""
        try:
            self.check()
        except ConfigError:
            if not self.journal.exists():
                self.discard()
            raise

    def _parent(self) -> Path:
        return next(folder for folder in self.out.parents if folder.exists())

    def _lock_files(self) -> list[Path]:
        """A journal elsewhere has a lock of its own: two outputs may name the same one."""
        beside = self.journal.with_name(f"{self.journal.name}.lock")
        return [self._lock] if self.journal.parent == self.work else [self._lock, beside]

    @contextmanager
    def _locks(self) -> Iterator[None]:
        with ExitStack() as stack:
            for path, what in zip(self._lock_files(), (self.out, self.journal), strict=False):
                stack.enter_context(lock(path, str(what)))
            yield
