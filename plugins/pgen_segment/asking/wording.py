"""The wording of the questions, from `prompts.toml`, and the schemas of their answers.

Text of a dataset or a model is filled in once and never read as a template.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from pgen.records import Prompt

MOST_SPANS = 120
LONGEST_NAME = 120
"""Characters of a skill's name."""

_NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
DESCRIPTION = {
    "type": "object",
    "properties": {"description": {"type": "string", "minLength": 1, "maxLength": 1500}},
    "required": ["description"],
    "additionalProperties": False,
}


@cache
def source() -> str:
    """The file with the wording."""
    return files("pgen_segment").joinpath("prompts.toml").read_text(encoding="utf-8")


@cache
def wording() -> dict[str, Any]:
    """The wording, parsed."""
    return tomllib.loads(source())


def fingerprint() -> str:
    """Changes whenever the wording does."""
    return hashlib.sha256(source().encode()).hexdigest()


def filled(text: str, /, **values: str) -> str:
    """A text of the wording with its values."""
    return Template(wording()[text].strip()).substitute(values)


def before(skills: Sequence[str]) -> str:
    """What went before, where something did."""
    return Template(wording()["before"]).substitute(skills="; ".join(skills)) if skills else ""


def names(style: str, known: Sequence[str]) -> str:
    """How skills are to be named: freely in a style, or from a closed list."""
    if known:
        return Template(wording()["names"]["closed"]).substitute(known="; ".join(known))
    return str(wording()["names"][style])


def prompt(text: str, schema: dict[str, Any]) -> Prompt:
    """A question with the system's words, which never change."""
    return Prompt(text, schema, wording()["system"].strip())


def spans_schema(start: float, stop: float, most: int, known: Sequence[str]) -> dict[str, Any]:
    """An object with at most so many spans under `skills`: what a decoder is held to, not what is accepted."""
    time = {"type": "number", "minimum": start, "maximum": stop}
    span = {
        "type": "object",
        "properties": {"name": name_of(known), "start": time, "end": time},
        "required": ["name", "start", "end"],
        "additionalProperties": False,
    }
    spans = {"type": "array", "minItems": 1, "maxItems": most, "items": span}
    return _object({"skills": spans})


def name_schema(known: Sequence[str]) -> dict[str, Any]:
    """An object with one name."""
    return _object({"name": name_of(known)})


def names_schema() -> dict[str, Any]:
    """An object with a list of names."""
    return _object({"names": {"type": "array", "minItems": 1, "maxItems": MOST_SPANS, "items": _NAME}})


def name_of(known: Sequence[str]) -> dict[str, Any]:
    """A skill's name: any, or one of those that are known."""
    return {"type": "string", "enum": list(known)} if known else _NAME


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
