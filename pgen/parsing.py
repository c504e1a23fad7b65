"""From a model's text to a dialogue: parsed strictly, then leniently, then held against its schema.

No decoder is trusted to have kept to the schema. Whatever the text is, the outcome is a Dialogue or a
SampleError whose reason says what was wrong and shows the beginning of the text, in time linear in its
length. What a model says while it thinks is never an answer.
"""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgen.errors import PluginError, SampleError
from pgen.fitting import Fits, fits
from pgen.records import Dialogue, Prompt, Reply
from pgen.schema import compiled, first_error

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MAX_REPLY = 64 * 1024
"""Characters: a longer reply is no dialogue, and not worth the time to look for one."""

MAX_SAID = 1000
"""Characters of one value, where the schema sets no `maxLength`: its pattern may take quadratic time."""

MAX_KEYS = 100
"""Keys of an object that is worth validating."""

MAX_STARTS = 64
"""Places of a reply where an object is looked for: prose may hold any number of brackets."""

MAX_REPAIRS = 4
"""Of those, how many are read once more without trailing commas."""

_HALF = re.compile("[\ud800-\udfff]")
_START = re.compile(r"[{\[]")
_BEFORE_CLOSING = re.compile(r",?\s*[}\]]")
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s*[}\]])', re.DOTALL)
# Whole numbers are read as floats: Python refuses to read an integer of more than 4,300 digits.
_STRICT = json.JSONDecoder(parse_int=float)
_LENIENT = json.JSONDecoder(parse_int=float, strict=False)
_validators: "deque[tuple[dict[str, Any], _Known]]" = deque(maxlen=8)


def parse(reply: Reply, prompt: Prompt) -> Dialogue:
    """The reply's dialogue. Raises SampleError with the stage `truncated`, `parse` or `schema`."""
    try:
        return _fitting(objects(reply), _known(prompt.schema), reply.text)
    except RecursionError:
        raise _too_deep(reply.text) from None


def objects(reply: Reply) -> list[dict[str, Any]]:
    """The outermost JSON objects of a reply, whatever they say. Raises SampleError: `truncated` or `parse`."""
    text = reply.text
    if reply.truncated:
        raise SampleError("truncated", f"the reply was cut at its length limit: {_shown(text)}")
    try:
        return _objects(text)
    except RecursionError:
        raise _too_deep(text) from None


def parse_object(reply: Reply, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one object of the reply that fits a schema which is no dialogue's. Raises SampleError as `parse` does."""
    known = _known(schema)
    try:
        found = objects(reply)
        problems = [known.problem(fields) for fields in found]
    except RecursionError:
        raise _too_deep(reply.text) from None
    fitting = [fields for fields, problem in zip(found, problems, strict=True) if problem is None]
    if len(fitting) != 1:
        problem = problems[-1] or f"the reply holds {len(fitting)} answers where one is wanted"
        raise SampleError("schema", f"{problem}, in {_shown(reply.text)}")
    return fitting[0]


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
        raise SampleError("schema", f"{problem}, in {_shown(text)}")
    if len(fitting) > 1:
        raise SampleError("parse", f"the reply holds {len(fitting)} dialogues where one is wanted: {_shown(text)}")
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


def _objects(text: str) -> list[dict[str, Any]]:
    """The reply as an object; else every outermost object in what is left of it without the thinking."""
    with suppress(ValueError):
        value = _STRICT.decode(text) if len(text) <= MAX_REPLY else None
        if isinstance(value, dict):
            return [value]
    # A template may open the thinking in the prompt, so that the reply only ends it.
    said, unfinished, _ = text.rpartition("</think>")[2].partition("<think>")
    if len(said) > MAX_REPLY:
        raise SampleError("parse", f"the reply is {len(said):,} characters long, no dialogue is: {_shown(text)}")
    problems: list[str] = []
    if found := list(_scan(said, problems)):
        return found
    if unfinished:
        raise SampleError("parse", f"the reply never ends its thinking: {_shown(text)}")
    if not text.strip():
        raise SampleError("parse", f"the reply is empty: {_shown(text)}")
    problem = f" ({problems[0]})" if problems else ""
    raise SampleError("parse", f"the reply holds no JSON object{problem}: {_shown(text)}")


def _scan(text: str, problems: list[str]) -> Iterator[dict[str, Any]]:
    """Outermost objects, bare or in an array. A search goes on where a failed one ended: none reads twice."""
    position = repairs = 0
    for _ in range(MAX_STARTS):
        start = _START.search(text, position)
        if start is None:
            return
        try:
            value, position = _LENIENT.raw_decode(text, start.start())
        except json.JSONDecodeError as error:
            repaired = None
            if repairs < MAX_REPAIRS and _BEFORE_CLOSING.match(text, error.pos):
                repairs += 1
                repaired = _without_trailing_commas(text, start.start())
            if repaired is None:
                if text[start.start()] == "{":
                    problems.append(f"{error.msg} at character {error.pos + 1}")
                position = max(error.pos, start.end())
                continue
            value, position = repaired
        yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict))


def _without_trailing_commas(text: str, start: int) -> tuple[Any, int] | None:
    """The value at `start` where commas before a closing bracket were all that is wrong with it, and its end."""
    dropped: list[int] = []

    def keep(match: re.Match[str]) -> str:
        if match[0] != ",":
            return match[0]
        dropped.append(match.start() - len(dropped))
        return ""

    repaired = _STRING_OR_COMMA.sub(keep, text[start:])
    try:
        value, end = _LENIENT.raw_decode(repaired)
    except ValueError:
        return None
    return value, start + end + sum(place < end for place in dropped)


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


def _too_deep(text: str) -> SampleError:
    return SampleError("parse", f"the reply's JSON is nested too deep: {_shown(text)}")


def _shown(text: str, limit: int = 200) -> str:
    return repr(text if len(text) <= limit else f"{text[:limit]}…")
