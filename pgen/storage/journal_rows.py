"""Annotations as rows of the journal."""

import json
from typing import Any

from pgen.records import Annotation, Dialogue, Failure, Finding, Judgement, Plan, Sample, Usage
from pgen.safety.redaction import clean_json
from pgen.seeds import journal_key
from pgen.storage.recovery.row_formats import Row, with_checksum

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_OUTCOMES = {"dialogue": Dialogue, "judgement": Judgement, "failure": Failure}


def row_of(annotation: Annotation) -> Row:
    """Return the row of an annotation."""
    sample = annotation.sample
    parts: dict[str, Any] = {"plan": _fields(annotation.plan), "usage": _fields(annotation.usage)}
    if annotation.checks:
        parts["checks"] = [_fields(finding) for finding in annotation.checks]
    name = next(name for name, kind in _OUTCOMES.items() if isinstance(annotation.outcome, kind))
    content = clean_json(_encode({**parts, name: _fields(annotation.outcome)}))
    return with_checksum(sample.span.episode_index, journal_key(sample), int(annotation.failure is None), content)


def annotation_of(sample: Sample, content: str) -> Annotation:
    """Return the annotation of a sample from the content of its row."""
    parts = json.loads(clean_json(content))  # an earlier version may have stored a key
    outcome: Any = next(kind(**parts[name]) for name, kind in _OUTCOMES.items() if name in parts)
    checks = tuple(Finding(**finding) for finding in parts.get("checks", ()))
    return Annotation(sample, Plan(**parts["plan"]), outcome, Usage(**parts["usage"]), checks)


def _fields(record: Any) -> dict[str, str | float | None]:
    """Return the fields of a record, which holds no other records."""
    return {name: getattr(record, name) for name in record.__match_args__}
