"""JSON that is edited as JSON: unknown keys, their order and the form of values are preserved."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pgen_lerobot.format.statistics import summarize

_INDENT = re.compile(r"\{\r?\n( +|\t+)")


def in_form(like: Any, value: float) -> Any:
    """Return the value in the form of another: nested in lists as that is, float where that is."""
    if isinstance(like, list):
        return [in_form(like[0] if like else 0.0, value)]
    return float(value) if isinstance(like, float) else value


def stats_in_form(counts: Mapping[int, int], like: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statistics of `counts` that `like` names, each in the form that it has there."""
    values = summarize(counts, like) if counts else {}
    return {name: in_form(like[name], value) for name, value in values.items()}


def replaced_stats(counts: Mapping[int, int], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statistics of `counts` in place of the old ones; those that cannot be computed stay."""
    return {**old, **stats_in_form(counts, {name: value for name, value in old.items() if value is not None})}


def insert_after(neighbour: str, content: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return the content with a key added after its neighbour, or replaced in its place."""
    if key in content or neighbour not in content:
        return {**content, key: value}
    inserted = {}
    for name, item in content.items():
        inserted[name] = item
        if name == neighbour:
            inserted[key] = value
    return inserted


def dump_like(original: str, content: Any) -> str:
    """Return JSON with the indentation, escapes and last line end of the original text."""
    indent = _INDENT.match(original.lstrip())
    ascii_only = original.isascii() and "\\u" in original
    text = json.dumps(content, indent=indent[1] if indent else None, ensure_ascii=ascii_only)
    return text + ("\n" if original.endswith("\n") else "")
