"""Files of a folder switched for new ones, all or none: staged beside it, then renamed behind a record.

The record says what is to be renamed, and is on the disk before the first rename. A process that ends before
it leaves the old files; one that ends after it is made good by `finish`, which the next start calls first.
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
from pgen.storage.unfinished import remove_journal
from pgen.storage.workspace import Workspace


class Switch:
    """The switch of what lies in `staging` into `folder`; both on one file system."""

    def __init__(self, folder: Path, staging: Path, record: Path) -> None:
        self.folder, self.staging, self.record = folder, staging, record

    @property
    def pending(self) -> bool:
        """Whether a switch has begun that is not finished: the folder may hold both old and new files."""
        return self.record.exists()

    def changes(self) -> list[str]:
        """The names of the staged files that the folder does not have as they are."""
        found = sorted(path for path in self.staging.rglob("*") if path.is_file())
        names = (path.relative_to(self.staging).as_posix() for path in found)
        return [name for name in names if not self._same(name)]

    def check(self, names: Iterable[str] | None = None) -> None:
        """Raises ConfigError for a file (of `names`, if given) that is a link, or that has other names elsewhere.

        Where no names are given, videos and pictures may have other names: no run changes them.
        """
        # Also what a stopped run had staged: its links to unchanged files are removed when this run begins to write.
        ours = {path.stat().st_ino for path in self.record.parent.glob("staging*/**/*") if path.is_file()}
        named = None if names is None else [self.folder / name for name in names]
        paths = sorted(self.folder.rglob("*")) if named is None else [path for path in named if path.exists()]
        for path in [self.folder, *paths]:
            if path.is_symlink():
                raise ConfigError(f"--in-place: {path} is a symbolic link; write to a new folder with --output-dir.")
            found = path.stat()
            kept = named is None and path.suffix in VIDEOS | PICTURES
            if not kept and path.is_file() and found.st_nlink - (found.st_ino in ours) > 1:
                raise ConfigError(
                    f"--in-place: {path} has several names (hard links), and would be changed in one place only; "
                    "write to a new folder with --output-dir."
                )

    def commit(self, check_lock: Callable[[], None] = lambda: None, **facts: Any) -> None:
        """Begin to switch every staged file that differs; `facts` are kept in the record, for whoever finishes it.

        `check_lock` raises where another run has taken over, to whose record this one's would be another.
        """
        names = self.changes()
        for folder in (self.staging, *(path for path in self.staging.rglob("*") if path.is_dir())):
            sync(folder)
        part = self.record.with_name(f"{self.record.name}.part")
        write_text(part, [json.dumps({**facts, "staging": self.staging.name, "files": names})])
        check_lock()  # again: to compare and to sync the files may have taken long
        part.rename(self.record)
        sync(self.record.parent)

    def finish(self) -> None:
        """Rename what the record names and is still staged. May be called as often as needed."""
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
        """The record of a switch that is pending. Raises InputError where it cannot be read."""
        try:
            return dict(json.loads(self.record.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.record} cannot be read: {error}; it is needed to finish {self.folder}.") from None

    def _same(self, name: str) -> bool:
        """Whether the folder has the file as it is: unchanged files keep their place, and their time."""
        old, new = self.folder / name, self.staging / name
        if not old.exists():
            return False
        return old.samefile(new) or filecmp.cmp(old, new, shallow=False)


class InPlace(Workspace):
    """The working folder of a run that writes into the folder it reads."""

    @property
    def switch(self) -> Switch:
        return Switch(self.out, self.staging, self.work / "switch.json")

    def check(self) -> None:
        """Raise ConfigError where the folder cannot be written to, a file has other names, or answers would be lost."""
        if not (self.out.is_dir() and os.access(self.out, os.W_OK) and os.access(self.out.parent, os.W_OK)):
            raise ConfigError(
                f"--in-place: {self.out} and the folder it is in have to be folders that can be written to."
            )
        check_settled(self.out)
        self.switch.check()
        self._check_journals()

    def check_outside(self, folder: Path | None) -> None:
        """The output is the input's folder; the journal may not be in it."""
        if folder is not None and self.journal.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"--journal {self.journal} lies inside the input {folder}; name a place elsewhere.")

    def recover(self) -> dict[str, Any] | None:
        """Finish a switch that a former run began; gives what it had to tell, None where there is none.

        Raises InputError where another command began it.
        """
        if not self.switch.pending:
            return None
        with self._locks():
            if self.switch.facts()["command"] != self.command:
                check_settled(self.out)
            return self._finish()

    def publish(self, told: dict[str, Any] | None = None) -> None:
        """Switch what was built for what was there, then drop the working folder."""
        self.check_lock()
        facts = {"command": self.command, "run": self.token, "journal": self.journal_elsewhere, "told": told or {}}
        self.switch.commit(self.check_lock, **facts)
        self._finish()

    def _finish(self) -> dict[str, Any]:
        record = self.switch.facts()
        self.switch.finish()
        self.check_lock()
        # The journal goes first, durably: answers without the record would look like those of an unfinished run.
        journal = Path(record["journal"] or self.work / "journal.sqlite")
        if self._belongs_to(record, journal):
            remove_journal(journal)
        self.switch.record.unlink()
        sync(self.work)
        with suppress(OSError):  # the folder is whole: what cannot be removed now is removed by the next start
            self._discard([])
        told: dict[str, Any] = record["told"]
        return told

    def _unfinished(self) -> bool:
        return self.switch.pending or super()._unfinished()

    def _remove_built(self) -> None:
        if not self.switch.pending:  # else it holds the new files
            super()._remove_built()


def stages(folder: Path, out: Path) -> bool:
    """Whether `out` is where files for `folder` itself are staged."""
    return out.absolute().is_relative_to(InPlace(folder).work)


def check_settled(folder: Path) -> None:
    """Raises InputError for a folder between its old and its new files."""
    switch = InPlace(folder).switch
    if switch.pending:
        command = switch.facts()["command"]
        raise InputError(
            f"{folder} is between its old files and its new ones: `pgen {command}` was stopped. Start that command "
            "again first; it finishes at once."
        )
