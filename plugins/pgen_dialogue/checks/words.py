"""Words as the checks compare them: stems without endings, and what a label, a task and a text are about."""

import re
from functools import lru_cache

from pgen.records import Sample
from pgen_dialogue.english import Phrase, read, read_task
from pgen_dialogue.english import words as w
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
"""Words that say nothing about what a text is about."""

DEEDS = {
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
"""Words by which people mean the same deed."""

_DEEDS_OF = {
    word: frozenset(deed for deed, words in DEEDS.items() if word in words.split())
    for words in DEEDS.values()
    for word in words.split()
}
_PHRASES = (
    (
        re.compile(r"\b(?:mov|go|pull|back|step|com|get|stay)\w* (?:away|back|off|out of)\b|\bback(?:ing)? off\b"),
        "retreat",
    ),
    (re.compile(r"\b(?:mak|giv)\w* (?:\w+ )?(?:room|space|way)\b"), "retreat"),
    (re.compile(r"\b(?:put|set|lay|putting|setting|laying)\b.{0,100}\bdown\b|\blet(?:ting)? go\b|\bdrop"), "release"),
    (
        re.compile(
            r"\bpick\w*\b.{0,100}\bup\b|\b(?:close|closing) (?:the|my|your) gripper\b|\b(?:hold|grip) (?:of|on)\b"
        ),
        "grasp",
    ),
    (
        re.compile(r"\b(?:go|going|mov\w*|head\w*|get\w*|com\w*) (?:\w+ )?(?:over|closer|nearer|to|towards?|up to)\b"),
        "approach",
    ),
    (re.compile(r"\b(?:open|opening) (?:the|my|your) gripper\b"), "release"),
)

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, in lower case."""
    return tuple(_WORD.findall(text.lower().replace("’", "'")))


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A word without the ending of a number or a form."""
    word = word.removesuffix("'s")
    if (form := form_of(word)) and (base := base_of(word, form)):
        return base
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


@lru_cache(maxsize=4096)
def content(text: str) -> frozenset[str]:
    """The stems of the words that say what a text is about."""
    return frozenset(stem(word) for word in words_of(text) if word not in EMPTY)


@lru_cache(maxsize=16384)
def deeds(text: str) -> frozenset[str]:
    """The kinds of deed that a text may speak of; empty where it names none that is known."""
    text = text.lower().replace("’", "'")
    told = {deed for pattern, deed in _PHRASES if pattern.search(text)}
    if told & {"retreat", "release", "grasp"}:
        return frozenset(told)
    return frozenset(told.union(*(_DEEDS_OF.get(stem(word), ()) for word in words_of(text))))


@lru_cache(maxsize=4096)
def thing(phrase: str) -> frozenset[str]:
    """The stems of a thing's name."""
    return frozenset(stem(word) for word in words_of(phrase) if word not in w.DETERMINERS)


def head(phrase: str) -> str:
    """The noun of a thing's name: "brick" of "the pink lego brick"."""
    named = words_of(phrase)
    return stem(named[-1]) if named else ""


@lru_cache(maxsize=512)
def around(sample: Sample) -> tuple[Phrase, ...]:
    """The phrases of every other skill of the episode, and of its task."""
    others = (*sample.span.history, *sample.span.future)
    return (*(read(name) for name in dict.fromkeys(others)), read_task(sample.span.task))
