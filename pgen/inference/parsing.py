"""From a model's text to a dialogue or another object: parsed strictly, then leniently, then validated.

No decoder is trusted to have kept to the schema. Whatever the text is, the outcome is a value or a SampleError whose
reason says what is wrong and shows the beginning of the text, in time linear in its length. What a model says while it
thinks is never a response.
"""

import json
import re
from collections import deque
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pgen.errors import PluginError, SampleError
from pgen.formats.schemas import Validator
from pgen.inference.json_objects import excerpt_of, objects, too_deep
from pgen.records import Dialogue, Prompt, Reply

MAX_VALUE = 1000
"""Characters of one value, where the schema sets no `maxLength`: its pattern may take quadratic time."""

MAX_KEYS = 100
"""Keys of an object that is worth validating."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_validators: deque[tuple[dict[str, Any], Validator]] = deque(maxlen=8)


def parse(reply: Reply, prompt: Prompt) -> Dialogue:
    """Return the reply's dialogue. Raises SampleError with the stage `truncated`, `parse` or `schema`."""
    try:
        validator, items = _validator(prompt.schema), objects(reply)
        try:
            return _dialogue(items, validator, reply.text)
        except SampleError as error:
            # Surplus keys are dropped, but not where that would let a draft count beside the response.
            if error.stage != "schema" or (dropped := [pruned(item, prompt.schema) for item in items]) == items:
                raise
            return _dialogue(dropped, validator, reply.text)
    except RecursionError:
        raise too_deep(reply.text) from None


def parse_dialogue(fields: dict[str, Any], schema: Mapping[str, Any], text: str) -> Dialogue:
    """Return the dialogue of an object that is part of the reply `text`. Raises SampleError with the stage `schema`."""
    return _dialogue([pruned(fields, schema)], _validator(schema), text)


def parse_object(reply: Reply, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one object of the reply that fits a schema other than a dialogue's. Raises as `parse` does."""
    validator = _validator(schema)
    try:
        items = _distinct(objects(reply))
        problems = [_violation(item, validator) for item in items]
        if all(problems):
            items = _distinct([pruned(item, schema) for item in items])
            problems = [_violation(item, validator) for item in items]
    except RecursionError:
        raise too_deep(reply.text) from None
    fitting = [item for item, problem in zip(items, problems, strict=True) if problem is None]
    if len(fitting) != 1:
        problem = problems[-1] or f"the reply holds {len(fitting)} answers where one is wanted"
        raise SampleError("schema", f"{problem}, in {excerpt_of(reply.text)}")
    return fitting[0]


def pruned(value: Any, schema: Any) -> Any:
    """Return a value without the keys that its schema does not admit, wherever the schema admits no others."""
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, dict) and schema.get("additionalProperties") is False:
        rules = schema.get("properties", {})
        return {key: pruned(item, rules[key]) for key, item in value.items() if key in rules}
    if isinstance(value, list) and "items" in schema:
        return [pruned(item, schema["items"]) for item in value]
    return value


def _distinct(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({json.dumps(item, sort_keys=True): item for item in items}.values())


def _dialogue(items: list[dict[str, Any]], validator: Validator, text: str) -> Dialogue:
    """Return the one dialogue among the objects; of two different ones neither is chosen."""
    dialogues: dict[Dialogue, None] = {}
    problem = ""
    for item in items:
        fields = {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in item.items()}
        if violation := _violation(fields, validator) or _unusable(fields):
            problem = violation
        else:
            types = fields.get("scenario_type"), fields.get("response_type")
            dialogues[Dialogue(fields["user_prompt"], fields["robot_utterance"], *types)] = None
    if not dialogues:
        raise SampleError("schema", f"{problem}, in {excerpt_of(text)}")
    if len(dialogues) > 1:
        raise SampleError(
            "parse", f"the reply holds {len(dialogues)} dialogues where one is wanted: {excerpt_of(text)}"
        )
    return next(iter(dialogues))


def _unusable(fields: dict[str, Any]) -> str | None:
    """Return what a dialogue lacks: a user's own schema may demand less than that."""
    for name in ("user_prompt", "robot_utterance"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            return f"$.{name}: there is no text"
    types = [fields[name] for name in ("scenario_type", "response_type") if fields.get(name) is not None]
    if not all(isinstance(name, str) for name in types):
        return "$: a type is not a text"
    if _SURROGATE.search("\n".join([fields["user_prompt"], fields["robot_utterance"], *types])):
        return "$: the reply holds half a character"
    return None


def _violation(fields: dict[str, Any], validator: Validator) -> str | None:
    """Return how an object violates its schema; one that is too large to be validated in little time does so too."""
    if len(fields) > MAX_KEYS:
        return f"$: {len(fields):,} keys are too many"
    for name, value in fields.items():
        if isinstance(value, str) and len(value) > _max_length(validator, name):
            limit = _max_length(validator, name)
            return f"$.{name[:40]}: {len(value):,} characters are too many, {limit} are allowed"
    return validator.first_error(fields)


def _max_length(validator: Validator, name: str) -> int:
    schema: Any = validator.schema
    rules = schema.get("properties", {}).get(name)
    return int(rules.get("maxLength", MAX_VALUE) if isinstance(rules, dict) else MAX_VALUE)


def _validator(schema: Mapping[str, Any]) -> Validator:
    """Return the schema's validator, compiled once: every sample brings a schema of its own, most of them equal."""
    for value, validator in list(_validators):
        if value == schema:
            return validator
    own = deepcopy(dict(schema))
    try:
        validator = Validator(own, fast=True)
    except ValueError as error:
        raise PluginError(f"the prompt's reply schema is no JSON Schema: {error}") from None
    _validators.append((own, validator))
    return validator
