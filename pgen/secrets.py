"""Keys and tokens, blotted out of everything that is shown or stored.

A secret is the value of an environment variable whose name says so, a text that has the form of a known kind of
key, and whatever stands under a name such as `api_key`.
"""

import os
import re
from typing import Any

BLOT = "***"

_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)
_NAME = re.compile(r"(^|[_\-.])(api[_-]?key|token|secret|passw(or)?d|authorization|credentials?)$", re.IGNORECASE)
_LABEL = r"(?:api[_-]?key|token|secret|password)"
_FORMS = re.compile(
    r"(?P<before>bearer\s+|--(?:[\w-]+-)?" + _LABEL + r"[\s=]+|" + _LABEL + r"['\"]?\s*[=:]\s*['\"]?)[^\s'\"@,;{}*]{6,}"
    r"|(?P<user>://[^/\s:@]{0,200}:)[^/\s@]{1,200}(?=@)"
    r"|\b(?:sk-|hf_|gh[pousr]_|xox[abp]-|AKIA)[A-Za-z0-9_\-]{12,}",
    re.IGNORECASE,
)
_SHORTEST = 8
"""Characters of a variable's value: a shorter one would blot out half of every text."""


def redact(text: str) -> str:
    """The text without secrets."""
    for value in _known():
        text = text.replace(value, BLOT)
    return _FORMS.sub(lambda found: (found["before"] or found["user"] or "") + BLOT, text)


def redacted(value: Any) -> Any:
    """A JSON value without secrets, in its texts and under names that promise one."""
    if isinstance(value, dict):
        return {key: BLOT if _promises(key, item) else redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return redact(value) if isinstance(value, str) else value


def _promises(name: object, value: object) -> bool:
    return isinstance(value, str) and bool(value) and _NAME.search(str(name)) is not None


def _known() -> list[str]:
    """The longest first: one may be part of another."""
    found = {value.strip() for name, value in os.environ.items() if _VARIABLE.search(name)}
    return sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True)
