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

from pgen.records import Prompt, Sample

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
    return files("pgen_segment.vlm").joinpath("prompts.toml").read_text(encoding="utf-8")


@cache
def wording() -> dict[str, Any]:
    """The wording, parsed."""
    return tomllib.loads(source())


def fingerprint(own: str = "") -> str:
    """Changes whenever the wording does, or the user's own."""
    return hashlib.sha256((source() + own).encode()).hexdigest()


def filled(question: str, /, **values: str) -> str:
    """A question with its values."""
    return Template(wording()["questions"][question].strip()).substitute(values)


def before(skills: Sequence[str]) -> str:
    """What went before, where something did."""
    return "\n" + filled("before", skills="; ".join(skills)) if skills else ""


def names(style: str, known: Sequence[str]) -> str:
    """How skills are to be named: freely in a style, or from a closed list."""
    if known:
        return Template(wording()["names"]["closed"]).substitute(known="; ".join(known))
    return str(wording()["names"][style])


def clock(*, clips: bool) -> str:
    """Which seconds are meant."""
    return str(wording()["clock"][_form(clips)])


def prompt(text: str, schema: dict[str, Any], sample: Sample, *, clips: bool) -> Prompt:
    """A question about a sample that is shown as clips, whose times are then told, or as sheets, which hold them."""
    system = Template(wording()["system"].strip()).substitute(shown=wording()["shown"][_form(clips)].strip())
    if clips:
        times = [f"{moment.timestamp:.1f}" for moment in sample.moment.clip]
        text = f"{filled('frames', count=str(len(times)), times=', '.join(times))}\n\n{text}"
    return Prompt(text, schema, system)


def _form(clips: bool) -> str:
    return "clips" if clips else "sheets"


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
