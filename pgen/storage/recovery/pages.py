"""Decode the rows of an SQLite file whose header, schema or b-tree is damaged, page by page.

Each leaf page of the file and of its WAL is decoded by itself (https://www.sqlite.org/fileformat2.html). The result
includes outdated versions of rows, and possibly garbage: the caller verifies each row by its checksum.
"""

from collections.abc import Callable, Iterable, Iterator
from mmap import mmap
from pathlib import Path
from struct import unpack_from

from pgen.storage.recovery.wal_frames import FRAME_HEADER, PAGE, WAL_HEADER, Frame, Wal, mapped

type Cell = int | str | bytes | None
type Cells = tuple[Cell, ...]
type _ReadPage = Callable[[int], bytes]
"""Returns a page by its number, for overflow pages; raises IndexError where there is none."""

MAGIC = b"SQLite format 3\0"
_TABLE_LEAF, _INDEX_LEAF = 13, 10
_INTERIOR = (5, 2)
_LOCAL = {_TABLE_LEAF: PAGE - 35, _INDEX_LEAF: (PAGE - 12) * 64 // 255 - 23}
"""Bytes of a row that a leaf page holds at most, by its kind; a longer row continues on overflow pages."""

_MIN_LOCAL = (PAGE - 12) * 32 // 255 - 23
_MAX_ROW = 1 << 26
"""Bytes of a row at most: a damaged length may have any value."""

_MAX_CELLS = 8
_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def leaves(path: Path) -> Iterator[list[Cells | None]]:
    """Yield the rows of each page, later versions after earlier ones; None stands for a row that cannot be decoded."""
    with mapped(path) as file, mapped(path.with_name(path.name + "-wal")) as log:
        wal = Wal(log)
        yield from _logged(file, log, wal, (frame for frame in wal.frames if frame.salts != wal.salts))
        if file and not _is_first(file[:PAGE]):
            yield [None]
        for shift in {0, -len(file) % PAGE}:  # where bytes are missing, pages may have moved by that many
            read = _reader(file, shift)
            for number in range(2, (len(file) + shift - 1) // PAGE + 2):
                yield _rows(read(number), read, aligned=not shift)
        yield from _logged(file, log, wal, (frame for frame in wal.frames if frame.salts == wal.salts))


def logged_leaves(path: Path, frames: range) -> Iterator[list[Cells | None]]:
    """Yield the rows of frames of the WAL, by their positions."""
    with mapped(path) as file, mapped(path.with_name(path.name + "-wal")) as log:
        wal = Wal(log)
        yield from _logged(file, log, wal, (wal.frames[position] for position in frames))


def _reader(file: bytes | mmap, shift: int) -> _ReadPage:
    def read(number: int) -> bytes:
        start = (number - 1) * PAGE - shift
        if not 0 <= start < len(file):
            raise IndexError(number)
        return file[start : start + PAGE].ljust(PAGE, b"\0")

    return read


def _logged(file: bytes | mmap, log: bytes | mmap, wal: Wal, frames: Iterable[Frame]) -> Iterator[list[Cells | None]]:
    read_file = _reader(file, 0)

    def read(number: int) -> bytes:
        frame = wal.newest.get(number)
        return content(frame) if frame else read_file(number)

    def content(frame: Frame) -> bytes:
        start = frame.offset + FRAME_HEADER
        return log[start : start + PAGE].ljust(PAGE, b"\0")

    for frame in frames:
        page = content(frame)
        if frame.number != 1 and not _is_first(page):  # after a power cut a page may be there without its number
            yield _rows(page, read, aligned=(frame.offset - WAL_HEADER) % (FRAME_HEADER + PAGE) == 0)


def _is_first(page: bytes) -> bool:
    """Return whether it is page 1, intact: it has the schema, and no row of a journal."""
    return page[:16] == MAGIC and page[100:101] == bytes([_TABLE_LEAF])


def _rows(page: bytes, read: _ReadPage, *, aligned: bool) -> list[Cells | None]:
    kind, count = page[0], int.from_bytes(page[3:5])
    if kind not in _LOCAL:
        # Overwritten, or a part of a long row. Where bytes are missing, what is read there is read aligned too.
        return [None] if aligned and kind not in _INTERIOR and any(page) else []
    pointers = unpack_from(f">{min(count, (PAGE - 8) // 2)}H", page, 8)
    return [_row(page, kind, pointer, read) for pointer in pointers]


def _row(page: bytes, kind: int, at: int, read: _ReadPage) -> Cells | None:
    try:
        size, at = _varint(page, at)
        if kind == _TABLE_LEAF:
            _, at = _varint(page, at)  # the rowid
        return _cells(_payload(page, kind, size, at, read))
    except (IndexError, ValueError):
        return None


def _payload(page: bytes, kind: int, size: int, at: int, read: _ReadPage) -> bytes:
    if size <= _LOCAL[kind]:
        return page[at : at + size]
    if size > _MAX_ROW:
        raise ValueError(size)
    local = _MIN_LOCAL + (size - _MIN_LOCAL) % (PAGE - 4)
    if local > _LOCAL[kind]:
        local = _MIN_LOCAL
    end = at + local
    parts, number, left = [page[at:end]], int.from_bytes(page[end : end + 4]), size - local
    while left > 0:
        overflow = read(number)
        number = int.from_bytes(overflow[:4])
        parts.append(overflow[4 : 4 + left])
        left -= PAGE - 4
    return b"".join(parts)


def _cells(payload: bytes) -> Cells:
    """Return the columns of a record; raises IndexError or ValueError where it is none."""
    header, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < header and len(kinds) <= _MAX_CELLS:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if not 0 < len(kinds) <= _MAX_CELLS:
        raise ValueError(kinds)
    cells: list[Cell] = []
    for kind in kinds:
        cell, at = _cell(payload, kind, at)
        cells.append(cell)
    return tuple(cells)


def _cell(payload: bytes, kind: int, at: int) -> tuple[Cell, int]:
    if kind >= 12:
        end = at + (kind - 12) // 2
        if end > len(payload):
            raise IndexError(end)
        return (payload[at:end].decode() if kind % 2 else payload[at:end]), end
    if kind in (8, 9):
        return kind - 8, at
    if kind in _INTEGER_SIZES:
        end = at + _INTEGER_SIZES[kind]
        return int.from_bytes(payload[at:end], signed=True), end
    return None, at  # null; no table of a journal has floats


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Decode SQLite's integer of one to nine bytes; return it and where it ends."""
    value = 0
    for position in range(at, at + 8):
        byte = data[position]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position + 1
    return value << 8 | data[at + 8], at + 9
