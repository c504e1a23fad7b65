"""Finished samples as rows of the journal."""

import json
from typing import Any

from pgen.records import Annotation, Dialogue, Failure, Finding, Judgement, Plan, Sample, Usage
from pgen.safety.redaction import clean_json
from pgen.seeds import journal_key
from pgen.storage.recovery.row_formats import Answer, checked

_text = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_OUTCOMES = {"dialogue": Dialogue, "judgement": Judgement, "failure": Failure}


def row_of(annotation: Annotation) -> Answer:
    """The row of a finished sample."""
    sample = annotation.sample
    return checked(
        sample.span.episode_index, journal_key(sample), int(annotation.failure is None), _content(annotation)
    )


def _content(annotation: Annotation) -> str:
    parts: dict[str, Any] = {"plan": _cells(annotation.plan), "usage": _cells(annotation.usage)}
    if annotation.checks:
        parts["checks"] = [_cells(finding) for finding in annotation.checks]
    name = next(name for name, kind in _OUTCOMES.items() if isinstance(annotation.outcome, kind))
    return clean_json(_text({**parts, name: _cells(annotation.outcome)}))


def _cells(record: Any) -> dict[str, str | float | None]:
    """The fields of a record, which holds no other records."""
    return {name: getattr(record, name) for name in record.__match_args__}


def annotation_of(sample: Sample, content: str) -> Annotation:
    """What came of a sample, from the content of its row."""
    parts = json.loads(clean_json(content))  # a former version may have let a key in
    outcome: Any = next(kind(**parts[name]) for name, kind in _OUTCOMES.items() if name in parts)
    checks = tuple(Finding(**finding) for finding in parts.get("checks", ()))
    return Annotation(sample, Plan(**parts["plan"]), outcome, Usage(**parts["usage"]), checks)
