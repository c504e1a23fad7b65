"""Phrases with choices, words from lists, and facts: "[Could|Can] you {do} <calmly>?".

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

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_WORD = re.compile(r"[a-z']+")
_STARTS = re.compile(r"(?<=[.?] )[a-z]")
_LIST = re.compile(r"<(\w+)>")
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
def load(name: str) -> dict[str, Any]:
    """A file of phrases that comes with the package."""
    return tomllib.loads(files("pgen_dialogue.template").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def phrases() -> dict[str, Any]:
    """What is said of the matter itself."""
    return load("phrases")


def compose(choices: Iterable[str], facts: Mapping[str, str], random: Random) -> str:
    """One of the phrases, filled; empty where none can be."""
    usable = [options for phrase in choices if (options := _options(phrase, frozenset(facts)))]
    if not usable:
        return ""
    said = ""
    for _ in range(_TRIES):
        said = _worded("".join(random.choice(part) for part in random.choice(usable)), random).format_map(facts)
        if not _repetitive(said):
            break
    return said[:1].upper() + said[1:]


def _worded(phrase: str, random: Random) -> str:
    """The phrase with a word of each list that it names, none of them twice."""
    used: set[str] = set()
    while found := _LIST.search(phrase):
        word = random.choice([word for word in words()[found[1]] if word not in used])
        used |= set() if "<" in word else {word}
        phrase = phrase[: found.start()] + word + phrase[found.end() :]
    return _STARTS.sub(lambda match: match[0].upper(), phrase)


@cache
def words() -> dict[str, tuple[str, ...]]:
    """The lists of words, by name; in a word there may be another list's name."""
    return {name: tuple(" ".join(listed.split()).split("; ")) for name, listed in load("words").items()}


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
    words = [_ONCE[word] for word in _WORD.findall(said.lower()) if word in _ONCE]
    return len(words) > len(set(words))
