"""Rows of an SQLite file whose header, schema or b-tree is damaged, decoded page by page.

Each leaf page of the file and of its WAL is decoded by itself, as https://www.sqlite.org/fileformat2.html describes
it. Former versions of rows come along, and garbage may: the caller verifies each row by its checksum.
"""

from collections.abc import Callable, Iterator
from mmap import mmap
from pathlib import Path
from struct import unpack_from

from pgen.storage.recovery.wal_frames import FRAME_HEADER, PAGE, Frame, Wal, mapped

type Cell = int | str | bytes | None
type Row = tuple[Cell, ...]
type _Overflow = Callable[[int], bytes]

_TABLE_LEAF, _INDEX_LEAF = 13, 10
_LOCAL = {_TABLE_LEAF: PAGE - 35, _INDEX_LEAF: (PAGE - 12) * 64 // 255 - 23}
"""Bytes of a row that a leaf page holds at most, by its kind; a longer row continues on overflow pages."""

_LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
_LONGEST = 1 << 26
"""Bytes of a row at most: a damaged length may say anything."""

_MOST_CELLS = 8
_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def leaves(path: Path) -> Iterator[list[Row | None]]:
    """The rows of each leaf page, later versions after earlier ones; None stands for a cell that is no row."""
    with mapped(path) as file, mapped(path.with_name(path.name + "-wal")) as log:
        wal = Wal(log)
        yield from _logged(file, log, wal, (frame for frame in wal.frames if frame.salts != wal.salts))
        for shift in _shifts(len(file), PAGE):
            overflow = _filed(file, shift)
            # Page 1 has the schema, and no row of a journal.
            for number in range(2, (len(file) + shift - 1) // PAGE + 2):
                yield _rows(overflow(number), overflow)
        yield from _logged(file, log, wal, (frame for frame in wal.frames if frame.salts == wal.salts))


def logged_leaves(path: Path, frames: range) -> Iterator[list[Row | None]]:
    """The same of some frames of the WAL, by their positions."""
    with mapped(path) as file, mapped(path.with_name(path.name + "-wal")) as log:
        wal = Wal(log)
        yield from _logged(file, log, wal, (wal.frames[position] for position in frames))


def _shifts(size: int, step: int) -> set[int]:
    """How many bytes the pages may have moved towards the beginning: none, or all that the last one lacks."""
    return {0, -size % step}


def _filed(file: bytes | mmap, shift: int) -> _Overflow:
    def page(number: int) -> bytes:
        start = (number - 1) * PAGE - shift
        if not 0 <= start < len(file):
            raise IndexError(number)
        return file[start : start + PAGE].ljust(PAGE, b"\0")

    return page


def _logged(file: bytes | mmap, log: bytes | mmap, wal: Wal, frames: Iterator[Frame]) -> Iterator[list[Row | None]]:
    filed = _filed(file, 0)

    def page(number: int) -> bytes:
        frame = wal.newest.get(number)
        return _page(frame) if frame else filed(number)

    def _page(frame: Frame) -> bytes:
        start = frame.offset + FRAME_HEADER
        return log[start : start + PAGE].ljust(PAGE, b"\0")

    for frame in frames:
        yield _rows(_page(frame), page)


def _rows(page: bytes, overflow: _Overflow) -> list[Row | None]:
    kind, count = page[0], int.from_bytes(page[3:5])
    if kind not in _LOCAL:
        return []
    pointers = unpack_from(f">{min(count, (PAGE - 8) // 2)}H", page, 8)
    return [_row(page, kind, pointer, overflow) for pointer in pointers]


def _row(page: bytes, kind: int, at: int, overflow: _Overflow) -> Row | None:
    try:
        size, at = _varint(page, at)
        if kind == _TABLE_LEAF:
            _, at = _varint(page, at)  # the rowid
        return _cells(_payload(page, kind, size, at, overflow))
    except (IndexError, ValueError):
        return None


def _payload(page: bytes, kind: int, size: int, at: int, overflow: _Overflow) -> bytes:
    if size <= _LOCAL[kind]:
        return page[at : at + size]
    if size > _LONGEST:
        raise ValueError(size)
    local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (PAGE - 4)
    if local > _LOCAL[kind]:
        local = _LEAST_LOCAL
    end = at + local
    parts, number, left = [page[at:end]], int.from_bytes(page[end : end + 4]), size - local
    while left > 0:
        more = overflow(number)
        number = int.from_bytes(more[:4])
        parts.append(more[4 : 4 + left])
        left -= PAGE - 4
    return b"".join(parts)


def _cells(payload: bytes) -> Row:
    """The columns of a record; raises IndexError or ValueError where it is none."""
    header, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < header and len(kinds) <= _MOST_CELLS:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if not 0 < len(kinds) <= _MOST_CELLS:
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
    """SQLite's integer of one to nine bytes, and where it ends."""
    value = data[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for position in range(at + 1, at + 8):
        byte = data[position]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position + 1
    return value << 8 | data[at + 8], at + 9
