"""Files and folders that are on the disk before anything is said of them."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_text(path: Path, parts: Iterable[str], errors: str = "strict") -> None:
    """Write a new file from parts, never through a link in its place: what a link leads to is not ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8", errors=errors, newline="") as file:
        file.writelines(parts)
    sync(path)


def sync(path: Path) -> None:
    """Have a file, or a folder's entries, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
