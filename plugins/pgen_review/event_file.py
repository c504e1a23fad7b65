"""The second copy of the events: a text file beside the journal, with a checksum in each line.

An event is acknowledged once it is on the disk in both files, so that damage to either loses none. The file can be
read while another process reviews. Its first line is the header, which says what the review belongs to.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from pgen.errors import InputError
from pgen.safety.bounded_json import json_lines
from pgen.safety.redaction import clean_json
from pgen.storage.durable import sync, write_text
from pgen_review.events import Event

NAME = "review.jsonl"


class Contents(NamedTuple):
    """What a review is about: the hash of the lines, or of the skills of a segmentation, and that of the spans.

    The latter is that of the files with the skills of dialogues; it is empty where it does not matter, or is unknown.
    """

    result: str
    spans: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What a review belongs to: `result` is the hash of the reviewed lines, `journal` the review's own id.

    `spans` is the hash of their skills; it is empty in a journal of a former version.

    `sample` is the number of dialogues of the random sample and its seed, None without one. `alone` is whether the
    second copy has all events, and the journal those of another review, which was carried over to this one.
    """

    journal: str
    result: str
    sample: tuple[int, int] | None = None
    alone: bool = False
    spans: str = ""

    @property
    def contents(self) -> Contents:
        """What the review is about."""
        return Contents(self.result, self.spans)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Header":
        """Return the header of a JSON object that `asdict` made."""
        sample = content.get("sample")
        chosen = (sample[0], sample[1]) if sample else None
        return cls(content["journal"], content["result"], chosen, content.get("alone", False), content.get("spans", ""))


def encode(content: dict[str, Any]) -> str:
    """Return an object as JSON without keys, as both files store it."""
    return clean_json(json.dumps(content))


def read(path: Path) -> tuple[Header | None, list[Event]]:
    """Return the header and the intact events of a file; none where there is no file."""
    contents = list(objects(path))
    headers = [Header.from_json(content) for content in contents if "journal" in content]
    return next(iter(headers), None), [Event.from_json(content) for content in contents if "journal" not in content]


def is_alone(path: Path) -> bool:
    """Return whether a file alone has the events of its review."""
    header = next(objects(path), {})
    return bool(header.get("alone"))


def read_plain(path: Path) -> list[Event]:
    """Return the events of a file of JSON lines; none where there is no file. Raises InputError."""
    if not path.exists():
        return []
    try:
        return [Event.from_json(content) for _, content in json_lines(path)]
    except (KeyError, TypeError):
        raise InputError(f"{path} does not contain the events of a review; remove it, or restore a copy.") from None


def write(path: Path, header: Header, events: list[Event]) -> None:
    """Replace the file, durably."""
    part = path.with_name(f"{path.name}.part")
    write_text(part, (_line(content) for content in (asdict(header), *(event.as_json() for event in events))))
    part.replace(path)
    sync(path.parent)


def append(path: Path, contents: Iterable[dict[str, Any]], *, create: bool = False) -> None:
    """Append objects, durably, to a file that must exist unless `create`. After an error the file is as it was."""
    content = "".join(map(_line, contents)).encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | (os.O_CREAT if create else 0), 0o644)
    size = os.fstat(descriptor).st_size
    try:
        written = 0
        while written < len(content):
            written += os.write(descriptor, content[written:])
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise
    finally:
        os.close(descriptor)


def _line(content: dict[str, Any]) -> str:
    text = encode(content)
    return f"{crc32(text.encode()):08x} {text}\n"


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the intact objects of a file; none where there is no file."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            total, _, text = line.rstrip("\n").partition(" ")
            if total == f"{crc32(text.encode()):08x}":
                yield json.loads(text)
