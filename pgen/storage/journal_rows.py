"""Rows of the journal, each with a checksum; annotations as rows."""

import json
from typing import Any
from zlib import crc32

from pgen.records import Annotation, Dialogue, Failure, Finding, Judgement, Plan, Sample, Usage
from pgen.safety.redaction import clean_json
from pgen.storage.recovery.pages import Cells

VERSION = 7
"""SQLite's user_version of a journal: its format."""

READABLE = frozenset({6, VERSION})
"""Formats that are continued. In 6, no usage has tokens of images; its rows are valid in 7."""

NO_EPISODE = -1
"""The episode of results that are no annotations."""

type Row = tuple[int, bytes, int, str, int]
"""A row of `samples`: episode, key, whether there is a result, content, checksum."""

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_OUTCOMES = {"dialogue": Dialogue, "judgement": Judgement, "failure": Failure}


def checksum(number: int, key: bytes, ok: int, content: bytes) -> int:
    """Return the checksum of a row's cells."""
    return crc32(content, crc32(b"%d %d %b\0" % (number, ok, key)))


def with_checksum(episode: int, key: bytes, ok: int, content: str) -> Row:
    """Return a row with its checksum."""
    return episode, key, ok, content, checksum(episode, key, ok, content.encode())


def parse_row(cells: Cells) -> Row | None:
    """Return a row of samples, or None where it is none, or damaged."""
    match cells:
        case (int(episode), bytes(key), int(ok), str(content), int()):
            row = with_checksum(episode, key, ok, content)
            return row if row == cells else None
    return None


def row_of(annotation: Annotation, key: bytes) -> Row:
    """Return the row of an annotation; `key` is that of its sample."""
    parts: dict[str, Any] = {"plan": _fields(annotation.plan), "usage": annotation.usage.stored()}
    if annotation.checks:
        parts["checks"] = [_fields(finding) for finding in annotation.checks]
    name = next(name for name, kind in _OUTCOMES.items() if isinstance(annotation.outcome, kind))
    content = clean_json(_encode({**parts, name: _fields(annotation.outcome)}))
    return with_checksum(annotation.sample.span.episode_index, key, int(annotation.failure is None), content)


def annotation_of(sample: Sample, content: str) -> Annotation:
    """Return the annotation of a sample from the content of its row."""
    parts = json.loads(clean_json(content))  # an earlier version may have stored a key
    outcome: Any = next(kind(**parts[name]) for name, kind in _OUTCOMES.items() if name in parts)
    checks = tuple(Finding(**finding) for finding in parts.get("checks", ()))
    return Annotation(sample, Plan(**parts["plan"]), outcome, Usage.from_stored(parts["usage"]), checks)


def _fields(record: Any) -> dict[str, str | float | None]:
    """Return the fields of a record, which holds no other records."""
    return {name: getattr(record, name) for name in record.__match_args__}
