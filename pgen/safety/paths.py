"""Check paths from data, which must not leave a folder, and what they lead to."""

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from pgen.errors import InputError

VIDEOS = frozenset({".mp4", ".mkv", ".webm", ".avi", ".mov"})
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
"""Endings of files that no run changes, and that an output may share with its input."""

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
"""Kinds of files that block their reader, or never end."""


def special(path: Path) -> str | None:
    """Describe what a path leads to if it is neither a file nor a folder; None otherwise."""
    try:
        return _SPECIAL.get(stat.S_IFMT(path.stat().st_mode))
    except (OSError, ValueError):
        return None


def check_regular(path: Path) -> None:
    """Raise InputError for what is neither a file nor a folder: reading it may block."""
    if kind := special(path):
        raise InputError(f"{path} is {kind}, not a file; put a file with the content in its place.")


def inside(folder: Path, relative: str, origin: str) -> Path:
    """Return `folder / relative`. Raises InputError, which names `origin`, where that is outside the folder.

    Only the text counts: a dataset in a Hub cache consists of links that lead elsewhere on purpose.
    """
    windows = PureWindowsPath(relative)
    parts = {*PurePosixPath(relative).parts, *windows.parts}
    absolute = relative.startswith("/") or bool(windows.drive) or bool(windows.root)
    if not relative or absolute or ".." in parts or "\0" in relative:
        raise InputError(f"{origin}: the path {relative!r} leads outside {folder}; only paths inside it are read.")
    return folder / relative


def linked_inside(folder: Path, relative: str, origin: str) -> Path:
    """Do the same and follow links, for folders where a link that leads outside is no accident."""
    path = inside(folder, relative, origin)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{origin}: the path {relative!r} is a link that leads outside {folder}.")
    return path


def check_links(root: Path) -> None:
    """Raise InputError for a link below `root` that leads outside: its target would get into the output.

    A snapshot in a Hub cache may link to the blobs beside it.
    """
    allowed = [root.resolve()]
    if root.absolute().parent.name == "snapshots":
        allowed.append((root.absolute().parent.parent / "blobs").resolve())
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in (".cache", ".git")]
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink() and not any(path.resolve().is_relative_to(place) for place in allowed):
                raise InputError(
                    f"{path} is a link that leads outside {root}; put what it leads to into the dataset's folder."
                )
