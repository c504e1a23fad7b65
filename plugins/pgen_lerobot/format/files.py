"""Files of a dataset: walked, read, and written anew, never through a link."""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pgen.errors import InputError
from pgen.safety.bounded_json import read_bounded
from pgen.safety.paths import VIDEOS as VIDEOS

KEPT = "surrogateescape"
EDITED = frozenset({"README.md", "meta/lerobot_annotations.json"})
"""The card and the annotate page's file: there to be edited, so that no hash holds them to what was written."""
_SKIPPED = frozenset({".cache", ".git"})
_SKIPPED_ENDINGS = (".lock", ".pgen")
"""Of locks, and of the folder that a run works in, should it lie inside the input."""


def walk(root: Path) -> Iterator[str]:
    """All below `root` but folders, as paths relative to it, in order; links are followed, caches left out."""
    yield from _walk(root, PurePosixPath(), frozenset())


def check_readable(root: Path) -> None:
    """Raises InputError for a file that could not be carried over."""
    for name in walk(root):
        if not os.access(root / name, os.R_OK):
            reason = "cannot be read" if (root / name).exists() else "is a link to a file that is missing"
            raise InputError(f"{root / name} {reason}; the output is to hold it.")


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
        else:
            yield f"{folder}/{entry.name}" if folder.parts else entry.name
