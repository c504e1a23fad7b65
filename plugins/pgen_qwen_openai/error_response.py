"""Error bodies of servers, in the many forms in use, whatever the status they come with.

A server's text is bounded before anything is searched in it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pgen.safety.redaction import excerpt

FILTERED = frozenset({"content_filter", "content_policy_violation", "data_inspection_failed"})
"""Error codes of a content filter: the request is valid, and is refused."""

MAX_BYTES = 1 << 16
"""Bytes of an error body that are read."""

_STATUS = re.compile(r"[eE]rror code:? ?([45]\d\d)\b")
_WORD = re.compile(r"\w+")
_EXHAUSTED = ("insufficient_quota", "daily", "per day", "per-day")
_UNKNOWN_FIELD = ("unsupported", "not support", "unrecognized", "unknown", "not permitted", "unexpected", "forbidden")
_MESSAGE_KEYS = ("message", "detail", "msg", "errors", "error", "metadata", "raw")
_MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """The message of an error, its code, the request field in `param`, and the HTTP status that it names."""

    message: str = ""
    code: str = ""
    param: str = ""
    status: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether a short wait does not help: a daily limit, or an account without credit."""
        text = f"{self.code} {self.message}".lower()
        return self.status in (0, 429) and any(word in text for word in _EXHAUSTED)

    def unknown_field(self, fields: tuple[str, ...]) -> str | None:
        """Return which of the request's `fields` the server does not know or support."""
        text = f"{self.code} {self.message}".lower()
        if not any(word in text for word in _UNKNOWN_FIELD):
            return None
        if self.param in fields:
            return self.param
        return next((name for name in fields if name in _WORD.findall(text)), None)


def parse_error(data: bytes) -> ErrorDetails:
    """Read the body of an error response."""
    text = data[:MAX_BYTES].decode("utf-8", "replace")
    try:
        return error_details(json.loads(text))
    except (ValueError, RecursionError):
        return ErrorDetails(excerpt(text))


def error_details(value: Any) -> ErrorDetails:
    """Read an error from a JSON value."""
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return ErrorDetails(excerpt(error or ""))
    messages = list(dict.fromkeys(islice(_messages(error), 8))) or [json.dumps(error)[:MAX_BYTES]]
    message = excerpt(": ".join(messages))
    code = next((str(error[name]) for name in ("code", "type") if isinstance(error.get(name), str | int)), "")
    return ErrorDetails(message, excerpt(code, 80), str(error.get("param")), _status(code, message))


def error_in_completion(completion: Any) -> ErrorDetails | None:
    """Return the error in a body with the status 200; None for a chat completion."""
    if not isinstance(completion, dict) or completion.get("choices"):
        return None
    if any(completion.get(name) for name in ("error", "message", "detail", "errors")):
        return error_details(completion)
    return None


def error_of_choice(completion: Any) -> ErrorDetails | None:
    """Return why the server stopped in the middle of a reply; None where it did not."""
    choices = completion.get("choices") if isinstance(completion, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or choice.get("finish_reason") != "error":
        return None
    places = (choice, choice.get("message"), completion)
    errors = (place["error"] for place in places if isinstance(place, dict) and place.get("error"))
    return error_details(next(errors, "no reason is given"))


def _status(code: str, message: str) -> int:
    if code.isdecimal() and len(code) == 3 and int(code) >= 400:
        return int(code)
    if match := _STATUS.search(message):
        return int(match[1])
    return 429 if code.startswith("rate_limit") else 0


def _messages(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts of an error, outermost first; that of a field with the field's path before it."""
    if isinstance(value, str) and value.strip():
        yield value[:MAX_BYTES].strip()
    elif isinstance(value, list) and depth < _MAX_DEPTH:
        for item in value:
            yield from _messages(item, depth + 1)
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        texts = (text for name in _MESSAGE_KEYS for text in _messages(value.get(name), depth + 1))
        path = _field_path(value.get("loc"))
        yield from (f"{path}: {text}" if path else text for text in texts)


def _field_path(loc: Any) -> str:
    return ".".join(str(part)[:100] for part in loc[:10]) if isinstance(loc, list) else str(loc or "")[:300]
