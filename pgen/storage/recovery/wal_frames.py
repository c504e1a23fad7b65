"""The frames of an SQLite WAL, and which of them SQLite ignores (https://www.sqlite.org/walformat.html).

SQLite ignores a frame with a wrong checksum and all frames after it, without an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched, pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path
from struct import unpack, unpack_from

PAGE = 4096
"""Bytes of a page of a journal: SQLite's default, which no journal has ever changed."""

FRAME_HEADER = 24
WAL_HEADER = 32
_FRAME = FRAME_HEADER + PAGE
_BYTE_ORDERS = {0x377F0682: "<", 0x377F0683: ">"}
_UNWRITTEN = bytes(8)
"""Salts of a frame that has never reached the disk, as after a power cut."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A version of a page. `size` is that of the database where the frame ends a commit, otherwise 0."""

    offset: int
    number: int
    size: int
    salts: bytes


class Wal:
    """The frames of a WAL that may be damaged.

    Frames with `salts` were written since the WAL last began anew; `newest` has the last of these of each page.
    """

    def __init__(self, content: bytes | mmap) -> None:
        self.intact = _header_intact(content[:WAL_HEADER])
        self.frames = [_frame(content, offset) for offset in _offsets(len(content))]
        self.salts: bytes | None = content[16:24] if self.intact else self._guess_salts()
        self.newest = {frame.number: frame for frame in self.frames if frame.salts == self.salts}

    def written(self) -> int:
        """Return how many frames were written since the WAL began anew, those of an unfinished commit included."""
        positions = (position for position, frame in enumerate(self.frames, 1) if frame.salts == self.salts)
        return max(positions, default=0)

    def _guess_salts(self) -> bytes | None:
        """Return the salts that two frames in a row share: some may be damaged, or never have reached the disk."""
        salts = [frame.salts for frame in self.frames if frame.salts != _UNWRITTEN]
        return next((first for first, second in pairwise(salts) if first == second), salts[0] if salts else None)


@dataclass(frozen=True, slots=True)
class Unread:
    """The positions of frames that SQLite ignores; `damage` says why a kill cannot be the cause."""

    frames: range = range(0)
    damage: str = ""


def unread(path: Path) -> Unread:
    """Return what SQLite ignores in the WAL of the database at `path`.

    Called in a write transaction that has written nothing yet: the WAL index is then up to date, and cannot change.
    """
    log, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    if not (log.exists() and index.exists()):
        return Unread()
    with mapped(log) as content:
        wal = Wal(content)
    # mxFrame, nPage and aSalt of the first copy of the WAL index's header, in the machine's byte order.
    indexed, pages, salts = unpack_from("=2I8x8s", index.read_bytes()[:40].ljust(40, b"\0"), 16)
    if indexed and path.stat().st_size > pages * PAGE:
        return Unread(damage="its WAL lacks commits that are in the file")
    began_anew = not indexed and wal.intact and salts != wal.salts  # without a frame yet; earlier ones were copied
    frames = range(indexed, wal.written())
    if began_anew or not frames:
        return Unread()
    # A kill leaves at most one commit without its end. Frames after an end were written once that was complete.
    ended = any(wal.frames[position].size for position in frames[:-1])
    return Unread(frames, f"its WAL breaks off at frame {indexed + 1}" if ended or not wal.intact else "")


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap]:
    """Map the content of a file, which may be empty or absent."""
    if not path.exists() or not path.stat().st_size:
        yield b""  # an empty file cannot be mapped
        return
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


def _offsets(size: int) -> list[int]:
    """Return where frames begin: counted from the beginning and, where bytes are missing, from the end too."""
    starts = list(range(WAL_HEADER, size - FRAME_HEADER + 1, _FRAME))
    missing = -(size - WAL_HEADER) % _FRAME
    if missing and size > WAL_HEADER:
        starts += [start for start in range(WAL_HEADER - missing, size, _FRAME) if start >= 0]
    return starts


def _frame(content: bytes | mmap, offset: int) -> Frame:
    number, size = unpack_from(">2I", content, offset)
    return Frame(offset, number, size, content[offset + 8 : offset + 16])


def _header_intact(header: bytes) -> bool:
    order = _BYTE_ORDERS.get(int.from_bytes(header[:4]))
    if order is None or len(header) < WAL_HEADER or int.from_bytes(header[8:12]) != PAGE:
        return False
    first = second = 0
    for even, odd in batched(unpack(f"{order}6I", header[:24]), 2):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return unpack(">2I", header[24:]) == (first, second)
