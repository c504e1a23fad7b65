"""A quick yes for values that fit their JSON Schema: most replies do, and a validator takes thirty times as long.

It knows objects of strings and their simplest keywords, which is what dialogues are, and is never wrong when it
says yes. Whatever it does not know for certain is for the validator to judge.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_OF_OBJECTS = frozenset({"type", "properties", "required", "additionalProperties"})
_OF_STRINGS = frozenset({"type", "minLength", "maxLength", "pattern", "enum"})
_TELLING = frozenset({"$schema", "title", "description", "default", "examples"})
"""Keywords that rule nothing out."""

Fits = Callable[[Any], bool]


def fits(schema: Mapping[str, Any]) -> Fits:
    """A function that is true for values that certainly fit a valid `schema`; never true for a schema beyond it."""
    rules = {key: value for key, value in schema.items() if key not in _TELLING}
    properties: dict[str, Any] = rules.get("properties", {})
    texts = {name: _text(rule) for name, rule in properties.items()}
    known = rules.keys() <= _OF_OBJECTS and rules.get("type") == "object"
    closed = rules.get("additionalProperties") is False and set(rules.get("required", ())) == set(properties)
    if not known or not closed or None in texts.values():
        return lambda value: False
    return lambda value: (
        type(value) is dict
        and value.keys() == texts.keys()
        and all(type(text) is str and texts[name](text) for name, text in value.items())  # type: ignore[misc]  # (none is None)
    )


def _text(rule: Any) -> Callable[[str], bool] | None:
    """A function for the texts that a property's schema allows; None for a schema beyond what is known here."""
    if not isinstance(rule, dict):
        return None
    rules = {key: value for key, value in rule.items() if key not in _TELLING}
    if not rules.keys() <= _OF_STRINGS or rules.get("type") != "string":
        return None
    names, least, most = rules.get("enum"), rules.get("minLength", 0), rules.get("maxLength")
    if names is None and most is None:
        return None  # a pattern may take quadratic time
    found = re.compile(rules.get("pattern", "")).search
    return lambda text: (
        (names is None or text in names)
        and least <= len(text)
        and (most is None or len(text) <= most)
        and found(text) is not None
    )
