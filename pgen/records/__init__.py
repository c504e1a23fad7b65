"""The records that travel from a dataset to its dialogue: frozen, slotted, without I/O.

Episode -> Sample -> Request (Prompt + Image) -> Reply -> Annotation (Dialogue, or a Failure).
"""

from pgen.records.requests import Clip, Image, Plan, Prompt, Repair, Request
from pgen.records.results import (
    CONTRADICTION,
    SCORES,
    Annotation,
    Failure,
    Finding,
    Judgement,
    Reply,
    Review,
    Usage,
    Verdict,
)
from pgen.records.samples import (
    MAX_ELSEWHERE,
    SCOPES,
    ClipFrame,
    Dialogue,
    Episode,
    Moment,
    Question,
    Sample,
    Scope,
    Skill,
    SpanContext,
    Turn,
)

__all__ = [
    "CONTRADICTION",
    "MAX_ELSEWHERE",
    "SCOPES",
    "SCORES",
    "Annotation",
    "Clip",
    "ClipFrame",
    "Dialogue",
    "Episode",
    "Failure",
    "Finding",
    "Image",
    "Judgement",
    "Moment",
    "Plan",
    "Prompt",
    "Question",
    "Repair",
    "Reply",
    "Request",
    "Review",
    "Sample",
    "Scope",
    "Skill",
    "SpanContext",
    "Turn",
    "Usage",
    "Verdict",
]
