"""Phrases with choices and facts: "[Could|Can] you {do}?".

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


@cache
def phrases() -> dict[str, Any]:
    """Return the content of `phrases.toml`."""
    return tomllib.loads(files("pgen_dialogue.template").joinpath("phrases.toml").read_text(encoding="utf-8"))


def compose(choices: Iterable[str], facts: Mapping[str, str], order: int, number: int, random: Random) -> str:
    """Return one of the phrases with its facts, or "" if none is usable.

    `order` is the seed of their order, in which `number` counts: the wordings of a dialogue take different phrases.
    """
    usable = [parts for phrase in choices if (parts := _usable_parts(phrase, frozenset(facts)))]
    if not usable:
        return ""
    Random(order).shuffle(usable)
    text = "".join(random.choice(options) for options in usable[number % len(usable)]).format_map(facts)
    return text[:1].upper() + text[1:]


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
