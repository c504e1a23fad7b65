"""The JSON objects in a model's text: strictly, where it is one, else wherever they stand in it.

What a model writes while it thinks is never part of it. Takes time linear in the length of the text.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pgen.errors import SampleError
from pgen.records import Reply
from pgen.safety.redaction import clipped

MAX_REPLY = 64 * 1024
"""Characters of a reply that is searched: no dialogue is longer."""

MAX_STARTS = 64
"""Places of a reply that are tried: prose may contain any number of brackets."""

MAX_REPAIRS = 4
"""Of those, how many are parsed again without trailing commas."""

_START = re.compile(r"[{\[]")
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s*[}\]])', re.DOTALL)
# Whole numbers are read as floats: Python refuses to read an integer of more than 4,300 digits.
_STRICT = json.JSONDecoder(parse_int=float)
_LENIENT = json.JSONDecoder(parse_int=float, strict=False)


def objects(reply: Reply) -> list[dict[str, Any]]:
    """Return the outermost JSON objects of a reply, whatever they hold. Raises SampleError: `truncated` or `parse`."""
    text = reply.text
    try:
        if whole := _whole(text.strip()):
            return [whole]  # though the model may have gone on with blanks until it was cut
        if reply.truncated:
            raise SampleError("truncated", f"the reply was cut at its length limit: {excerpt_of(text)}")
        return _objects(text)
    except RecursionError:
        raise too_deep(text) from None


def complete_part(text: str, name: str) -> dict[str, Any]:
    """Return the object of a text that was cut within its array `name`: the values before it, and its whole objects."""
    head, _, rest = _behind_thinking(text)[:MAX_REPLY].partition(f'"{name}"')
    values = next(_scan(head.rstrip().removesuffix(",") + "}", []), {})
    return {**values, name: list(_scan(rest.partition("[")[2], []))}


def _objects(text: str) -> list[dict[str, Any]]:
    """Return every outermost object of the reply without the thinking."""
    answer, unfinished, _ = _behind_thinking(text).partition("<think>")
    if len(answer) > MAX_REPLY:
        raise SampleError("parse", f"the reply is {len(answer):,} characters long, no dialogue is: {excerpt_of(text)}")
    problems: list[str] = []
    if items := list(_scan(answer, problems)):
        return items
    if unfinished:
        raise SampleError("parse", f"the reply never ends its thinking: {excerpt_of(text)}")
    if not text.strip():
        raise SampleError("parse", f"the reply is empty: {excerpt_of(text)}")
    problem = f" ({problems[0]})" if problems else ""
    raise SampleError("parse", f"the reply holds no JSON object{problem}: {excerpt_of(text)}")


def _whole(text: str) -> dict[str, Any] | None:
    """Return the object that is all of the reply, apart from thinking before it and a fence around it."""
    for candidate in (text, _unfenced(_behind_thinking(text))):
        with suppress(ValueError):
            value = _STRICT.decode(candidate) if len(candidate) <= MAX_REPLY else None
            if isinstance(value, dict):
                return value
    return None


def _behind_thinking(text: str) -> str:
    """Return what follows the thinking, which a chat template may open, so that the reply only ends it."""
    return text.rpartition("</think>")[2]


def _unfenced(text: str) -> str:
    return text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()


def _scan(text: str, problems: list[str]) -> Iterator[dict[str, Any]]:
    """Yield outermost objects, bare or in an array. Each attempt starts where the last one failed: none reads twice."""
    position = repairs = 0
    for _ in range(MAX_STARTS):
        start = _START.search(text, position)
        if start is None:
            return
        try:
            value, position = _LENIENT.raw_decode(text, start.start())
        except json.JSONDecodeError as error:
            repaired = None
            if repairs < MAX_REPAIRS and text[error.pos :].removeprefix(",").lstrip()[:1] in ("}", "]"):
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
    """Return the value at `start` and its end, where only commas before closing brackets are wrong with it."""
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


def too_deep(text: str) -> SampleError:
    """Return the error for a text whose brackets exhaust the parser."""
    return SampleError("parse", f"the reply's JSON is nested too deep: {excerpt_of(text)}")


def excerpt_of(text: str) -> str:
    """Return the beginning of a text, for a message."""
    return repr(clipped(text, 200))
