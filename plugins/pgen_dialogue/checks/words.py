"""Words as the checks compare them: stems and content words."""

import re
from functools import lru_cache

from pgen_dialogue.english.clauses import LONGEST_TEXT
from pgen_dialogue.english.verbs import base_of, form_of

_EMPTY = """
a an the of and or to in into on onto at by for from with as it its this that these those there here then than is
are was were be been being am do does did done doing have has had having will would can could shall should may might
must i you he she we they me him her us them my your his our their mine yours so but if not no yes ok okay please
just now next right sure well too also very really one ones all some any more most much many up down out off over
back away robot arm gripper thing things something anything nothing everything what which who how why when where let
get got go going come start
"""
EMPTY = frozenset(_EMPTY.split())
"""Function words, and words that any dialogue may use: they show no topic."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, in lower case."""
    return tuple(_WORD.findall(text[:LONGEST_TEXT].lower().replace("’", "'")))


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Return a word without the ending of a plural or of a verb form."""
    word = word.removesuffix("'s")
    if (form := form_of(word)) and (base := base_of(word, form)):
        return base
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


@lru_cache(maxsize=4096)
def content(text: str) -> frozenset[str]:
    """Return the stems of the content words of a text."""
    return frozenset(stem(word) for word in words_of(text) if word not in EMPTY)
