"""The prompts, from `prompts.toml` or the user's file, and the schemas of their replies.

Text of a dataset or a model is filled in once and never read as a template.
"""

import hashlib
import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.records import Prompt, Sample
from pgen_dialogue.prompts import Template, load_template

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
    """Return the text of the file."""
    return files("pgen_segment.vlm").joinpath("prompts.toml").read_text(encoding="utf-8")


@cache
def wording() -> dict[str, Any]:
    """Return the parsed file."""
    return tomllib.loads(source())


def fingerprint(own: str = "") -> str:
    """Return a hash of the prompts and of the user's own."""
    return hashlib.sha256((source() + own).encode()).hexdigest()


def filled(name: str, /, **values: str) -> str:
    """Return a prompt with its values."""
    return string.Template(wording()["questions"][name].strip()).substitute(values)


def before(skills: Sequence[str]) -> str:
    """Return the sentence about earlier skills, or "" where there are none."""
    return "\n" + filled("before", skills="; ".join(skills)) if skills else ""


def names(style: str, vocabulary: Sequence[str]) -> str:
    """Return how skills are to be named: freely in a style, or from a vocabulary."""
    if vocabulary:
        return string.Template(wording()["names"]["closed"]).substitute(known="; ".join(vocabulary))
    return str(wording()["names"][style])


def clock(*, clips: bool) -> str:
    """Return where the model reads the time."""
    return str(wording()["clock"][_form(clips)])


def prompt(text: str, schema: dict[str, Any], sample: Sample, *, clips: bool) -> Prompt:
    """Return the prompt about a sample that is shown as clips, with their times, or as sheets, which show them."""
    system = string.Template(wording()["system"].strip()).substitute(shown=wording()["shown"][_form(clips)].strip())
    if clips:
        times = [f"{moment.timestamp:.1f}" for moment in sample.moment.clip]
        text = f"{filled('frames', count=str(len(times)), times=', '.join(times))}\n\n{text}"
    return Prompt(text, schema, system)


def _form(clips: bool) -> str:
    return "clips" if clips else "sheets"


def spans_schema(start: float, stop: float, limit: int, vocabulary: Sequence[str]) -> dict[str, Any]:
    """Return the schema of at most `limit` spans under `skills`, for constrained decoding; more forms are accepted."""
    time = {"type": "number", "minimum": start, "maximum": stop}
    span = {
        "type": "object",
        "properties": {"name": name_value(vocabulary), "start": time, "end": time},
        "required": ["name", "start", "end"],
        "additionalProperties": False,
    }
    spans = {"type": "array", "minItems": 1, "maxItems": limit, "items": span}
    return _object({"skills": spans})


def name_schema(vocabulary: Sequence[str]) -> dict[str, Any]:
    """Return the schema of an object with one name."""
    return _object({"name": name_value(vocabulary)})


def names_schema() -> dict[str, Any]:
    """Return the schema of an object with a list of names."""
    return _object({"names": {"type": "array", "minItems": 1, "maxItems": MOST_SPANS, "items": _NAME}})


def name_value(vocabulary: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(vocabulary)} if vocabulary else _NAME


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


PREFIX = "file:"
PLACEHOLDERS = ("task", "start", "stop", "end", "before", "description", "names", "clock")
NEEDED = {"start": "where to begin", "stop": "where to end", "names": "how skills are named"}


def own_template(choice: str | None, placeholders: Sequence[str], needed: Mapping[str, str]) -> Template | None:
    """Return the user's prompt for the spans, `--prompt file:PATH`, if any. Raises ConfigError."""
    if choice is None:
        return None
    if not choice.startswith(PREFIX):
        raise ConfigError(f"--prompt {choice}: write it as file:PATH, a template of your own.")
    return load_template(Path(choice.removeprefix(PREFIX)), placeholders, needed, _example)


def _example(own: Template) -> dict[str, Any]:
    values = {"task": "tidy up", "start": "0.0", "stop": "9.5", "end": "20.0", "description": "The arm moves."}
    before = ["reach"] if own.lists else "reach"
    values |= {"spans": "1: 0.0-9.5 s, arm moves", "first": "1", "last": "1", "clock": "as burned in"}
    return {**values, "before": before, "names": "Name skills in the imperative."}
