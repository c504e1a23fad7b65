"""JSON that is edited as JSON (unknown keys and their order are preserved), and files of JSON lines (v2.x)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.safety.bounded_json import check_text, json_lines

_INDENT = re.compile(r"\{\r?\n( +|\t+)")


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


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read each object with its line number, from 1; empty lines are ignored. Raises InputError."""
    try:
        for number, line in json_lines(path):
            if not isinstance(line, dict):
                raise InputError(f"{path}, line {number} is no JSON object.")
            yield number, check_text(line, f"{path}, line {number}")
    except FileNotFoundError:
        raise InputError(f"{path} is missing; the dataset is incomplete.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def integer(path: Path, number: int, line: dict[str, Any], key: str) -> int:
    """Return a line's non-negative integer, which may be written as a float. Raises InputError."""
    value: Any = line.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not float(value).is_integer() or value < 0:
        raise InputError(f"{path}, line {number}: {key} must be a whole number from 0 on, found {value!r}.")
    return int(value)
