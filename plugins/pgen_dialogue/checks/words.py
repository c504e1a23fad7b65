"""Words as the checks compare them: stems, content words, and kinds of action."""

import re
from functools import lru_cache

from pgen_dialogue.english.verbs import base_of, form_of
from pgen_dialogue.english.words import DETERMINERS

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

ACTIONS = {
    "grasp": "pick grab take grasp fetch lift raise collect grip hold seize snatch gather retrieve pinch clamp",
    "release": "put place set drop release deposit lay leave insert stack store",
    "approach": "move approach reach head travel navigate hover",
    "retreat": "retract retreat withdraw",
    "carry": "carry bring transport transfer deliver move take hand pass",
    "open": "open unlock unfold uncover",
    "close": "close shut",
    "push": "push press nudge poke slide insert",
    "pull": "pull drag tug slide open",
    "turn": "turn rotate twist flip spin",
    "clean": "wipe clean wash scrub dust",
    "fold": "fold flatten smooth crease straighten",
    "pour": "pour fill empty water",
}
"""Words that people use for each kind of action."""

ACTION_WORDS = frozenset(word for words in ACTIONS.values() for word in words.split())
_ACTIONS_OF = {
    word: frozenset(action for action, words in ACTIONS.items() if word in words.split()) for word in ACTION_WORDS
}
_PHRASES = tuple(
    (re.compile(pattern), action)
    for pattern, action in (
        (r"\b(?:mov|go|pull|back|step|com|get|stay)\w* (?:away|back|off|out of)\b|\bback(?:ing)? off\b", "retreat"),
        (r"\b(?:mak|giv)\w* (?:\w+ )?(?:room|space|way)\b", "retreat"),
        (r"\b(?:put|set|lay|putting|setting|laying)\b.{0,100}\bdown\b|\blet(?:ting)? go\b|\bdrop", "release"),
        (
            r"\bpick\w*\b.{0,100}\bup\b|\b(?:close|closing) (?:the|my|your) gripper\b|\b(?:hold|grip) (?:of|on)\b",
            "grasp",
        ),
        (
            r"\b(?:go|going|mov\w*|head\w*|get\w*|com\w*) (?:\w+ )?(?:over|closer|nearer|to|towards?|up to)\b",
            "approach",
        ),
        (r"\b(?:open|opening) (?:the|my|your) gripper\b", "release"),
    )
)
"""Phrases that name an action by more than its verb."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, in lower case."""
    return tuple(_WORD.findall(text.lower().replace("’", "'")))


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


@lru_cache(maxsize=16384)
def actions(text: str) -> frozenset[str]:
    """Return the kinds of action (keys of `ACTIONS`) that a text may name."""
    text = text.lower().replace("’", "'")
    named = {action for pattern, action in _PHRASES if pattern.search(text)}
    if named & {"retreat", "release", "grasp"}:
        return frozenset(named)
    return frozenset(named.union(*(_ACTIONS_OF.get(stem(word), ()) for word in words_of(text))))


@lru_cache(maxsize=4096)
def name_stems(name: str) -> frozenset[str]:
    """Return the stems of an object's name."""
    return frozenset(stem(word) for word in words_of(name) if word not in DETERMINERS)


def head(name: str) -> str:
    """Return the noun of an object's name: "brick" of "the pink lego brick"."""
    words = words_of(name)
    return stem(words[-1]) if words else ""
