"""From a model's text to a dialogue: parsed strictly, then leniently, then held against its schema.

No decoder is trusted to have kept to the schema. Whatever the text is, the outcome is a Dialogue or a
SampleError whose reason says what was wrong and shows the beginning of the text, in time linear in its
length. What a model says while it thinks is never an answer.
"""

import re
from collections import deque
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgen.errors import PluginError, SampleError
from pgen.formats.schemas import compiled, first_error
from pgen.inference.fast_schema import Fits, fits
from pgen.inference.json_objects import objects, shown, too_deep
from pgen.records import Dialogue, Prompt, Reply

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MAX_SAID = 1000
"""Characters of one value, where the schema sets no `maxLength`: its pattern may take quadratic time."""

MAX_KEYS = 100
"""Keys of an object that is worth validating."""

_HALF = re.compile("[\ud800-\udfff]")
_validators: "deque[tuple[dict[str, Any], _Known]]" = deque(maxlen=8)


def parse(reply: Reply, prompt: Prompt) -> Dialogue:
    """The reply's dialogue. Raises SampleError with the stage `truncated`, `parse` or `schema`."""
    try:
        known, found = _known(prompt.schema), objects(reply)
        try:
            return _fitting(found, known, reply.text)
        except SampleError as error:
            # Keys too many are dropped, but not where that would let a draft count beside the answer.
            if error.stage != "schema" or (kept := [pruned(one, prompt.schema) for one in found]) == found:
                raise
            return _fitting(kept, known, reply.text)
    except RecursionError:
        raise too_deep(reply.text) from None


def parse_object(reply: Reply, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one object of the reply that fits a schema which is no dialogue's. Raises SampleError as `parse` does."""
    known = _known(schema)
    try:
        found = objects(reply)
        problems = [known.problem(fields) for fields in found]
        if all(problems):
            found = [pruned(fields, schema) for fields in found]
            problems = [known.problem(fields) for fields in found]
    except RecursionError:
        raise too_deep(reply.text) from None
    fitting = [fields for fields, problem in zip(found, problems, strict=True) if problem is None]
    if len(fitting) != 1:
        problem = problems[-1] or f"the reply holds {len(fitting)} answers where one is wanted"
        raise SampleError("schema", f"{problem}, in {shown(reply.text)}")
    return fitting[0]


def pruned(value: Any, schema: Any) -> Any:
    """A value without the keys that its schema does not admit, wherever it says that there are no others."""
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, dict) and schema.get("additionalProperties") is False:
        rules = schema.get("properties", {})
        return {key: pruned(item, rules[key]) for key, item in value.items() if key in rules}
    if isinstance(value, list) and "items" in schema:
        return [pruned(item, schema["items"]) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class _Known:
    """A schema: `fits` says yes at once to most of what fits, `check` says what is wrong with the rest."""

    fits: Fits
    check: "Validator"

    def problem(self, fields: dict[str, Any]) -> str | None:
        return None if self.fits(fields) else _oversized(fields, self.check) or first_error(self.check, fields)


def _fitting(objects: list[dict[str, Any]], known: _Known, text: str) -> Dialogue:
    """The one dialogue among the objects that fits; of two different ones neither is chosen."""
    fitting: dict[Dialogue, None] = {}
    problem = ""
    for found in objects:
        fields = {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in found.items()}
        if wrong := _problem(fields, known):
            problem = wrong
        else:
            types = fields.get("scenario_type"), fields.get("response_type")
            fitting[Dialogue(fields["user_prompt"], fields["robot_utterance"], *types)] = None
    if not fitting:
        raise SampleError("schema", f"{problem}, in {shown(text)}")
    if len(fitting) > 1:
        raise SampleError("parse", f"the reply holds {len(fitting)} dialogues where one is wanted: {shown(text)}")
    return next(iter(fitting))


def _problem(fields: dict[str, Any], known: _Known) -> str | None:
    if wrong := known.problem(fields):
        return wrong
    # A user's own schema may ask for less than a dialogue needs.
    for name in ("user_prompt", "robot_utterance"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            return f"$.{name}: there is no text"
    types = [fields[name] for name in ("scenario_type", "response_type") if fields.get(name) is not None]
    if not all(isinstance(name, str) for name in types):
        return "$: a type is not a text"
    if _HALF.search("\n".join([fields["user_prompt"], fields["robot_utterance"], *types])):
        return "$: the reply holds half a character"
    return None


def _oversized(fields: dict[str, Any], check: "Validator") -> str | None:
    """What is too large to be validated in little time."""
    if len(fields) > MAX_KEYS:
        return f"$: {len(fields):,} keys are too many"
    for name, value in fields.items():
        if isinstance(value, str) and len(value) > _limit(check, name):
            return f"$.{name[:40]}: {len(value):,} characters are too many, {_limit(check, name)} are allowed"
    return None


def _limit(check: "Validator", name: str) -> int:
    known: Any = check.schema
    rules = known.get("properties", {}).get(name)
    limit = rules.get("maxLength", MAX_SAID) if isinstance(rules, dict) else MAX_SAID
    return int(limit)


def _known(schema: Mapping[str, Any]) -> _Known:
    """The schema, compiled once: every sample brings a schema of its own, most of them equal."""
    for value, known in list(_validators):
        if value == schema:
            return known
    from jsonschema.exceptions import SchemaError

    try:
        check = compiled(schema)
    except SchemaError as error:
        raise PluginError(f"the prompt's reply schema is no JSON Schema: {error.message}") from None
    kept = deepcopy(dict(schema))
    known = _Known(fits(kept), check)
    _validators.append((kept, known))
    return known
