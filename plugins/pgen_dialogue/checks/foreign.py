"""Whether a thing that somebody names is none of the scope's."""

from collections.abc import Iterator

from pgen_dialogue.checks.attributes import ATTRIBUTES, other_attribute
from pgen_dialogue.checks.lexicon import PARTS, PLACES, Act, is_kind, is_known, is_object, related, same, singular
from pgen_dialogue.checks.phrases import WORDS
from pgen_dialogue.checks.scope import ScopeFacts, SkillFacts, head_of, matches, mentioned, nouns
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase

_SURFACES = frozenset(("table", "desk", "counter", "bench", "worktop", "shelf", "cupboard", "room"))
_PUTTING = frozenset(("place", "lower", "letgo", "carry", "pour"))
_MOVING = _PUTTING | {"pour", "hand"}
"""Kinds of action that bring something to a place."""


def is_other(thing: NounPhrase, spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether a thing, named among the words of a text, is another than those of the scope."""
    if not thing.words:
        return False
    text = " ".join(thing.words)
    if set(thing.words) <= ATTRIBUTES[0]:
        text += " one"  # "the blue", where it is not the blue tray
    if text.endswith(" one") and not all(_differs(text, skill) for skill in scope.skills):
        return False
    labels = " ".join(f"{skill.phrase.do} {skill.object}" for skill in scope.skills)
    if other_attribute(labels, text) and (
        other_attribute(labels, " ".join(spoken)) or len(text) > len(" ".join(thing.words))
    ):
        return True
    return (_is_foreign(thing, scope) or _has_other_attribute(thing, scope)) and not _names_own(thing, spoken, scope)


def other_place(words: tuple[str, ...], act: Act, spoken: tuple[str, ...], scope: ScopeFacts) -> str:
    """Return the place to which a verb brings something, if the scope's skills bring it to others, or ""."""
    places = nouns(*(place for skill in scope.skills for place in skill.places))
    if not act.kinds & _MOVING or not places or not scope.kinds & _PUTTING or mentioned(spoken, places):
        return ""
    for place in destinations(words, act.index):
        head = head_of(place)
        if head in PLACES and not any(related(head, word) for word in scope.own):
            return " ".join(place.words)
    return ""


def destinations(words: tuple[str, ...], verb: int) -> Iterator[NounPhrase]:
    """Yield where the verb at a position moves something."""
    for index in range(verb + 1, len(words) - 1):
        if words[index] in ("in", "into", "on", "onto", "to", "under") and words[index - 1] not in (
            "from",
            "next",
            "close",
        ):
            place = noun_phrase(words, index + 1)
            if place and place.words:
                yield place


def _differs(text: str, skill: SkillFacts) -> bool:
    """Return whether "the blue one" is no thing of a skill."""
    return any(other_attribute(name, text) for name in (skill.object, *skill.places))


def _has_other_attribute(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether a thing has another colour than all of the scope's: the black bishop, not the white king."""
    names = [skill.object for skill in scope.skills if skill.object]
    if matches(thing, scope.own) or len(thing.words) < 2:
        return False
    for group in ATTRIBUTES[:1]:
        theirs = [set(name.split()) & group for name in names]
        if group & set(thing.words) and theirs and all(theirs) and not any(own & set(thing.words) for own in theirs):
            return True
    return False


def _is_foreign(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether a thing is another one of the scene, or a known object that the scene has not."""
    head = head_of(thing)
    if is_kind("drink", head) and scope.handled & WORDS["drinkware"]:
        return False
    if _is_named_elsewhere(thing, scope):
        return True
    if matches(thing, scope.own) or "robot" in thing.words or head in ("one", "thing", "stuff", "lot", "way", "bit"):
        return False
    if WORDS["substances"] & set(thing.words) and scope.kinds & WORDS["watery"]:
        return False
    others = frozenset(word for skill in scope.others for word in nouns(skill.object, *skill.places))
    if matches(thing, others):
        return head not in PARTS or head in others
    if head in _SURFACES or not any(map(is_known, scope.handled)):
        return False  # "I need this table" asks for what is on it; a thing without a known name may have many names
    return is_object(head) and not any(related(head, word) for word in scope.scene)


def _is_named_elsewhere(thing: NounPhrase, scope: ScopeFacts) -> bool:
    """Return whether another skill's object has all of a thing's words, and the scope has not: the network cable."""
    words = nouns(" ".join(thing.words))
    if words <= scope.own or words <= PARTS:
        return False
    return any(words <= (nouns(skill.object) if skill.phrase.verb else skill.words) for skill in scope.others)


def _names_own(thing: NounPhrase, spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether the words beside a foreign thing name the scope's own."""
    if not _is_named_elsewhere(thing, scope):
        return mentioned(spoken, scope.handled)
    own = scope.handled - nouns(" ".join(thing.words))
    sources = {"of", "from", "off"}  # "get the eggs out of the bag" is not about the bag
    named = (word for index, word in enumerate(spoken) if not sources & set(spoken[max(0, index - 2) : index]))
    return any(same(singular(word), one) for word in named for one in own)
