"""The rows of a journal in each format that there was, by their columns, verified by their checksums.

| format | samples | checksum |
|---|---|---|
| 0 | key, ok, content | none |
| 2 | key, ok, content, sum | BLAKE2b of the columns |
| 3 | episode, key, ok, content, sum | CRC-32 of the columns |
| 4, 5 | episode, key, ok, content, sum | CRC-32, in two variants |

The key of formats 0 to 3 is a text, `pgen.seeds.sample_key`; since 4 it is bytes, `pgen.seeds.journal_key`. The run's
values are rows `name, content`, since format 2 with a checksum; the first journals had a single row, `identity`.
Format 5 also has two copies of all values together.
"""

import json
from hashlib import blake2b
from zlib import crc32

from pgen.storage.recovery.pages import Row

VERSION = 5
"""SQLite's user_version of a journal: its format."""

NO_EPISODE = -1
"""The episode of rows that are answers of another form."""

FORMER_KEYS = -2
"""The episode of rows whose key is that of a former format, `pgen.seeds.sample_key`."""

type Answer = tuple[int, bytes, int, str, int]
"""A row of `samples`: episode, key, whether it is an answer, content, checksum."""


def checksum(number: int, key: bytes, ok: int, content: bytes) -> int:
    """A number that a row's cells have to agree with."""
    return crc32(content, crc32(b"%d %d %b\0" % (number, ok, key)))


def checked(episode: int, key: bytes, ok: int, content: str) -> Answer:
    """A row with its checksum."""
    return episode, key, ok, content, checksum(episode, key, ok, content.encode())


def answer_of(row: Row, verified: bool = True) -> Answer | None:
    """A row of any format as one of today's; None where it is no row of samples, or damaged.

    Without `verified`, rows of format 0 are taken, which have no checksum.
    """
    match row:
        case (int(episode), bytes(key), int(ok), str(content), int(total)):
            whole = total in _sums_since_4(episode, key, ok, content.encode())
            return checked(episode, key, ok, content) if whole else None
        case (int(episode), str(key), int(ok), str(content), int(total)):
            whole = total == crc32("\0".join(map(str, row[:4])).encode())
            # Answers of another form had an episode and a key of their own already.
            return checked(episode if episode < 0 else FORMER_KEYS, key.encode(), ok, content) if whole else None
        case (str(key), int(ok), str(content), bytes(total)):
            return checked(FORMER_KEYS, key.encode(), ok, content) if total == _blake2b(key, ok, content) else None
        case (str(key), int(ok), str(content)) if not verified:
            return checked(FORMER_KEYS, key.encode(), ok, content)
    return None


def values_of(row: Row, verified: bool = True) -> dict[str, str] | None:
    """Values of the run as JSON by their names, from a row of a format before 5; None where it holds none."""
    match row:
        case (str(name), str(content), int(total)):
            sums = {crc32(f"{name}\0{content}".encode()), *_sums_since_4(0, name.encode(), 0, content.encode())}
            return {name: content} if total in sums else None
        case (str(name), str(content), bytes(total)):
            return {name: content} if total == _blake2b(name, content) else None
        case (str(name), str(content)) if not verified:
            return {name: content}
        case (str(identity),) if not verified:
            model = json.loads(identity)["generator"]["model"]
            return {"options": identity, "model": json.dumps(model)}
    return None


def _sums_since_4(number: int, key: bytes, ok: int, content: bytes) -> tuple[int, int]:
    """Today's, and that of the first journals of format 4."""
    return checksum(number, key, ok, content), crc32(content, crc32(b"%d %b\0" % (2 * number + ok, key)))


def _blake2b(*cells: str | int) -> bytes:
    return blake2b("\0".join(map(str, cells)).encode(), digest_size=8).digest()
