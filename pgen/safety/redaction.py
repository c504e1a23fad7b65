"""Redact keys and tokens in everything that is printed or stored.

Keys are known by their value: code that reads a key registers it; the values of environment variables with a telling
name, the passwords of proxies and the Hub's token are known too. Text of the output loses these alone
(`without_keys`); messages also lose what has the form of a key (`redact`).
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pgen.safety.key_forms import MASK, Mask

SHORTEST = 8
"""Characters of a key at least: a shorter one is a placeholder such as EMPTY, and would mask ordinary text."""

WORD = 16
"""Letters at least of a value that only its variable's name makes a key: a shorter one may be a word (SORT_KEY)."""

BOUND = 1 << 12
"""Characters of an external text that are examined for an excerpt."""

_VARIABLE = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS")
_NAMES = (
    "_api_key",
    "_apikey",
    "_token",
    "_secret",
    "_password",
    "_passwd",
    "_authorization",
    "_cookie",
    "_credential",
)
_VALUE = r"[^\s'\"@,;{}*]{6,}+"
_LABEL = r"(?:(?<=api[_-]key)|(?<=apikey)|(?<=token)|(?<=secret)|(?<=password))"
# All are linear: each begins with rare characters, and its quantifiers are possessive.
_FORMS = (
    re.compile(rf"(--(?<![\w-]--)[\w-]{{1,80}}+(?i:{_LABEL})[\s=]{{1,8}}+){_VALUE}"),
    re.compile(rf"([bB][eE][aA](?i:rer)\s{{1,8}}+){_VALUE}"),
    re.compile(rf"([tTsSpP][oOeEaA][kKcCsS](?i:en|ret|sword)['\"]?\s{{0,8}}+[=:]\s{{0,8}}+['\"]?){_VALUE}"),
    re.compile(rf"([aA][pP][iI](?i:[_-]?key)['\"]?\s{{0,8}}+[=:]\s{{0,8}}+['\"]?){_VALUE}"),
    re.compile(r"(://[^/\s:@]*+:)[^/\s@]++(?=@)"),
    re.compile(r"()[shgxA](?<!\w[shgxA])(?:(?<=s)k-|(?<=h)f_|(?<=g)h[pousr]_|(?<=x)ox[abp]-|(?<=A)KIA)[\w-]{12,}+"),
)

_registered: set[str] = set()
_environment: frozenset[str] = frozenset()


def register(*values: str) -> None:
    """Redact these values from now on; short ones are no keys."""
    for value in values:
        if len(value.strip()) >= SHORTEST:
            _registered.add(value.strip())
    read_environment()


def read_environment() -> None:
    """Read the keys of the environment. It takes a quarter of a millisecond, too long for every sample."""
    global _environment
    values = (value.strip() for value in (*_of_environment(), _of_hub(_hub_file())))
    _environment = frozenset(value for value in values if len(value) >= (WORD if value.isalpha() else SHORTEST))


def keys() -> Mask:
    """Return the mask of all known keys."""
    return _mask(_environment.union(_registered))


def without_keys(value: Any) -> Any:
    """Return a text, or a JSON value, without known keys and otherwise unchanged."""
    return _mapped(value, keys().text)


def clean_json(text: str) -> str:
    """Return JSON without known keys in its texts."""
    if keys().text(text) == text:
        return text
    # Not masked in the encoded text: there the letter of an escape, as in \n, could be taken for a part of a key.
    return json.dumps(without_keys(json.loads(text)), separators=(",", ":"))


def redact(text: str) -> str:
    """Return a message without known keys and without what has the form of a key."""
    read_environment()
    text = keys().text(text)
    for form in _FORMS:
        text = form.sub(rf"\1{MASK}", text)
    return text


def redacted(value: Any) -> Any:
    """Return a JSON value without secrets, in its texts and under names that promise one."""
    if isinstance(value, dict):
        return {key: MASK if _promises(key, item) else redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return redact(value) if isinstance(value, str) else value


def clipped(text: str, limit: int) -> str:
    """Return the first `limit` characters of an external text, without secrets.

    The text is bounded, then redacted, and only then cut to its length: no cut leaves an unrecognized part of a key.
    """
    if len(text) > BOUND:
        read_environment()
        data = text[:BOUND].encode("utf-8", "backslashreplace")
        text = data[: len(data) - keys().unfinished(data)].decode("utf-8", "replace")
    text = redact(text)
    return text if len(text) <= limit else f"{text[:limit]}…"


def excerpt(text: object, limit: int = 300) -> str:
    """Return at most `limit` characters of the same, as one line that every terminal and file can hold."""
    clean = clipped(str(text), BOUND).encode("utf-8", "backslashreplace").decode()
    line = " ".join("".join(char if char.isprintable() else " " for char in clean).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def register_options(options: Any) -> None:
    """Register the values of names that promise a secret, at any depth."""
    if isinstance(options, dict):
        register(*(item for name, item in options.items() if _promises(name, item)))
        for item in options.values():
            register_options(item)
    elif isinstance(options, list | tuple):
        for item in options:
            register_options(item)


def _mapped(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _mapped(item, clean) for key, item in value.items()}
    return [_mapped(item, clean) for item in value] if isinstance(value, list | tuple) else value


def _promises(name: object, value: object) -> bool:
    ending = f"_{name}"[-20:].lower().replace("-", "_").replace(".", "_")
    return isinstance(value, str) and bool(value) and ending.removesuffix("s").endswith(_NAMES)


@lru_cache(8)
def _mask(values: frozenset[str]) -> Mask:
    return Mask(values)


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if name.upper().endswith(_VARIABLE):
            yield value
        elif name.lower().endswith("_proxy"):
            with suppress(ValueError):
                password = urlsplit(value).password or ""
                yield from (password, unquote(password))


def _hub_file() -> Path:
    """Return where huggingface_hub keeps its token."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    home = Path(os.environ.get("HF_HOME", cache))
    return Path(os.environ.get("HF_TOKEN_PATH", home / "token")).expanduser()


@lru_cache(8)
def _of_hub(file: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return file.read_text(encoding="utf-8")
    return ""
