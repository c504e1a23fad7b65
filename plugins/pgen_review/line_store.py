"""The open file with the lines of a result: parts of it are read while it is reviewed."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

from pgen.errors import InputError
from pgen.formats.syn_annotations import FILE
from pgen_results.reading import Line


class LineStore:
    """A file of lines that stays open: where a write replaces it, this is the former one. Any thread may read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._state = self._stat()
        self.digest = hashlib.file_digest(self._file, "sha256").hexdigest()
        """The SHA-256 of the file, in hexadecimal."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def check(self) -> None:
        """Raise InputError where another file is there now, or the file changed."""
        try:
            is_same = self._stat() == self._state
        except OSError:
            is_same = False
        if not is_same:
            raise self._changed()

    def ranges(self, counts: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield the end and the checksum of the bytes with each of these numbers of lines, one behind the other."""
        self._file.seek(0)
        # As in a text file, \n, \r and both end a line; a line has an object, or is empty.
        pieces = (piece for line in self._file for piece in line.splitlines(keepends=True))
        end = 0
        for count in counts:
            checksum = 0
            while count:
                piece = next(pieces)
                end, checksum = end + len(piece), crc32(piece, checksum)
                count -= b"{" in piece
            yield end, checksum

    def read(self, start: int, end: int, checksum: int) -> list[Line]:
        """Return the lines in a range of bytes. Raises InputError where they changed."""
        content = os.pread(self._file.fileno(), end - start, start)
        if len(content) != end - start or crc32(content) != checksum:
            raise self._changed()
        return [json.loads(piece) for piece in content.splitlines() if b"{" in piece]

    def _stat(self) -> tuple[int, ...]:
        status = self._path.stat()
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def _changed(self) -> InputError:
        return InputError(f"{self._path} changed since it was opened; start pgen review again.")


def lines_of(folder: Path) -> Path | None:
    """Return the file with the lines of a result; None for a segmentation without dialogue."""
    return next((path for path in (folder / "meta" / FILE, folder / FILE) if path.is_file()), None)
