"""The disks that a power cut could leave, from the file operations of a process.

A cut keeps the content of a file, and the entries of a folder, as they were at the start of an fsync that has
returned. All other operations may be lost, in any combination: each change of an entry (a rename is one change, in both
folders), and each write.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random


@dataclass(slots=True)
class EntryChange:
    """A change of entries: for each, the number of its folder, its name, and the number of its new file or folder."""

    changes: list[tuple[int, str, int | None]]
    folder: int
    """The folder whose fsync makes the change durable; of a rename the target folder."""


@dataclass(slots=True)
class Write:
    """Bytes at an offset of a file; without bytes, `offset` is its new size."""

    file: int
    offset: int
    content: bytes | None


@dataclass(slots=True)
class Sync:
    """An fsync that has returned: its file or folder, and the number of operations before its start."""

    target: int
    start: int


type Operation = EntryChange | Write | Sync | str
"""A text is a line that the process logged at that time."""


@dataclass(slots=True)
class Disk:
    """The files below `base` as they were at the start, and all operations on them."""

    base: Path
    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    first: dict[int, dict[str, int]] = field(default_factory=dict)

    def load(self) -> None:
        """Read the files and folders below `base`."""
        self._load(self.base, {})
        self.first = {number: dict(entries) for number, entries in self.folders.items()}

    def _load(self, path: Path, numbers: dict[int, int]) -> int:
        if path.is_dir():
            number = self.new_folder()
            self.folders[number].update({entry.name: self._load(entry, numbers) for entry in sorted(path.iterdir())})
            return number
        return numbers.setdefault(path.stat().st_ino, self.new_file(path.read_bytes()))

    def new_folder(self) -> int:
        number = len(self.folders) + len(self.files)
        self.folders[number] = {}
        return number

    def new_file(self, content: bytes = b"") -> int:
        number = len(self.folders) + len(self.files)
        self.files[number] = content
        return number

    def find(self, path: str) -> int | None:
        """Return the number of the file or folder that has the path now."""
        number: int | None = 0
        for name in self.parts(path):
            number = self.folders.get(number, {}).get(name) if number is not None else None
        return number

    def parts(self, path: str) -> tuple[str, ...]:
        return Path(path).relative_to(self.base).parts

    def holds(self, path: str) -> bool:
        return Path(path).is_relative_to(self.base)

    def change(self, *changes: tuple[str, int | None]) -> None:
        """Change entries by path; an fsync of the folder of the last one makes the change durable."""
        entries = [(self.find(str(Path(path).parent)), Path(path).name, number) for path, number in changes]
        for folder, name, number in entries:
            assert folder is not None, changes
            if number is None:
                self.folders[folder].pop(name, None)
            else:
                self.folders[folder][name] = number
        applied = [(folder, name, number) for folder, name, number in entries if folder is not None]
        self.operations.append(EntryChange(applied, applied[-1][0]))

    def cut(self, at: int, survives: Callable[[Operation], bool]) -> "State":
        """Return the disk after a cut before operation `at`; `survives` selects among the operations without fsync."""
        operations = self.operations[:at]
        synced: dict[int, int] = {}
        for operation in operations:
            if isinstance(operation, Sync):
                synced[operation.target] = max(synced.get(operation.target, 0), operation.start)
        state = State({number: dict(entries) for number, entries in self.first.items()}, dict(self.files))
        for index, operation in enumerate(operations):
            if isinstance(operation, EntryChange) and (index < synced.get(operation.folder, 0) or survives(operation)):
                state.change(operation)
            elif isinstance(operation, Write) and (index < synced.get(operation.file, 0) or survives(operation)):
                state.write(operation)
        return state


@dataclass(slots=True)
class State:
    """The content of a disk."""

    folders: dict[int, dict[str, int]]
    files: dict[int, bytes]

    def change(self, operation: EntryChange) -> None:
        for folder, name, number in operation.changes:
            entries = self.folders.setdefault(folder, {})
            if number is None:
                entries.pop(name, None)
            else:
                entries[name] = number
                if number not in self.files:
                    self.folders.setdefault(number, {})

    def write(self, operation: Write) -> None:
        content = self.files[operation.file]
        if operation.content is None:
            self.files[operation.file] = content[: operation.offset].ljust(operation.offset, b"\0")
            return
        end = operation.offset + len(operation.content)
        before = content[: operation.offset].ljust(operation.offset, b"\0")
        self.files[operation.file] = before + operation.content + content[end:]

    def build(self, base: Path) -> None:
        """Create the folder on the real disk; files with several names are hard links."""
        shutil.rmtree(base, ignore_errors=True)
        self._build(0, base, {})

    def _build(self, number: int, path: Path, paths: dict[int, Path]) -> None:
        if number not in self.files:
            path.mkdir()
            for name, entry in self.folders[number].items():
                self._build(entry, path / name, paths)
        elif number in paths:
            os.link(paths[number], path)
        else:
            path.write_bytes(self.files[number])
            paths[number] = path


def survivors(rng: Random, count: int) -> list[tuple[str, Callable[[Operation], bool]]]:
    """Return which operations without fsync survive: none, and some of the other extremes and a random part."""
    share = rng.choice((0.1, 0.5, 0.9))
    selections: list[tuple[str, Callable[[Operation], bool]]] = [
        ("entries without content", lambda operation: isinstance(operation, EntryChange)),
        ("content without entries", lambda operation: isinstance(operation, Write)),
        ("a part", lambda _: rng.random() < share),
    ]
    return [("nothing", lambda _: False), *rng.sample(selections, count - 1)]
