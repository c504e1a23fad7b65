"""What the user forbids: actions ("don't carry it yet") and things ("not the bread", "leave the shelf alone")."""

from dataclasses import replace

from pgen_dialogue.checks.ban_forms import FORMS, Ban
from pgen_dialogue.checks.lexicon import is_object, singular
from pgen_dialogue.english.clauses import Clause, clauses
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase
from pgen_dialogue.english.words import PREPOSITIONS


def bans(text: str, scene: frozenset[str]) -> list[Ban]:
    """Return what the user forbids; what a pronoun stands for is the latest thing before it."""
    result: list[Ban] = []
    latest: NounPhrase | None = None
    for clause in clauses(text):
        ban = next((ban for form in FORMS if (ban := form(clause))), None)
        if ban:
            thing = latest if latest and ban.thing and ban.thing.pronoun else ban.thing
            place = latest if latest and ban.place and ban.place.pronoun else ban.place
            result.append(replace(ban, thing=thing, place=place))
        latest = latest_thing(clause, scene) or latest
    return result


def latest_thing(clause: Clause, scene: frozenset[str]) -> NounPhrase | None:
    """Return the thing that a clause speaks of: the first that is no place, or else the first of all."""
    found, index = None, 0
    while index < len(clause.words):
        phrase = noun_phrase(clause.words, index)
        if phrase and _names_thing(phrase, scene):
            if not index or clause.words[index - 1] not in PREPOSITIONS:
                return phrase
            found = found or phrase
        index = max(index + 1, phrase.stop if phrase else 0)
    return found


def _names_thing(phrase: NounPhrase, scene: frozenset[str]) -> bool:
    head = singular(phrase.words[-1]) if phrase.words else ""
    return is_object(head) or head in scene or (head == "one" and len(phrase.words) > 1)
