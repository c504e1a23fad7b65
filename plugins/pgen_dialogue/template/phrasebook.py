"""Phrases with choices, words from lists, and facts: "[Could|Can] you {do} <calmly>?".

A phrase, or a choice in it, is usable only if there is a fact for every name in it. The text of a fact is inserted
once and never read as a phrase.
"""

import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_WORD = re.compile(r"[a-z']+")
_STARTS = re.compile(r"(?<=[.?] )[a-z]")
_LIST = re.compile(r"<(\w+)>")
_ATTEMPTS = 6
_ONCE = {word: word for word in ("please", "now", "again", "just", "then", "instead", "so", "okay", "but", "sure")} | {
    "next": "now",
    "ready": "now",
    "away": "now",
    "only": "just",
    "thanks": "please",
    "alright": "okay",
    "yet": "still",
    "still": "still",
}
"""Words that sound odd twice in one sentence, each with the word as which it counts."""


@cache
def load(name: str) -> dict[str, Any]:
    """Return the content of a TOML file of this package."""
    return tomllib.loads(files("pgen_dialogue.template").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def phrases() -> dict[str, Any]:
    """Return the phrases about the matter itself."""
    return load("phrases")


def compose(choices: Iterable[str], facts: Mapping[str, str], random: Random) -> str:
    """Return one of the phrases with its facts, or "" if none is usable."""
    usable = [parts for phrase in choices if (parts := _usable_parts(phrase, frozenset(facts)))]
    if not usable:
        return ""
    text = ""
    for _ in range(_ATTEMPTS):
        phrase = "".join(random.choice(options) for options in random.choice(usable))
        text = _with_words(phrase, random).format_map(facts)
        if not _is_repetitive(text):
            break
    return text[:1].upper() + text[1:]


def _with_words(phrase: str, random: Random) -> str:
    """Return the phrase with a word of each list that it names, none of them twice."""
    used: set[str] = set()
    while match := _LIST.search(phrase):
        word = random.choice([word for word in words()[match[1]] if word not in used])
        if "<" not in word:
            used.add(word)
        phrase = phrase[: match.start()] + word + phrase[match.end() :]
    return _STARTS.sub(lambda match: match[0].upper(), phrase)


@cache
def words() -> dict[str, tuple[str, ...]]:
    """Return the lists of words by name; a word may name another list."""
    return {name: tuple(" ".join(text.split()).split("; ")) for name, text in load("words").items()}


@cache
def _usable_parts(phrase: str, facts: frozenset[str]) -> tuple[tuple[str, ...], ...] | None:
    """Return the parts of a phrase, each as its usable choices; None if a part has none."""
    parts = []
    for index, part in enumerate(_CHOICE.split(phrase)):
        options = part.split("|") if index % 2 else [part]
        parts.append(tuple(text for text in options if names_in(text) <= facts))
    return tuple(parts) if all(parts) else None


def names_in(text: str) -> set[str]:
    """Return the names of the facts that a phrase inserts."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _is_repetitive(text: str) -> bool:
    counted = [_ONCE[word] for word in _WORD.findall(text.lower()) if word in _ONCE]
    return len(counted) > len(set(counted))
