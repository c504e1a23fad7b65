"""Files and folders that are on the disk, and survive a power cut, once a function here has returned."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

DISK_ERRORS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
    | {errno.EACCES, errno.EPERM, errno.ESTALE, errno.ENAMETOOLONG}
)
"""Values of `errno` where the disk or its permissions are at fault, not the content."""


def reason_of(error: BaseException) -> str:
    """Return why a file could not be used, without its name: messages say that elsewhere."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")


def write_text(path: Path, parts: Iterable[str], errors: str = "strict") -> None:
    """Write a file from its parts. A link at `path` is replaced, never followed."""
    with new_text(path, errors) as file:
        file.writelines(parts)


@contextmanager
def new_text(path: Path, errors: str = "strict") -> Iterator[TextIO]:
    """Open a new file as `write_text` does; it is on the disk once the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8", errors=errors, newline="") as file:
        yield file
    sync(path)


def make_folder(path: Path) -> None:
    """Create a folder and its parents, durably."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync(folder.parent)


def check_can_make(folder: Path) -> None:
    """Raise OSError or ValueError if a folder cannot be created; leave nothing behind."""
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    finally:
        for path in missing:
            with suppress(OSError, ValueError):
                path.rmdir()


def sync(path: Path) -> None:
    """Call fsync on a file, or on a folder for its entries."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
