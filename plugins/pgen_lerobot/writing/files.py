"""Files of an output: made anew, never written through a link, and on the disk before they are announced.

The input is only ever read. Large files are hard-linked, since nobody edits a video in place; small ones
are copied, so that editing the output never edits the input.
"""

import hashlib
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from pgen.durable import sync
from pgen.errors import InputError
from pgen.sidefiles import read_bounded

LINK_FROM_BYTES = 1_000_000
"""Files of this size and more are hard-linked, and videos of any."""
KEPT = "surrogateescape"
EDITED = frozenset({"README.md", "meta/lerobot_annotations.json"})
"""The card and the annotate page's file: there to be edited, so that no hash holds them to what was written."""
VIDEOS = frozenset({".mp4", ".mkv", ".webm", ".avi", ".mov"})
_SKIPPED = frozenset({".cache", ".git"})
_SKIPPED_ENDINGS = (".lock", ".pgen")
"""Of locks, and of the folder that a run works in, should it lie inside the input."""


def walk(root: Path) -> Iterator[str]:
    """Every file below `root` as a path relative to it, in order; links are followed, caches left out."""
    yield from _walk(root, PurePosixPath(), frozenset())


class Complete(Protocol):
    """A folder that can be asked to hold all its files."""

    root: Path

    def fetch_all(self) -> None: ...


def carry_over(source: Complete, out: Path, written: set[str]) -> None:
    """Link or copy every file of the source that is not in `written` and not in `out` already."""
    source.fetch_all()
    root = source.root
    for name in walk(root):
        target = out / name
        if name not in written and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy((root / name).resolve(), target, PurePosixPath(name).suffix in VIDEOS)


def check_readable(root: Path) -> None:
    """Raises InputError for a file that could not be carried over."""
    for name in walk(root):
        if not os.access(root / name, os.R_OK):
            reason = "cannot be read" if (root / name).exists() else "is a link to a file that is missing"
            raise InputError(f"{root / name} {reason}; the output is to hold it.")


def carried_bytes(root: Path, written: set[str]) -> int:
    """What `carry_over` copies where everything large can be linked, in bytes."""
    sizes = ((root / name).stat().st_size for name in walk(root) if name not in written)
    return sum(size for size in sizes if size < LINK_FROM_BYTES)


def read_text(path: Path) -> str:
    """A file's text, line ends as they are; bytes that are no text come through `write_text(…, KEPT)`."""
    return read_bounded(path).decode("utf-8", KEPT)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Hashed(io.RawIOBase):
    """A new file that is hashed as it is written, front to back."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    @classmethod
    def new(cls, path: Path) -> "Hashed":
        """Where it cannot be opened there is none, half made, that would be closed later."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(path.open("wb", buffering=0))

    @property
    def digest(self) -> str:
        """The SHA-256 of what was written."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        done = 0
        while done < len(view):
            done += self._file.write(view[done:])
        self._hash.update(view)
        return done

    def close(self) -> None:
        self._file.close()
        super().close()


def _walk(root: Path, folder: PurePosixPath, above: frozenset[Path]) -> Iterator[str]:
    real = (root / folder).resolve()
    if real in above:
        return
    # A directory entry carries its type, so that only links are looked up: a third of the time of Path.iterdir.
    with os.scandir(root / folder) as entries:
        known = sorted(entries, key=lambda entry: entry.name)
    for entry in known:
        if entry.name in _SKIPPED or entry.name.endswith(_SKIPPED_ENDINGS):
            continue
        if entry.is_dir():
            yield from _walk(root, folder / entry.name, above | {real})
        elif entry.is_file() or entry.is_symlink():
            yield f"{folder}/{entry.name}" if folder.parts else entry.name


def _link_or_copy(real: Path, target: Path, video: bool) -> None:
    if video or real.stat().st_size >= LINK_FROM_BYTES:
        try:
            os.link(real, target)
            return
        except OSError:  # another filesystem, or one without hard links
            pass
    shutil.copyfile(real, target)
    sync(target)
