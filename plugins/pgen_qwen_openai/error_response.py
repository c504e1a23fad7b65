"""What a server says is wrong, in one of the many forms that servers use, whatever the status of its answer.

Text of a server is bounded before anything is looked for in it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pgen.safety.redaction import excerpt

FILTERED = frozenset({"content_filter", "content_policy_violation", "data_inspection_failed"})
"""Error codes that mean that a server will not answer this, rather than that the request is wrong."""

MOST_BYTES = 1 << 16
"""Bytes of an error's body that are looked at."""

_STATUS = re.compile(r"[eE]rror code:? ?([45]\d\d)\b")
_WORD = re.compile(r"\w+")
_EXHAUSTED = ("insufficient_quota", "daily", "per day", "per-day")
_UNKNOWN_FIELD = ("unsupported", "not support", "unrecognized", "unknown", "not permitted", "unexpected", "forbidden")
_INSIDE = ("message", "detail", "msg", "errors", "error", "metadata", "raw")
_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """A server's words, its own code for what is wrong, the field that it blames, and the status that it means."""

    words: str = ""
    code: str = ""
    field: str = ""
    status: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether waiting a little is of no use: a limit for the day, or an account that is used up."""
        text = f"{self.code} {self.words}".lower()
        return self.status in (0, 429) and any(word in text for word in _EXHAUSTED)

    def unknown(self, fields: tuple[str, ...]) -> str | None:
        """Which of a request's fields the server says that it does not know or support."""
        text = f"{self.code} {self.words}".lower()
        if not any(word in text for word in _UNKNOWN_FIELD):
            return None
        if self.field in fields:
            return self.field
        return next((name for name in fields if name in _WORD.findall(text)), None)


def problem_in(data: bytes) -> Problem:
    """What the body of an error says."""
    text = data[:MOST_BYTES].decode("utf-8", "replace")
    try:
        return problem_of(json.loads(text))
    except (ValueError, RecursionError):
        return Problem(excerpt(text))


def problem_of(value: Any) -> Problem:
    """What a JSON value says is wrong."""
    inner = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(inner, dict):
        return Problem(excerpt(inner or ""))
    words = list(dict.fromkeys(islice(_words(inner), 8))) or [json.dumps(inner)[:MOST_BYTES]]
    code = next((str(inner[name]) for name in ("code", "type") if isinstance(inner.get(name), str | int)), "")
    said = excerpt(": ".join(words))
    return Problem(said, excerpt(code, 80), _field(inner), _status(code, said))


def problem_with(answer: Any) -> Problem | None:
    """What a body that came with the status 200 says is wrong; None where it says nothing of the kind."""
    if not isinstance(answer, dict) or answer.get("choices"):
        return None
    if any(answer.get(name) for name in ("error", "message", "detail", "errors")):
        return problem_of(answer)
    return None


def broken_off(answer: Any) -> Problem | None:
    """Why the server gave up in the middle of a reply; None where it did not."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or choice.get("finish_reason") != "error":
        return None
    places = (choice, choice.get("message"), answer)
    errors = (place["error"] for place in places if isinstance(place, dict) and place.get("error"))
    return problem_of(next(errors, "no reason is given"))


def _status(code: str, words: str) -> int:
    if code.isdecimal() and len(code) == 3 and int(code) >= 400:
        return int(code)
    if found := _STATUS.search(words):
        return int(found[1])
    return 429 if code.startswith("rate_limit") else 0


def _words(value: Any, depth: int = 0) -> Iterator[str]:
    """The texts of an error, outermost first; what is wrong with a field, behind its place."""
    if isinstance(value, str) and value.strip():
        yield value[:MOST_BYTES].strip()
    elif isinstance(value, list) and depth < _DEPTH:
        for item in value:
            yield from _words(item, depth + 1)
    elif isinstance(value, dict) and depth < _DEPTH:
        inner = (text for name in _INSIDE for text in _words(value.get(name), depth + 1))
        place = _place(value.get("loc"))
        yield from (f"{place}: {text}" if place else text for text in inner)


def _place(loc: Any) -> str:
    return ".".join(str(part)[:100] for part in loc[:10]) if isinstance(loc, list) else str(loc or "")[:300]


def _field(error: dict[str, Any]) -> str:
    """The request's field that an error names outright."""
    if isinstance(error.get("param"), str):
        return str(error["param"])
    places = [value.get("loc") for value in _details(error)]
    return next((str(loc[-1]) for loc in places if isinstance(loc, list) and loc[:1] == ["body"]), "")


def _details(error: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message = error.get("message")
    for holder in (error, message if isinstance(message, dict) else {}):
        for name in ("detail", "errors"):
            if isinstance(holder.get(name), list):
                yield from (item for item in holder[name][:100] if isinstance(item, dict))
