"""The prompt about numbered spans, from `prompts.toml`, and the schema of its reply."""

import hashlib
import string
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pgen_segment.motion.spans import MOVE, MotionSpan
from pgen_segment.vlm import prompts as shared

IDLE, FAILED, UNCLEAR = STATES = ("idle", "failed", "unclear")
PLACEHOLDERS = ("task", "spans", "first", "last", "before", "names")
NEEDED = {"spans": "which spans there are", "names": "how skills are named"}
_LETTER = {"type": "string", "pattern": "^[A-Z]{1,2}$"}


@cache
def source() -> str:
    """Return the text of the file."""
    return files("pgen_segment.hybrid").joinpath("prompts.toml").read_text(encoding="utf-8")


@cache
def wording() -> dict[str, Any]:
    """Return the parsed file."""
    return tomllib.loads(source())


def fingerprint(others: str) -> str:
    """Return a hash of the prompts and of others that the segmenter uses."""
    return hashlib.sha256((source() + others).encode()).hexdigest()


def filled(name: str, /, **values: str) -> str:
    """Return a prompt with its values."""
    return string.Template(wording()["questions"][name].strip("\n")).substitute(values)


def listing(pieces: Sequence[MotionSpan], first: int) -> str:
    """Return a line for each span: its number, its times, and the state of the gripper, where one is found."""
    grasps = any(piece.phase != MOVE for piece in pieces)
    return "\n".join(
        f"{number}: {piece.start:.1f}-{piece.end:.1f} s, {_evidence(piece, grasps=grasps)}"
        for number, piece in enumerate(pieces, first)
    )


def _evidence(piece: MotionSpan, *, grasps: bool) -> str:
    words = wording()["phases"]
    if piece.still:
        return str(words["still"])
    shown = words[piece.phase if grasps else "none"] + (f", {words['failed']}" if piece.failed else "")
    return f"{piece.arm}: {shown}" if piece.arm else shown


def schema(numbers: range, motions: Sequence[str], skills: Sequence[str]) -> dict[str, Any]:
    """Return the schema of a reply about these numbers; names of motions or skills may come from a vocabulary."""
    span = {
        "numbers": {
            "type": "array",
            "minItems": 1,
            "maxItems": len(numbers),
            "items": {"type": "integer", "minimum": numbers[0], "maximum": numbers[-1]},
        },
        "skill": _LETTER,
        "name": shared.name_value(motions),
        "state": {"type": "string", "enum": list(STATES)},
    }
    skill = {"id": _LETTER, "name": shared.name_value(skills)}
    return _object(
        skills={"type": "array", "minItems": 1, "maxItems": len(numbers), "items": _object(**skill)},
        spans={"type": "array", "minItems": 1, "maxItems": len(numbers), "items": _object("state", **span)},
    )


def _object(*optional: str, **properties: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
