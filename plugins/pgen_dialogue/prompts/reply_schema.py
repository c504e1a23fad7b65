"""The JSON Schemas of a reply, shared by all prompt builders, and text that fits them.

A dialogue is stored as "user | robot", so neither part may contain `|`, a line break or a control character. The
patterns use no lookaround: they mean the same to Python's `re` and to the regular expressions of grammar libraries
(llguidance, xgrammar). Python's `$` also matches before a final line break, theirs does not.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pgen.records import Plan, Sample
from pgen_dialogue.english import one_line
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES

MAX_LENGTH = 300
"""Characters of either part of a dialogue."""

_FORBIDDEN = r"|\x00-\x1f\x7f-\x9f\u2028\u2029"
SAYABLE = rf"^[^{_FORBIDDEN}]*[^\s{_FORBIDDEN}][^{_FORBIDDEN}]*$"
"""One line that is not blank."""


def dialogue_schema() -> dict[str, Any]:
    """Return the schema of an object with `user_prompt` and `robot_utterance`."""
    text = {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "pattern": SAYABLE}
    return _object({"user_prompt": text, "robot_utterance": text})


def typed_schema() -> dict[str, Any]:
    """Return the same schema with `scenario_type` and `response_type`, as enumerations."""
    types = {
        "scenario_type": {"type": "string", "enum": list(SCENARIO_TYPES)},
        "response_type": {"type": "string", "enum": list(RESPONSE_TYPES)},
    }
    return _object({**dialogue_schema()["properties"], **types})


def sayable(text: str, limit: int = MAX_LENGTH) -> str:
    """Return the text in a form that the pattern accepts, cut at a word to `limit` characters; may be empty."""
    text = one_line(text)
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,.;:") + "…"


def example_dialogue(sample: Sample) -> dict[str, str]:
    """Return the plainest dialogue about a sample, for dry runs and tests."""
    skill = sayable(sample.span.skill, 200).strip(" .") or "the next step"
    return {
        "user_prompt": f"Please do this next: {skill}.",
        "robot_utterance": f"Okay, next I do this: {skill}.",
    }


def typed(reply: Mapping[str, str], plan: Plan) -> dict[str, str]:
    """Return the reply with the types of the plan, the first of each where the plan has none."""
    scenario, response = plan.scenario_type or SCENARIO_TYPES[0], plan.response_type or RESPONSE_TYPES[0]
    return {**reply, "scenario_type": scenario, "response_type": response}


def fingerprint_of(*texts: str) -> str:
    """Return a hash that changes with any of the texts."""
    joined = "".join(f"{len(text)}:{text}" for text in texts)
    return sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
