"""What a clause forbids, and the words by which the checks read it (`bans.toml`)."""

from dataclasses import dataclass

from pgen_dialogue.checks.things import is_object, singular
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase
from pgen_dialogue.english.word_lists import word_lists

LISTS = word_lists("pgen_dialogue.checks", "bans.toml")
WORDS = {name: frozenset(words) for name, words in LISTS.items()}
KEEPING = frozenset(("letgo", "discard", "place", "hand"))
"""The kinds of action that "hang on to it" forbids."""
IT = NounPhrase((), 0, "it")


@dataclass(frozen=True, slots=True)
class Ban:
    """What a clause forbids: an action with a thing, a place or both; any action if it has neither kinds nor a verb.

    If `stays`, the thing stays at the place.
    """

    text: str
    thing: NounPhrase | None
    kinds: frozenset[str] = frozenset()
    verb: str = ""
    place: NounPhrase | None = None
    stays: bool = False


def _is_place(phrase: NounPhrase | None) -> bool:
    return phrase is None or not phrase.words or is_object(singular(phrase.words[-1]))


def place_after(words: tuple[str, ...], start: int) -> NounPhrase | None:
    """Return the noun phrase after the next preposition of place."""
    for index in range(start, min(len(words), start + 6)):
        if words[index] in WORDS["places"]:
            if words[index] == "for" and not _is_place(noun_phrase(words, index + 1)):
                continue  # "no treats for Rex"
            there = NounPhrase((), index + 2, "there") if words[index + 1 : index + 2] == ("there",) else None
            return noun_phrase(words, index + 1) or there
        if words[index] in ("there", "anywhere"):
            return NounPhrase((), index + 1, "there")
    return None
