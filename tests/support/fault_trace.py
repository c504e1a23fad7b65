"""The file operations of a process, recorded by `strace`."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from fault_power import Disk, Sync, Write

CALLS = (
    "openat,open,creat,write,pwrite64,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,"
    "unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat,sendfile,copy_file_range,lseek,writev,pwritev,pwritev2,execve"
)
_START = re.compile(r"(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_RESULT = re.compile(r"(.*)\) += (-?\d+)(.*)$")
_DESCRIPTOR = re.compile(r"(\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def traced(command: Sequence[str], base: Path, log: Path, folder: Path) -> Disk:
    """Run a command to its end under strace; return the disk below `base`, with the lines written to `log`."""
    disk = Disk(base)
    disk.load()
    trace = folder / "trace"
    options = ["-f", "-y", "-xx", "-s", str(1 << 24), "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(trace)]
    process = subprocess.run(["strace", *options, *command], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    _Reader(disk, log).read(trace)
    return disk


class _Reader:
    """Applies the calls of a trace to a disk."""

    def __init__(self, disk: Disk, log: Path) -> None:
        self._disk, self._log = disk, str(log)
        self._offsets: dict[int, int] = {}

    def read(self, trace: Path) -> None:
        for name, arguments, result, start in self._calls(trace):
            if result >= 0 and (handler := getattr(self, f"_{name}", None)):
                handler(arguments, result, start)

    def _calls(self, trace: Path) -> Iterator[tuple[str, str, int, int]]:
        """Yield the name, arguments and result of each call, and the number of operations before it, in their order."""
        unfinished: dict[str, tuple[str, int]] = {}
        processes: list[str] = []
        with trace.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                text = line.rstrip("\n")
                if text.partition(" ")[0] in processes[1:]:  # another program, which has its own descriptors
                    continue
                if match := _RESUMED.match(text):
                    thread, name, rest = match.groups()
                    arguments, start = unfinished.pop(thread)
                elif match := _START.match(text):
                    thread, name, rest = match.groups()
                    arguments, start = "", len(self._disk.operations)
                else:
                    continue
                if name == "execve":
                    processes.append(thread)
                if rest.endswith("<unfinished ...>"):
                    unfinished[thread] = rest.removesuffix("<unfinished ...>"), start
                elif match := _RESULT.match(arguments + rest):
                    yield name, match[1] + match[3], int(match[2]), start

    def _openat(self, arguments: str, result: int, start: int) -> None:
        path = self._paths(arguments)[0]
        self._offsets[result] = 0
        if not self._disk.holds(path) or "O_TMPFILE" in arguments:
            return
        file = self._disk.find(path)
        if file is None and "O_CREAT" in arguments:
            self._disk.change((path, self._disk.new_file()))
        elif file is not None and "O_TRUNC" in arguments:
            self._disk.operations.append(Write(file, 0, None))

    def _lseek(self, arguments: str, result: int, start: int) -> None:
        self._offsets[int(arguments.partition("<")[0])] = result

    def _write(self, arguments: str, result: int, start: int) -> None:
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

    def _pwrite64(self, arguments: str, result: int, start: int) -> None:
        if (file := self._file(self._path(arguments))) is not None:
            content = _bytes(_STRING.search(arguments)[1])[:result]  # type: ignore[index]
            self._disk.operations.append(Write(file, int(arguments.rpartition(", ")[2]), content))

    def _writev(self, arguments: str, result: int, start: int) -> None:
        content = b"".join(map(_bytes, _STRING.findall(arguments)))[:result]
        self._append(int(arguments.partition("<")[0]), self._path(arguments), content)

    def _sendfile(self, arguments: str, result: int, start: int) -> None:
        (number, target, deleted), (_, source, _) = _DESCRIPTOR.findall(arguments)[:2]
        match = re.search(r"\[(\d+)\]", arguments)
        offset = int(match[1]) if match else self._offsets.get(int(number), 0)
        with Path(_text(source)).open("rb") as file:
            file.seek(offset)
            self._append(int(number), None if deleted else _text(target), file.read(result))

    def _ftruncate(self, arguments: str, result: int, start: int) -> None:
        if (file := self._file(self._path(arguments))) is not None:
            self._disk.operations.append(Write(file, int(arguments.rpartition(", ")[2]), None))

    def _fsync(self, arguments: str, result: int, start: int) -> None:
        path = self._path(arguments)
        if path and self._disk.holds(path) and (target := self._disk.find(path)) is not None:
            self._disk.operations.append(Sync(target, start))

    _fdatasync = _fsync

    def _rename(self, arguments: str, result: int, start: int) -> None:
        old, new = self._paths(arguments)
        if self._disk.holds(old):
            self._disk.change((old, None), (new, self._disk.find(old)))

    _renameat = _renameat2 = _rename

    def _link(self, arguments: str, result: int, start: int) -> None:
        old, new = self._paths(arguments)
        if self._disk.holds(new):
            number = self._disk.find(old) if self._disk.holds(old) else self._disk.new_file(Path(old).read_bytes())
            self._disk.change((new, number))

    _linkat = _link

    def _unlink(self, arguments: str, result: int, start: int) -> None:
        path = self._paths(arguments)[0]
        if self._disk.holds(path):
            self._disk.change((path, None))

    _unlinkat = _rmdir = _unlink

    def _mkdir(self, arguments: str, result: int, start: int) -> None:
        path = self._paths(arguments)[0]
        if self._disk.holds(path):
            self._disk.change((path, self._disk.new_folder()))

    _mkdirat = _mkdir

    def _unknown(self, arguments: str, result: int, start: int) -> None:
        path = self._path(arguments)
        assert not (path and self._disk.holds(path)), f"a call that is not simulated: {arguments[:200]}"

    _fallocate = _pwritev = _pwritev2 = _copy_file_range = _unknown

    def _file(self, path: str | None) -> int | None:
        return self._disk.find(path) if path and self._disk.holds(path) else None

    def _path(self, arguments: str) -> str | None:
        """Return the path of the first descriptor; None if the file has no name any more."""
        match = _DESCRIPTOR.match(arguments)
        return _text(match[2]) if match and not match[3] else None

    def _paths(self, arguments: str) -> list[str]:
        """Return the paths in the arguments of a call, each relative to the descriptor before it."""
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
