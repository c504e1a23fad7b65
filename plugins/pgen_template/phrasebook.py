"""Phrases with choices, filled from facts: "[Could|Can] you {do}[ now|]?".

A phrase, or a choice in it, counts only where the facts have every name it uses. What a fact holds is
inserted once and never read as a phrase.
"""

import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

_CHOICE = re.compile(r"\[([^\]]*)\]")
_TRIES = 6
_ONCE = {word: word for word in ("please", "now", "again", "just", "then", "instead", "so", "okay", "but", "sure")}
"""Words that sound odd twice in one breath, and what else counts as the same."""
_ONCE |= {
    "next": "now",
    "ready": "now",
    "away": "now",
    "only": "just",
    "thanks": "please",
    "alright": "okay",
    "yet": "still",
    "still": "still",
}


@cache
def phrases() -> dict[str, Any]:
    """The phrases that come with the package."""
    return tomllib.loads(files("pgen_template").joinpath("phrases.toml").read_text(encoding="utf-8"))


def compose(choices: Iterable[str], facts: Mapping[str, str], random: Random) -> str:
    """One of the phrases, filled; empty where none can be."""
    usable = [options for phrase in choices if (options := _options(phrase, frozenset(facts)))]
    if not usable:
        return ""
    said = ""
    for _ in range(_TRIES):
        said = "".join(random.choice(part) for part in random.choice(usable)).format_map(facts)
        if not _repetitive(said):
            break
    return said[:1].upper() + said[1:]


@cache
def _options(phrase: str, known: frozenset[str]) -> tuple[tuple[str, ...], ...] | None:
    """The phrase as a row of choices; None where it cannot be filled."""
    parts = _CHOICE.split(phrase)
    row = []
    for index, part in enumerate(parts):
        options = tuple(text for text in (part.split("|") if index % 2 else [part]) if names_in(text) <= known)
        if not options:
            return None
        row.append(options)
    return tuple(row)


def names_in(text: str) -> set[str]:
    """The facts that a phrase uses."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _repetitive(said: str) -> bool:
    words = [_ONCE[word] for word in re.findall(r"[a-z']+", said.lower()) if word in _ONCE]
    return len(words) > len(set(words))
