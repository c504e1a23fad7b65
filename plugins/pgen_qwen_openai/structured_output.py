"""How a server is made to keep to a schema, strictest first, and how one finds out what it obeys.

A status of 200 proves nothing: many servers ignore `response_format`. So the probe asks for something else
than its schema allows; whoever obeys the format cannot answer what it was asked.
"""

import json
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any

from pgen.records import Image, Prompt
from pgen_qwen_openai.options import FormatName

ORDER: tuple[FormatName, ...] = ("json_schema", "json_object_schema", "json_object", "plain")

_TEXT = {"type": "string", "minLength": 1, "maxLength": 16, "pattern": r"^[^|\x00-\x1f]*[^\s|\x00-\x1f][^|\x00-\x1f]*$"}
PROBE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "user_prompt": _TEXT,
        "robot_utterance": _TEXT,
        "scenario_type": {"type": "string", "enum": ["negative_task", "situated_correction"]},
        "response_type": {"type": "string", "enum": ["confirmation", "clarification"]},
    },
    "required": ["user_prompt", "robot_utterance", "scenario_type", "response_type"],
    "additionalProperties": False,
}
"""The keywords that dialogue schemas use, with short texts."""

PROBE = Prompt("Describe the picture in one short sentence of plain words. No lists, no code, no JSON.", PROBE_SCHEMA)


def response_format(name: FormatName, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The request field of a format; None where the request has none."""
    if name == "json_schema":
        return {"type": "json_schema", "json_schema": {"name": "dialogue", "strict": True, "schema": dict(schema)}}
    if name == "json_object_schema":
        return {"type": "json_object", "schema": dict(schema)}
    return {"type": "json_object"} if name == "json_object" else None


def instruction(name: FormatName, schema: Mapping[str, Any]) -> str:
    """What the prompt must say where the server does not hold the model to the schema."""
    if name in ("json_schema", "json_object_schema"):
        return ""
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"\n\nReply with one JSON object and nothing else. It has to fit this JSON Schema:\n{text}"


def obeyed(name: FormatName, text: str) -> bool:
    """Whether a server that was asked the probe's question held the model to the format."""
    if name == "plain":
        return True
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        # Cut off, or still thinking when the tokens ran out: what there is must look like the beginning.
        beginning = text.lstrip().startswith('{"') and not text.rstrip().endswith("}")
        return beginning or not text.strip()
    if not isinstance(value, dict):
        return False
    return name == "json_object" or set(PROBE_SCHEMA["required"]) <= set(value)


@cache
def probe_image() -> Image:
    """A small picture: a model that reads none is found out before anything is paid for."""
    from PIL import Image as Picture

    file = BytesIO()
    Picture.linear_gradient("L").resize((64, 64)).convert("RGB").save(file, "JPEG")
    return Image("probe", file.getvalue(), 64, 64)
