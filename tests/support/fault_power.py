"""Power cuts: the file operations of a real process, as `strace` saw them, and the disks that a cut could leave.

What survives a cut: the content of a file as it was when an fsync of it began that has returned, and the entries of a
folder as they were at such an fsync of the folder. Of everything else any part may be lost, in any order: each change
of an entry (a rename is one, in both folders), and each write.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

CALLS = (
    "openat,open,creat,write,pwrite64,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,"
    "unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat,sendfile,copy_file_range,lseek,writev,pwritev,pwritev2,execve"
)
_START = re.compile(r"(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_RESULT = re.compile(r"(.*)\) += (-?\d+)(.*)$")
_DESCRIPTOR = re.compile(r"(\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


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


def traced(command: Sequence[str], base: Path, log: Path, folder: Path) -> Disk:
    """Run a command to its end under strace; the disk below `base`, and the lines that were written to `log`."""
    disk = Disk(base)
    disk.load()
    trace = folder / "trace"
    options = ["-f", "-y", "-xx", "-s", str(1 << 24), "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(trace)]
    done = subprocess.run(["strace", *options, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    _Reader(disk, log).read(trace)
    return disk


class _Reader:
    """Applies the calls of a trace to a disk."""

    def __init__(self, disk: Disk, log: Path) -> None:
        self._disk, self._log = disk, str(log)
        self._offsets: dict[int, int] = {}

    def read(self, trace: Path) -> None:
        for name, arguments, result, began in self._calls(trace):
            if result >= 0 and (handler := getattr(self, f"_{name}", None)):
                handler(arguments, result, began)

    def _calls(self, trace: Path) -> Iterator[tuple[str, str, int, int]]:
        """Name, arguments, result, and how many operations there were when the call began, in order of their ends."""
        begun: dict[str, tuple[str, int]] = {}
        processes: list[str] = []
        with trace.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                text = line.rstrip("\n")
                if text.partition(" ")[0] in processes[1:]:  # another program, with descriptors of its own
                    continue
                if match := _RESUMED.match(text):
                    thread, name, rest = match.groups()
                    arguments, began = begun.pop(thread)
                elif match := _START.match(text):
                    thread, name, rest = match.groups()
                    arguments, began = "", len(self._disk.operations)
                else:
                    continue
                if name == "execve":
                    processes.append(thread)
                if rest.endswith("<unfinished ...>"):
                    begun[thread] = rest.removesuffix("<unfinished ...>"), began
                elif match := _RESULT.match(arguments + rest):
                    yield name, match[1] + match[3], int(match[2]), began

    def _openat(self, arguments: str, result: int, began: int) -> None:
        path = self._paths(arguments)[0]
        self._offsets[result] = 0
        if not self._disk.holds(path) or "O_TMPFILE" in arguments:
            return
        file = self._disk.find(path)
        if file is None and "O_CREAT" in arguments:
            self._disk.change((path, self._disk.new_file()))
        elif file is not None and "O_TRUNC" in arguments:
            self._disk.operations.append(Write(file, 0, None))

    def _lseek(self, arguments: str, result: int, began: int) -> None:
        self._offsets[int(arguments.partition("<")[0])] = result

    def _write(self, arguments: str, result: int, began: int) -> None:
        descriptor = int(arguments.partition("<")[0])
        content = _bytes(_STRING.search(arguments)[1])[:result]  # type: ignore[index]
        self._append(descriptor, self._path(arguments), content)

    def _append(self, descriptor: int, path: str | None, content: bytes) -> None:
        offset = self._offsets.get(descriptor, 0)
        self._offsets[descriptor] = offset + len(content)
        if path == self._log:
            self._disk.operations += content.decode().splitlines()
        elif (file := self._file(path)) is not None:
            self._disk.operations.append(Write(file, offset, content))

    def _pwrite64(self, arguments: str, result: int, began: int) -> None:
        if (file := self._file(self._path(arguments))) is not None:
            content = _bytes(_STRING.search(arguments)[1])[:result]  # type: ignore[index]
            self._disk.operations.append(Write(file, int(arguments.rpartition(", ")[2]), content))

    def _writev(self, arguments: str, result: int, began: int) -> None:
        content = b"".join(map(_bytes, _STRING.findall(arguments)))[:result]
        self._append(int(arguments.partition("<")[0]), self._path(arguments), content)

    def _sendfile(self, arguments: str, result: int, began: int) -> None:
        (number, target, gone), (_, source, _) = _DESCRIPTOR.findall(arguments)[:2]
        start = re.search(r"\[(\d+)\]", arguments)
        offset = int(start[1]) if start else self._offsets.get(int(number), 0)
        with Path(_text(source)).open("rb") as file:
            file.seek(offset)
            self._append(int(number), None if gone else _text(target), file.read(result))

    def _ftruncate(self, arguments: str, result: int, began: int) -> None:
        if (file := self._file(self._path(arguments))) is not None:
            self._disk.operations.append(Write(file, int(arguments.rpartition(", ")[2]), None))

    def _fsync(self, arguments: str, result: int, began: int) -> None:
        path = self._path(arguments)
        if path and self._disk.holds(path) and (target := self._disk.find(path)) is not None:
            self._disk.operations.append(Sync(target, began))

    _fdatasync = _fsync

    def _rename(self, arguments: str, result: int, began: int) -> None:
        old, new = self._paths(arguments)
        if self._disk.holds(old):
            self._disk.change((old, None), (new, self._disk.find(old)))

    _renameat = _renameat2 = _rename

    def _link(self, arguments: str, result: int, began: int) -> None:
        old, new = self._paths(arguments)
        if self._disk.holds(new):
            known = self._disk.find(old) if self._disk.holds(old) else self._disk.new_file(Path(old).read_bytes())
            self._disk.change((new, known))

    _linkat = _link

    def _unlink(self, arguments: str, result: int, began: int) -> None:
        path = self._paths(arguments)[0]
        if self._disk.holds(path):
            self._disk.change((path, None))

    _unlinkat = _rmdir = _unlink

    def _mkdir(self, arguments: str, result: int, began: int) -> None:
        path = self._paths(arguments)[0]
        if self._disk.holds(path):
            self._disk.change((path, self._disk.new_folder()))

    _mkdirat = _mkdir

    def _unknown(self, arguments: str, result: int, began: int) -> None:
        path = self._path(arguments)
        assert not (path and self._disk.holds(path)), f"a call that the simulation does not know: {arguments[:200]}"

    _fallocate = _pwritev = _pwritev2 = _copy_file_range = _unknown

    def _file(self, path: str | None) -> int | None:
        return self._disk.find(path) if path and self._disk.holds(path) else None

    def _path(self, arguments: str) -> str | None:
        """Of the first descriptor; None where the file has no name any more."""
        match = _DESCRIPTOR.match(arguments)
        return _text(match[2]) if match and not match[3] else None

    def _paths(self, arguments: str) -> list[str]:
        """The paths that a call names, each relative to the descriptor before it."""
        paths, folder = [], "/"
        for match in re.finditer(f"{_DESCRIPTOR.pattern}|{_STRING.pattern}", arguments):
            if match[2] is not None:
                folder = _text(match[2])
            else:
                paths.append(os.path.normpath(Path(folder) / _text(match[4])))
        return paths


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _text(escaped: str) -> str:
    return os.fsdecode(_bytes(escaped))
