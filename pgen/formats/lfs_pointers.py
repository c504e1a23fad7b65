"""Git LFS pointers: small text files in place of large ones that a checkout has not fetched."""

import stat
from collections.abc import Iterable
from pathlib import Path

from pgen.errors import InputError

_HEADERS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_SIZE_LIMIT = 1024  # by the specification; so a larger file need not be opened


def is_pointer(path: Path) -> bool:
    """Return whether the file is a pointer; False if it cannot be read, which its reader then reports."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size >= _SIZE_LIMIT:
            return False
        with path.open("rb") as file:
            return file.read(max(map(len, _HEADERS))).startswith(_HEADERS)
    except OSError:
        return False


def check_fetched(paths: Iterable[Path]) -> None:
    """Raise InputError, with the first pointer and the number of others, if any of the files is a pointer."""
    pointers = [path for path in paths if is_pointer(path)]
    if not pointers:
        return
    others = len(pointers) - 1
    count = "" if not others else f" (and so {'is 1 other file' if others == 1 else f'are {others:,} other files'})"
    raise InputError(
        f"{pointers[0]} is a Git LFS pointer, not the file that it stands for{count}; fetch the files with "
        "`git lfs pull`."
    )
