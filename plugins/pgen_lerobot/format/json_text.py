"""JSON that is edited as JSON: unknown keys, their order and the form of values survive."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pgen_lerobot.format.statistics import summarize

_INDENT = re.compile(r"\{\r?\n( +|\t+)")


def in_form(like: Any, value: float) -> Any:
    """The value in the form of another: a list of one (of one …), whole or not."""
    if isinstance(like, list):
        return [in_form(like[0] if like else 0.0, value)]
    return float(value) if isinstance(like, float) else value


def retold_stat(old: Any, counts: Mapping[int, int], name: str) -> Any:
    """A statistic of another column, in the form of the old one; the old one where it is none that is known."""
    known = summarize(counts, [name]) if counts and old is not None else {}
    return in_form(old, known[name]) if name in known else old


def placed_behind(neighbour: str, content: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The content with one more key behind its neighbour; a key that is there is replaced in its place."""
    if key in content or neighbour not in content:
        return {**content, key: value}
    placed = {}
    for known, kept in content.items():
        placed[known] = kept
        if known == neighbour:
            placed[key] = value
    return placed


def dumped(content: Any, original: str) -> str:
    """As JSON, indented as the original was."""
    indent = _INDENT.match(original.lstrip())
    ascii_only = original.isascii() and "\\u" in original
    text = json.dumps(content, indent=indent[1] if indent else None, ensure_ascii=ascii_only)
    return text + ("\n" if original.endswith("\n") else "")
