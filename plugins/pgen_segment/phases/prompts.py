"""The prompt about an episode's skills, from `prompts.toml`, and the schema of its reply."""

import string
import tomllib
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from pgen.records import Prompt, Skill
from pgen_segment.vlm.prompts import LONGEST_NAME

_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}


@cache
def source() -> str:
    """Return the text of the file."""
    return files("pgen_segment.phases").joinpath("prompts.toml").read_text(encoding="utf-8")


@cache
def wording() -> dict[str, Any]:
    """Return the parsed file."""
    return tomllib.loads(source())


def fingerprint() -> str:
    """Return a hash of the prompt."""
    return sha256(source().encode()).hexdigest()


def prompt(task: str, skills: Sequence[Skill], first: int) -> Prompt:
    """Return the prompt that asks which of the skills, numbered from `first`, make up a phase."""
    numbers = range(first, first + len(skills))
    text = string.Template(wording()["question"].strip("\n")).substitute(
        task=task or "not described",
        first=str(numbers[0]),
        last=str(numbers[-1]),
        skills="\n".join(map(_line, numbers, skills)),
    )
    return Prompt(text, schema(numbers), wording()["system"].strip())


def _line(number: int, skill: Skill) -> str:
    failed = f", {wording()['failed']}" if skill.failed else ""
    return f"{number}. {skill.name} ({skill.end - skill.start:.1f} s{failed})"


def schema(numbers: range) -> dict[str, Any]:
    """Return the schema of a reply about these numbers."""
    number = {"type": "integer", "minimum": numbers[0], "maximum": numbers[-1]}
    listed = {"type": "array", "minItems": 1, "maxItems": len(numbers), "items": number}
    phase = _object(numbers=listed, name=_TEXT)
    return _object(phases={"type": "array", "minItems": 1, "maxItems": len(numbers), "items": phase})


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
