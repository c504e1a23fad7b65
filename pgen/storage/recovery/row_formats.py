"""Parse the rows of a journal of any format by the types of their columns, and verify their checksums.

| format | samples | checksum |
|---|---|---|
| 0 | key, ok, content | none |
| 2 | key, ok, content, sum | BLAKE2b of the columns |
| 3 | episode, key, ok, content, sum | CRC-32 of the columns |
| 4, 5 | episode, key, ok, content, sum | CRC-32, in two variants |

The key of formats 0 to 3 is a text, `pgen.seeds.sample_key`; since 4 it is bytes, `pgen.seeds.journal_key`. Metadata
are rows `name, content`, with a checksum since format 2; the first journals had a single row, `identity`. Format 5 also
has two copies of all metadata.
"""

import json
from hashlib import blake2b
from zlib import crc32

from pgen.storage.recovery.pages import Cells

VERSION = 5
"""SQLite's user_version of a journal: its format."""

NO_EPISODE = -1
"""The episode of results that are no annotations."""

FORMER_KEYS = -2
"""The episode of rows that have the key of an earlier format, `pgen.seeds.sample_key`."""

type Row = tuple[int, bytes, int, str, int]
"""A row of `samples`: episode, key, whether there is a result, content, checksum."""


def checksum(number: int, key: bytes, ok: int, content: bytes) -> int:
    """Return the checksum of a row's cells."""
    return crc32(content, crc32(b"%d %d %b\0" % (number, ok, key)))


def with_checksum(episode: int, key: bytes, ok: int, content: str) -> Row:
    """Return a row with its checksum."""
    return episode, key, ok, content, checksum(episode, key, ok, content.encode())


def parse_row(cells: Cells, verify: bool = True) -> Row | None:
    """Return a row of any format in the current one, or None where it is no row of samples, or damaged.

    Without `verify`, rows of format 0 are accepted, which have no checksum.
    """
    match cells:
        case (int(episode), bytes(key), int(ok), str(content), int(total)):
            intact = total in _checksums_since_4(episode, key, ok, content.encode())
            return with_checksum(episode, key, ok, content) if intact else None
        case (int(episode), str(key), int(ok), str(content), int(total)):
            intact = total == crc32("\0".join(map(str, cells[:4])).encode())
            # Results that are no annotations had an episode and a key of their own already.
            former = episode if episode < 0 else FORMER_KEYS
            return with_checksum(former, key.encode(), ok, content) if intact else None
        case (str(key), int(ok), str(content), bytes(total)) if total == _blake2b(key, ok, content):
            return with_checksum(FORMER_KEYS, key.encode(), ok, content)
        case (str(key), int(ok), str(content)) if not verify:
            return with_checksum(FORMER_KEYS, key.encode(), ok, content)
    return None


def parse_values(cells: Cells, verify: bool = True) -> dict[str, str] | None:
    """Return the metadata in a row of a format before 5, as JSON by name; None where it holds none."""
    match cells:
        case (str(name), str(content), int(total)):
            sums = {crc32(f"{name}\0{content}".encode()), *_checksums_since_4(0, name.encode(), 0, content.encode())}
            return {name: content} if total in sums else None
        case (str(name), str(content), bytes(total)):
            return {name: content} if total == _blake2b(name, content) else None
        case (str(name), str(content)) if not verify:
            return {name: content}
        case (str(identity),) if not verify:
            model = json.loads(identity)["generator"]["model"]
            return {"options": identity, "model": json.dumps(model)}
    return None


def _checksums_since_4(number: int, key: bytes, ok: int, content: bytes) -> tuple[int, int]:
    """Return the current checksum, and that of the first journals of format 4."""
    return checksum(number, key, ok, content), crc32(content, crc32(b"%d %b\0" % (2 * number + ok, key)))


def _blake2b(*cells: str | int) -> bytes:
    return blake2b("\0".join(map(str, cells)).encode(), digest_size=8).digest()
