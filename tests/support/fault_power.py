"""The disks that a power cut could leave, from the file operations of a process.

What survives a cut: the content of a file as it was when an fsync of it began that has returned, and the entries of a
folder as they were at such an fsync of the folder. Of everything else any part may be lost, in any order: each change
of an entry (a rename is one, in both folders), and each write.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random


@dataclass(slots=True)
class Entry:
    """A change of entries: of the folder with that number, the name, and the number of what it is from now on."""

    changes: list[tuple[int, str, int | None]]
    folder: int
    """The folder whose fsync makes it last; of a rename that to which it leads."""


@dataclass(slots=True)
class Write:
    """Bytes at an offset of a file, or its new size where there are none."""

    file: int
    offset: int
    content: bytes | None


@dataclass(slots=True)
class Sync:
    """An fsync that has returned: of what, and before which operation it began."""

    target: int
    began: int


type Operation = Entry | Write | Sync | str
"""A text is a line that the process said meanwhile."""


@dataclass(slots=True)
class Disk:
    """The files below `base` as they were at first, and everything that was done to them."""

    base: Path
    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    first: dict[int, dict[str, int]] = field(default_factory=dict)

    def load(self) -> None:
        """Take in what is there."""
        self._load(self.base, {})
        self.first = {number: dict(entries) for number, entries in self.folders.items()}

    def _load(self, path: Path, known: dict[int, int]) -> int:
        if path.is_dir():
            number = self.new_folder()
            self.folders[number].update({entry.name: self._load(entry, known) for entry in sorted(path.iterdir())})
            return number
        return known.setdefault(path.stat().st_ino, self.new_file(path.read_bytes()))

    def new_folder(self) -> int:
        number = len(self.folders) + len(self.files)
        self.folders[number] = {}
        return number

    def new_file(self, content: bytes = b"") -> int:
        number = len(self.folders) + len(self.files)
        self.files[number] = content
        return number

    def find(self, path: str) -> int | None:
        """The number of what has the path by now."""
        number: int | None = 0
        for name in self.parts(path):
            number = self.folders.get(number, {}).get(name) if number is not None else None
        return number

    def parts(self, path: str) -> tuple[str, ...]:
        return Path(path).relative_to(self.base).parts

    def holds(self, path: str) -> bool:
        return Path(path).is_relative_to(self.base)

    def change(self, *changes: tuple[str, int | None]) -> None:
        """Change entries by path, the last one in the folder that has to be synced."""
        entries = [(self.find(str(Path(path).parent)), Path(path).name, number) for path, number in changes]
        for folder, name, number in entries:
            assert folder is not None, changes
            if number is None:
                self.folders[folder].pop(name, None)
            else:
                self.folders[folder][name] = number
        done = [(folder, name, number) for folder, name, number in entries if folder is not None]
        self.operations.append(Entry(done, done[-1][0]))

    def cut(self, at: int, kept: Callable[[Operation], bool]) -> "State":
        """The disk after a cut before operation `at`; `kept` says what of the rest survived."""
        done = self.operations[:at]
        lasting: dict[int, int] = {}
        for operation in done:
            if isinstance(operation, Sync):
                lasting[operation.target] = max(lasting.get(operation.target, 0), operation.began)
        state = State({number: dict(entries) for number, entries in self.first.items()}, dict(self.files))
        for index, operation in enumerate(done):
            if isinstance(operation, Entry) and (index < lasting.get(operation.folder, 0) or kept(operation)):
                state.change(operation)
            elif isinstance(operation, Write) and (index < lasting.get(operation.file, 0) or kept(operation)):
                state.write(operation)
        return state


@dataclass(slots=True)
class State:
    """The content of a disk."""

    folders: dict[int, dict[str, int]]
    files: dict[int, bytes]

    def change(self, operation: Entry) -> None:
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
        """Make it a real folder; files of several names are hard links."""
        shutil.rmtree(base, ignore_errors=True)
        self._build(0, base, {})

    def _build(self, number: int, path: Path, made: dict[int, Path]) -> None:
        if number not in self.files:
            path.mkdir()
            for name, entry in self.folders[number].items():
                self._build(entry, path / name, made)
        elif number in made:
            os.link(made[number], path)
        else:
            path.write_bytes(self.files[number])
            made[number] = path


def survivors(rng: Random, count: int) -> list[tuple[str, Callable[[Operation], bool]]]:
    """What of that which was not synced a cut may leave: nothing, and some of: the other extremes, and any part."""
    share = rng.choice((0.1, 0.5, 0.9))
    others: list[tuple[str, Callable[[Operation], bool]]] = [
        ("entries without content", lambda operation: isinstance(operation, Entry)),
        ("content without entries", lambda operation: isinstance(operation, Write)),
        ("a part", lambda _: rng.random() < share),
    ]
    return [("nothing", lambda _: False), *rng.sample(others, count - 1)]
