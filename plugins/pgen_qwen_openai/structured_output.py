"""The ways to hold a server to a JSON Schema, strictest first, and the probe that shows which of them it obeys.

A status of 200 proves nothing, since many servers ignore `response_format`. So the probe asks for something that its
schema forbids: a server that obeys the format cannot answer as it was asked.
"""

import json
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any

from pgen.records import Image, Prompt
from pgen_qwen_openai.options import FormatName

FORMATS: tuple[FormatName, ...] = ("json_schema", "json_object_schema", "json_object", "plain")
"""Strictest first."""

_TEXT = {"type": "string", "minLength": 1, "maxLength": 16, "pattern": r"^[^|\x00-\x1f]*[^\s|\x00-\x1f][^|\x00-\x1f]*$"}
_NUMBER = {"type": "integer", "enum": [1]}
_NUMBERS = {"type": "array", "prefixItems": [_NUMBER], "items": _NUMBER, "minItems": 1, "maxItems": 1}
_OBEYED = ("user_prompt", "robot_utterance", "scenario_type", "response_type")
"""The properties by which a reply shows that it was held to the schema."""
PROBE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "user_prompt": _TEXT,
        "robot_utterance": _TEXT,
        "scenario_type": {"type": "string", "enum": ["negative_task", "situated_correction"]},
        "response_type": {"type": "string", "enum": ["confirmation", "clarification"]},
        "numbers": _NUMBERS,
    },
    "required": [*_OBEYED, "numbers"],
    "additionalProperties": False,
}
"""The keywords of the schemas of dialogues and of lists of them, with short texts."""

PROBE = Prompt("Describe the picture in one short sentence of plain words. No lists, no code, no JSON.", PROBE_SCHEMA)


def response_format(name: FormatName, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the request field of a format; None where it has none."""
    if name == "json_schema":
        return {"type": "json_schema", "json_schema": {"name": "dialogue", "strict": True, "schema": dict(schema)}}
    if name == "json_object_schema":
        return {"type": "json_object", "schema": dict(schema)}
    return {"type": "json_object"} if name == "json_object" else None


def instruction(name: FormatName, schema: Mapping[str, Any]) -> str:
    """Return the text that the prompt needs where the server does not hold the model to the schema."""
    if name in ("json_schema", "json_object_schema"):
        return ""
    text = json.dumps(_brief(schema), ensure_ascii=False, separators=(",", ":"))
    return f"\n\nReply with one JSON object and nothing else. It has to fit this JSON Schema:\n{text}"


def _brief(schema: Any) -> Any:
    """Return a schema without `prefixItems`, which hold decoding to an order and tell a reader what `items` do."""
    if isinstance(schema, dict):
        return {name: _brief(value) for name, value in schema.items() if name != "prefixItems"}
    return [_brief(value) for value in schema] if isinstance(schema, list) else schema


def obeys(name: FormatName, text: str) -> bool:
    """Whether the reply to the probe shows that the server held the model to the format."""
    if name == "plain":
        return True
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        # Out of tokens in the middle of the reply: nothing speaks against the format.
        return text.lstrip().startswith('{"') and not text.rstrip().endswith("}")
    if not isinstance(value, dict):
        return False
    return name == "json_object" or value.keys() >= set(_OBEYED)


@cache
def probe_image() -> Image:
    """Return a small image, which shows before the run whether the model reads images."""
    import PIL.Image

    file = BytesIO()
    PIL.Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(file, "JPEG")
    return Image("probe", file.getvalue(), 64, 64)
