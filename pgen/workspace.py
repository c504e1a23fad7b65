"""The folders of a run: OUT, and beside it a hidden one with the journal and what is being built.

OUT appears by one rename, as the last act; until then it is absent. A lock keeps a second run away; the
system releases it when its holder ends, however it ends.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pgen.durable import sync
from pgen.errors import ConfigError


class Workspace:
    """The paths for one output folder. Nothing is created before `locked`."""

    def __init__(self, output_dir: Path) -> None:
        self.out = output_dir.expanduser().absolute()
        self.work = self.out.with_name(f".{self.out.name}.pgen")
        self.journal = self.work / "journal.sqlite"
        self.staging = self.work / "staging"

    def check(self) -> None:
        """Raises ConfigError where OUT exists or cannot be made."""
        if self.out.exists() or self.out.is_symlink():
            raise ConfigError(
                f"--output-dir {self.out} exists already; name a folder that does not, or move it away: a finished "
                "output is never written over."
            )
        parent = next(folder for folder in self.out.parents if folder.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise ConfigError(f"--output-dir {self.out}: {parent} is not a folder that can be written to.")

    def check_outside(self, folder: Path | None) -> None:
        """Raises ConfigError where OUT would lie inside the input's folder, which is never changed."""
        if folder is not None and self.out.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"--output-dir {self.out} lies inside the input {folder}; name a folder elsewhere.")

    def check_room(self, needed: int) -> None:
        """Raises ConfigError where the file system has less room than `needed` bytes."""
        parent = next(folder for folder in self.out.parents if folder.exists())
        free = shutil.disk_usage(parent).free
        if free < needed:
            raise ConfigError(
                f"--output-dir {self.out}: the output needs about {needed / 1e6:,.0f} MB, {parent} has "
                f"{free / 1e6:,.0f} MB left; make room, or choose another place."
            )

    @contextmanager
    def locked(self, *, fresh: bool) -> Iterator[None]:
        """The working folder, for this process alone; former work in it is kept unless `fresh`."""
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                raise ConfigError(f"{self.out} is being written by another run ({lock.read().strip()}).") from None
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {os.uname().nodename}")
            lock.flush()
            if fresh:
                self.forget()
            yield

    def forget(self) -> None:
        """Remove the journal and what was being built."""
        for path in self.work.glob("journal.sqlite*"):
            path.unlink()
        shutil.rmtree(self.staging, ignore_errors=True)

    def discard(self) -> None:
        """Remove the working folder: nothing in it is worth keeping."""
        shutil.rmtree(self.work)

    def stage(self) -> Path:
        """An empty folder to build OUT in, on the same file system."""
        if self.staging.exists():
            shutil.rmtree(self.staging)
        self.staging.mkdir()
        return self.staging

    def recover(self) -> dict[str, Any] | None:
        """What a former run had to tell that had ended but for its last step, which is then done; None for others."""
        return None

    def publish(self, told: dict[str, Any]) -> None:
        """Make what was built OUT, durably, then drop the working folder; `told` is for `recover`."""
        for folder in [self.staging, *(path for path in self.staging.rglob("*") if path.is_dir())]:
            sync(folder)
        self.check()
        self.staging.rename(self.out)
        sync(self.out.parent)
        self.discard()
