"""What the user forbids: actions ("don't carry it yet") and things ("not the bread", "leave the shelf alone")."""

from dataclasses import replace
from functools import lru_cache

from pgen_dialogue.checks.ban import Ban
from pgen_dialogue.checks.ban_forms import FORMS
from pgen_dialogue.checks.things import is_object, singular
from pgen_dialogue.english.clauses import Clause, clauses
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase, with_feature
from pgen_dialogue.english.words import DETERMINERS, NUMBERS, PREPOSITIONS


@lru_cache(maxsize=1024)
def bans(text: str, scene: frozenset[str]) -> tuple[Ban, ...]:
    """Return what the user forbids; what a pronoun stands for is the latest thing before it."""
    result: list[Ban] = []
    latest: NounPhrase | None = None
    for clause in clauses(text):
        ban = next((ban for form in FORMS if (ban := form(clause))), None)
        if ban:
            thing = latest if latest and ban.thing and ban.thing.pronoun else _with_feature(ban.thing, clause)
            place = latest if latest and ban.place and ban.place.pronoun else ban.place
            result.append(replace(ban, thing=thing, place=place))
        latest = latest_thing(clause, scene) or latest
    return tuple(result)


@lru_cache(maxsize=8192)
def latest_thing(clause: Clause, scene: frozenset[str]) -> NounPhrase | None:
    """Return the thing that a clause speaks of: the first that is no place, or else the first of all."""
    found, index = None, 0
    while index < len(clause.words):
        phrase = noun_phrase(clause.words, index)
        if phrase and _names_thing(phrase, scene) and not _describes(clause.words, index):
            phrase = _known_part(phrase, scene)
            if not index or clause.words[index - 1] not in PREPOSITIONS:
                return with_feature(clause.words, phrase)
            found = found or phrase
        index = max(index + 1, phrase.stop if phrase else 0)
    return found


def _with_feature(thing: NounPhrase | None, clause: Clause) -> NounPhrase | None:
    """Return what a clause forbids with what tells it apart: "do not touch the mug with the dog"."""
    here = thing is not None and thing.words[-1:] == clause.words[max(0, thing.stop - 1) : thing.stop]
    return with_feature(clause.words, thing) if thing and thing.words and here else thing


def _describes(words: tuple[str, ...], index: int) -> bool:
    """Return whether a noun without a determiner tells what "it" is like: "it's glass"."""
    start = index if words[index] == "'s" else index - 1  # "'s" may also begin a noun phrase
    described = start > 0 and words[start] in ("is", "'s", "are") and words[start - 1] in ("it", "they")
    return described and words[start + 1] not in DETERMINERS


def _names_thing(phrase: NounPhrase, scene: frozenset[str]) -> bool:
    known = any(_is_known(word, scene) for word in phrase.words)
    return known or (phrase.words[-1:] == ("one",) and len(phrase.words) > 1)


def _known_part(phrase: NounPhrase, scene: frozenset[str]) -> NounPhrase:
    """Return a noun phrase without what follows its last known noun, such as an unknown verb: "my bunny sleeps"."""
    last = max((index for index, word in enumerate(phrase.words) if _is_known(word, scene)), default=len(phrase.words))
    last += phrase.words[last + 1 : last + 2] != () and _tells_apart(phrase.words[last + 1])
    return replace(phrase, words=phrase.words[: last + 1])


def _tells_apart(word: str) -> bool:
    """Return whether a word after a noun numbers it: terminal four, pallet C."""
    return word in NUMBERS or len(word) == 1 or word.isdigit()


def _is_known(word: str, scene: frozenset[str]) -> bool:
    return is_object(singular(word)) or singular(word) in scene
