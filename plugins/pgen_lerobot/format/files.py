"""The files of a dataset: listed, read and hashed."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pgen.errors import InputError
from pgen.safety.bounded_json import read_bounded
from pgen.safety.paths import VIDEOS as VIDEOS

UNDECODED = "surrogateescape"
"""The error handler with which bytes that are no UTF-8 survive reading and writing a text."""
EDITED = frozenset({"README.md", "meta/lerobot_annotations.json"})
"""Files that users edit: the card and the annotate page's file. The manifest has no hash of them."""
_SKIPPED = frozenset({".cache", ".git"})
_SKIPPED_SUFFIXES = (".lock", ".pgen")
"""Locks, and the work folder of a run, which may lie inside the input."""


def walk(root: Path) -> Iterator[str]:
    """Return the paths of all files below `root`, relative to it, in order; links are followed, caches skipped."""
    yield from _walk(root, PurePosixPath(), frozenset())


def check_readable(root: Path) -> None:
    """Raise InputError for a file that cannot be copied into an output."""
    for name in walk(root):
        if not os.access(root / name, os.R_OK):
            reason = "cannot be read" if (root / name).exists() else "is a link to a file that is missing"
            raise InputError(f"{root / name} {reason}; the output is to hold it.")


def read_text(path: Path) -> str:
    """Read a file with its line ends; pass UNDECODED to `write_text` to write undecodable bytes again."""
    return read_bounded(path).decode("utf-8", UNDECODED)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _walk(root: Path, folder: PurePosixPath, above: frozenset[Path]) -> Iterator[str]:
    real = (root / folder).resolve()
    if real in above:  # a link to a folder that contains it
        return
    with os.scandir(root / folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if entry.name in _SKIPPED or entry.name.endswith(_SKIPPED_SUFFIXES):
            continue
        if entry.is_dir():
            yield from _walk(root, folder / entry.name, above | {real})
        else:
            yield f"{folder}/{entry.name}" if folder.parts else entry.name
