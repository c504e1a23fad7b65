"""Keys and tokens, blotted out of everything that is shown or stored.

Secrets are known by their value: whoever reads a key registers it; so are the values of environment variables
whose name promises one, the passwords of proxies, and the Hub's token. Text that goes into the output loses these
alone (`without_keys`); messages also lose what has the form of a key (`redact`).
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

from pgen.safety.key_forms import BLOT, Blotter

SHORTEST = 8
"""Characters of a key: a shorter one is a placeholder such as EMPTY, and would blot out half of every text."""

WORD = 16
"""Letters of a value that a variable's name alone makes a key: a shorter one may be a word, as in SORT_KEY."""

BOUND = 1 << 12
"""Characters of a text from outside that are looked at, where no more than an excerpt is wanted."""

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
# Each begins with characters that few texts hold, and gives nothing back that it has taken: so all are linear.
_FORMS = (
    re.compile(rf"(--(?<![\w-]--)[\w-]{{1,80}}+(?i:{_LABEL})[\s=]{{1,8}}+){_VALUE}"),
    re.compile(rf"([bB][eE][aA](?i:rer)\s{{1,8}}+){_VALUE}"),
    re.compile(rf"([tTsSpP][oOeEaA][kKcCsS](?i:en|ret|sword)['\"]?\s{{0,8}}+[=:]\s{{0,8}}+['\"]?){_VALUE}"),
    re.compile(rf"([aA][pP][iI](?i:[_-]?key)['\"]?\s{{0,8}}+[=:]\s{{0,8}}+['\"]?){_VALUE}"),
    re.compile(r"(://[^/\s:@]*+:)[^/\s@]++(?=@)"),
    re.compile(r"()[shgxA](?<!\w[shgxA])(?:(?<=s)k-|(?<=h)f_|(?<=g)h[pousr]_|(?<=x)ox[abp]-|(?<=A)KIA)[\w-]{12,}+"),
)

_registered: set[str] = set()
_surroundings: frozenset[str] = frozenset()


def register(*values: str) -> None:
    """Have the values of keys in use blotted out from now on; short ones are no keys."""
    for value in values:
        if len(value.strip()) >= SHORTEST:
            _registered.add(value.strip())
    look_around()


def look_around() -> None:
    """Learn the keys of the environment. It takes a quarter of a millisecond, so not every sample does it."""
    global _surroundings
    found = (value.strip() for value in (*_of_environment(), _of_hub(_hub_file())))
    _surroundings = frozenset(value for value in found if len(value) >= (WORD if value.isalpha() else SHORTEST))


def keys() -> Blotter:
    """What blots out the keys that are known."""
    return _blotter(_surroundings.union(_registered))


def without_keys(value: Any) -> Any:
    """A text, or a JSON value, without the keys that are known; all else stays as it is."""
    return _mapped(value, keys().text)


def clean_json(text: str) -> str:
    """JSON without the keys that are known, in its texts; the same text where there are none, as a rule."""
    if keys().text(text) == text:
        return text
    # In the text of a JSON value a key could be mistaken for one that begins with the letter of an escape.
    return json.dumps(without_keys(json.loads(text)), separators=(",", ":"))


def redact(text: str) -> str:
    """A message without the keys that are known, and without what has the form of a key."""
    look_around()
    text = keys().text(text)
    for form in _FORMS:
        text = form.sub(rf"\1{BLOT}", text)
    return text


def redacted(value: Any) -> Any:
    """A JSON value without secrets, in its texts and under names that promise one."""
    if isinstance(value, dict):
        return {key: BLOT if _promises(key, item) else redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return redact(value) if isinstance(value, str) else value


def clipped(text: str, limit: int) -> str:
    """The first `limit` characters of a text from outside, without secrets.

    Cut to what is worth looking at, then redacted, and only then cut to its length, so that no cut leaves a part
    of a key that is no longer known for one.
    """
    if len(text) > BOUND:
        look_around()
        data = text[:BOUND].encode("utf-8", "backslashreplace")
        text = data[: len(data) - keys().unfinished(data)].decode("utf-8", "replace")
    text = redact(text)
    return text if len(text) <= limit else f"{text[:limit]}…"


def excerpt(text: object, limit: int = 300) -> str:
    """At most `limit` characters of the same, as one line that every terminal and file can hold."""
    whole = clipped(str(text), BOUND).encode("utf-8", "backslashreplace").decode()
    line = " ".join("".join(char if char.isprintable() else " " for char in whole).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def register_options(options: Any) -> None:
    """Register what stands under names that promise a secret, at any depth."""
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
def _blotter(values: frozenset[str]) -> Blotter:
    return Blotter(values)


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if name.upper().endswith(_VARIABLE):
            yield value
        elif name.lower().endswith("_proxy"):
            with suppress(ValueError):
                password = urlsplit(value).password or ""
                yield from (password, unquote(password))


def _hub_file() -> Path:
    """Where huggingface_hub keeps its token."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    home = Path(os.environ.get("HF_HOME", cache))
    return Path(os.environ.get("HF_TOKEN_PATH", home / "token")).expanduser()


@lru_cache(8)
def _of_hub(file: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return file.read_text(encoding="utf-8")
    return ""
