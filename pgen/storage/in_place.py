"""Replace files of a folder with staged ones, all or none: a record first, then renames.

The record lists the renames, and is on the disk before the first one. A process that ends before that leaves the old
files. One that ends later is completed by `finish`, which the next start calls first.
"""

import filecmp
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError, InputError
from pgen.safety.paths import PICTURES, VIDEOS
from pgen.storage.durable import sync, write_text
from pgen.storage.unfinished import owned_by, remove_journal
from pgen.storage.workspace import Workspace


class Switch:
    """Replaces files in `folder` with those in `staging`, on the same file system."""

    def __init__(self, folder: Path, staging: Path, record: Path) -> None:
        self.folder, self.staging, self.record = folder, staging, record

    @property
    def pending(self) -> bool:
        """Whether a switch has begun and is not finished: the folder may hold both old and new files."""
        return self.record.exists()

    def changes(self) -> list[str]:
        """Return the names of the staged files that the folder lacks, or has with other content."""
        paths = sorted(path for path in self.staging.rglob("*") if path.is_file())
        names = (path.relative_to(self.staging).as_posix() for path in paths)
        return [name for name in names if not self._unchanged(name)]

    def check(self, names: Iterable[str] | None = None) -> None:
        """Raise ConfigError for a file (of `names`, or any) that is a link, or that has other names elsewhere.

        Without `names`, videos and images may have other names: no run changes them.
        """
        # Also the links of a stopped run: they are removed when this run begins to write.
        staged = {path.stat().st_ino for path in self.record.parent.glob("staging*/**/*") if path.is_file()}
        paths = [self.folder / name for name in names] if names is not None else sorted(self.folder.rglob("*"))
        for path in [self.folder, *(path for path in paths if path.is_symlink() or path.exists())]:
            if path.is_symlink():
                raise ConfigError(f"--in-place: {path} is a symbolic link; write to a new folder with --output-dir.")
            status = path.stat()
            shareable = names is None and path.suffix in VIDEOS | PICTURES
            if not shareable and path.is_file() and status.st_nlink - (status.st_ino in staged) > 1:
                raise ConfigError(
                    f"--in-place: {path} has several names (hard links), and would be changed in one place only; "
                    "write to a new folder with --output-dir."
                )

    def commit(self, check_lock: Callable[[], None] = lambda: None, **facts: Any) -> None:
        """Record the renames; from here on the switch will be finished. `facts` are stored with the record.

        `check_lock` raises where another run has taken over: that one may have a record of its own.
        """
        names = self.changes()
        for folder in (self.staging, *(path for path in self.staging.rglob("*") if path.is_dir())):
            sync(folder)
        part = self.record.with_name(f"{self.record.name}.part")
        write_text(part, [json.dumps({**facts, "staging": self.staging.name, "files": names})])
        check_lock()  # again: comparing and syncing the files may have taken long
        part.rename(self.record)
        sync(self.record.parent)

    def finish(self) -> None:
        """Make the recorded renames that are left. May be called any number of times."""
        record = self.facts()
        folders, staging = {self.folder}, self.record.with_name(record["staging"])
        for name in record["files"]:
            target = self.folder / name
            if (staging / name).exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                (staging / name).replace(target)
            folders |= {parent for parent in target.parents if parent.is_relative_to(self.folder)}
        for folder in folders:
            sync(folder)

    def facts(self) -> dict[str, Any]:
        """Return the record of a pending switch. Raises InputError where it cannot be read."""
        try:
            return dict(json.loads(self.record.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.record} cannot be read: {error}; it is needed to finish {self.folder}.") from None

    def _unchanged(self, name: str) -> bool:
        """Return whether the folder has the file already: unchanged files keep their inode and time."""
        old, new = self.folder / name, self.staging / name
        return old.exists() and (old.samefile(new) or filecmp.cmp(old, new, shallow=False))


class InPlace(Workspace):
    """The workspace of a run that writes into its input's folder."""

    @property
    def switch(self) -> Switch:
        return Switch(self.out, self.staging, self.work / "switch.json")

    def check(self) -> None:
        """Raise ConfigError where the folder cannot be written, a file has other names, or results would be lost."""
        if not (self.out.is_dir() and os.access(self.out, os.W_OK) and os.access(self.out.parent, os.W_OK)):
            raise ConfigError(f"--in-place: {self.out} and the folder above it must be folders that can be written to.")
        check_settled(self.out)
        self.switch.check()
        self._check_journals()

    def check_outside(self, folder: Path | None) -> None:
        """Raise ConfigError where the journal would be inside the input's folder, which is the output's too."""
        if folder is not None and self.journal.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"--journal {self.journal} lies inside the input {folder}; name a place elsewhere.")

    def recover(self) -> dict[str, Any] | None:
        """Finish the switch of an earlier run and return its summary; None where none is pending.

        Raises InputError where another command began it.
        """
        if not self.switch.pending:
            return None
        with self._locks():
            if self.switch.facts()["command"] != self.command:
                check_settled(self.out)
            return self._finish()

    def publish(self, summary: dict[str, Any] | None = None) -> None:
        """Replace the files with the staged ones, then delete the working folder; `summary` is for `recover`."""
        self.check_lock()
        facts = {"command": self.command, "run": self.token, "journal": self.journal_elsewhere, "told": summary or {}}
        self.switch.commit(self.check_lock, **facts)
        self._finish()

    def _finish(self) -> dict[str, Any]:
        record = self.switch.facts()
        self.switch.finish()
        self.check_lock()
        # The journal goes first, durably: results without the record would look like those of an unfinished run.
        journal = Path(record["journal"] or self._default_journal)
        if owned_by(journal, record.get("run")):
            remove_journal(journal)
        self.switch.record.unlink()
        sync(self.work)
        with suppress(OSError):  # the folder is complete: what cannot be deleted now is deleted by the next start
            self._discard([])
        summary: dict[str, Any] = record["told"]
        return summary

    def _unfinished(self) -> bool:
        return self.switch.pending or super()._unfinished()

    def _remove_staged(self) -> None:
        if not self.switch.pending:  # otherwise it holds the new files
            super()._remove_staged()


def stages(folder: Path, out: Path) -> bool:
    """Return whether `out` is where files for `folder` itself are staged."""
    return out.absolute().is_relative_to(InPlace(folder).work)


def check_settled(folder: Path) -> None:
    """Raise InputError for a folder between its old and its new files."""
    switch = InPlace(folder).switch
    if switch.pending:
        command = switch.facts()["command"]
        raise InputError(
            f"{folder} is between its old files and its new ones: `pgen {command}` was stopped. Start that command "
            "again first; it finishes at once."
        )
