"""Noun phrases in spoken clauses: what a verb acts on, and what a clause begins with."""

from dataclasses import dataclass
from functools import lru_cache

from pgen_dialogue.english import words as w
from pgen_dialogue.english.verbs import form_of
from pgen_dialogue.english.word_lists import word_lists

_LISTS = {name: frozenset(words) for name, words in word_lists("pgen_dialogue.english", "spoken.toml").items()}
_SOME_OF = tuple((word, "of") for word in ("one", "some", "two", "any", "all", "both", "each"))
_LONGEST = 5
"""Words of a noun phrase that is looked for before a position."""
_PRONOUNS = _LISTS["pronouns"]
_DETERMINERS = w.DETERMINERS | _LISTS["determiners"]
_STOP = w.PREPOSITIONS | w.ADVERBS | w.CONJUNCTIONS | w.CLAUSE_STARTS | w.PRONOUNS | _LISTS["stop"]


CLOSED = _STOP | _DETERMINERS | _PRONOUNS
"""Words that are neither nouns nor verbs of actions."""


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """The words of a noun phrase without its determiners; none if it is a pronoun. `stop` is the position after it.

    `feature` are those of its words that stand after "with".
    """

    words: tuple[str, ...]
    stop: int
    pronoun: str = ""
    feature: tuple[str, ...] = ()


@lru_cache(maxsize=16384)
def noun_phrase(words: tuple[str, ...], start: int) -> NounPhrase | None:
    """Return the noun phrase that begins at a position, or None."""
    index = start + 2 if words[start : start + 2] in _SOME_OF else start
    while index < len(words) and words[index] in _DETERMINERS and not _is_pronoun(words, index):
        index += 1
    if index < len(words) and words[index] in _PRONOUNS:
        return NounPhrase((), index + 1, words[index])
    nouns, stop = _nouns(words, index)
    if nouns and words[stop : stop + 1] == ("'s",) and words[stop + 1 : stop + 2] and _owns(words, start, nouns[-1]):
        owned, end = _nouns(words, stop + 1)
        nouns, stop = ((*nouns, *owned), end) if owned and owned[0] not in _LISTS["results"] else (nouns, stop)
    if nouns:
        return NounPhrase(nouns, stop)
    before = words[index - 1] if index > start else ""
    return NounPhrase((), index, before) if before in _PRONOUNS else None


def _owns(words: tuple[str, ...], start: int, noun: str) -> bool:
    """Return whether "'s" after a noun is no verb: of a person, or where the phrase has its verb or preposition."""
    if noun in _LISTS["owners"]:
        return True
    return start > 0 and (words[start - 1] in w.PREPOSITIONS or form_of(words[start - 1]) in ("base", "gerund"))


def phrase_before(words: tuple[str, ...], stop: int) -> NounPhrase | None:
    """Return the longest noun phrase that ends at a position, or None."""
    for start in range(max(0, stop - _LONGEST), stop):
        phrase = noun_phrase(words, start)
        if phrase and phrase.stop == stop:
            return phrase
    return None


def object_after(words: tuple[str, ...], verb: int) -> NounPhrase | None:
    """Return what the verb at a position acts on: the noun phrase after its particles and the person it is for."""
    index = verb + 1
    while index < len(words) and _is_skipped(words, index):
        index += 1
    return noun_phrase(words, index)


def with_feature(words: tuple[str, ...], thing: NounPhrase) -> NounPhrase:
    """Return a noun phrase with the words of what follows it after "with": "the tube with the green cap"."""
    feature = noun_phrase(words, thing.stop + 1) if words[thing.stop : thing.stop + 1] == ("with",) else None
    if feature is None or not feature.words or not thing.words:
        return thing
    return NounPhrase((*feature.words, *thing.words), feature.stop, feature=feature.words)


def _is_skipped(words: tuple[str, ...], index: int) -> bool:
    if words[index] == "a":
        return words[index + 1 : index + 2] in (("grip",), ("hold",))
    return words[index] in _LISTS["particles"] or (words[index] in _LISTS["persons"] and _goes_on(words, index + 1))


def _nouns(words: tuple[str, ...], index: int) -> tuple[tuple[str, ...], int]:
    """Return the nouns and adjectives from a position on, with those after "of", and the position after them."""
    nouns: list[str] = []
    while index < len(words) and (words[index] not in _STOP or _is_noun(words, index, bool(nouns))):
        if _ends_nouns(words[index], bool(nouns)):
            break
        nouns.append(words[index])
        index += 1
        if words[index : index + 1] in (("one",), ("ones",)):
            return (*nouns, "one"), index + 1
        if index < len(words) - 1 and words[index] == "of":
            index += 1
            while index < len(words) and words[index] in _DETERMINERS:
                index += 1
    return tuple(nouns), index


def _is_noun(words: tuple[str, ...], index: int, begun: bool) -> bool:
    """Return whether a word that mostly ends a noun phrase is part of it: the left bin, the red can."""
    word, following = words[index], words[index + 1] if index + 1 < len(words) else ""
    if word == "can":
        determined = index > 0 and words[index - 1] in w.DETERMINERS
        return determined or (begun and (not following or following in _STOP - _LISTS["after_can"]))
    if word == "back":
        return not begun and index > 0 and words[index - 1] in w.DETERMINERS and following not in _STOP | {""}
    return word in w.SIDES | {"left"} and not begun


def _ends_nouns(word: str, begun: bool) -> bool:
    if begun and (word in w.DETERMINERS | _LISTS["results"] or (word.endswith("ing") and len(word) > 4)):
        return True
    return word.endswith("ly") and word not in w.NOT_ADVERBS


def _goes_on(words: tuple[str, ...], index: int) -> bool:
    following = words[index : index + 1]
    return bool(following) and (following[0] in _DETERMINERS or following[0] not in _STOP)


def _is_pronoun(words: tuple[str, ...], index: int) -> bool:
    """Return whether a determiner stands alone: "take that", "take that over there"."""
    following = words[index + 1] if index + 1 < len(words) else ""
    return words[index] in _PRONOUNS and (not following or (following in _STOP and following not in w.SIDES))
