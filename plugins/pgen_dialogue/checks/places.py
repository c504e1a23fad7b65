"""Where somebody brings a thing to, takes it from or turns it to, compared with what the scope does."""

from collections.abc import Iterator

from pgen.records import Finding
from pgen_dialogue.checks.attributes import other_direction
from pgen_dialogue.checks.lexicon import acts
from pgen_dialogue.checks.naming import names_place
from pgen_dialogue.checks.scope import ScopeFacts, SkillFacts, head_of, matches, nouns
from pgen_dialogue.checks.things import places_apart, singular
from pgen_dialogue.english.clauses import Clause
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase

_BRINGING = frozenset(("place", "carry", "lower", "discard", "pour"))
_TAKING = frozenset(("grasp", "lift", "carry", "pull", "retreat"))
_INTO = frozenset(("in", "into", "on", "onto", "inside"))
_TO = _INTO | {"to"}
_OFF = frozenset(("off", "from", "of"))


def other_place(listed: list[Clause], scope: ScopeFacts) -> Finding | None:
    """Return a finding where somebody brings a thing to a place, or turns it in a direction, that is another one."""
    spoken = " ".join(clause.plain for clause in listed)
    if len(scope.skills) == 1 and (direction := other_direction(scope.skills[0].phrase.do, spoken)):
        return Finding("other_action", f"{direction!r} is the other direction, but what follows is: {scope.label}")
    bringing = list(filter(_brings, scope.skills))
    for clause in listed if bringing else ():
        kinds = frozenset().union(*(act.kinds for act in acts(clause.words, "base gerund")))
        if kinds & _BRINGING and _is_elsewhere(clause, bringing, scope):
            return Finding(
                "other_action", f"{clause.text!r} is about another place, but what follows is: {scope.label}"
            )
        if kinds & _TAKING and len(scope.skills) == 1 and _takes_back(clause, bringing[0], scope):
            return Finding("other_action", f"{clause.text!r} takes it away, but what follows is: {scope.label}")
    return None


def _is_elsewhere(clause: Clause, bringing: list[SkillFacts], scope: ScopeFacts) -> bool:
    """Return whether a clause names a place that is none of the scope's: one of another skill, or a known other one."""
    named = [place for place in _after(clause.words, _TO) if place.words]
    if any(_is_own(place, scope) for place in named):
        return False
    heads = {singular(place.split()[-1]) for skill in bringing for place in skill.places}
    known = (head_of(place) for place in _after(clause.words, _INTO))
    if any(head and head not in scope.own and all(places_apart(head, place) for place in heads) for head in known):
        return True
    others = [skill for skill in scope.others if _brings(skill) and not _continues(skill, bringing)]
    others += [skill for skill in scope.past if skill.phrase.where.startswith(("from ", "off ", "out of "))]
    return any(names_place(place, skill, scope) for place in named for skill in others)


def _brings(skill: SkillFacts) -> bool:
    """Return whether a skill brings something to a place: by its kind, or as its label says."""
    if skill.kinds & _BRINGING and skill.places:
        return True
    goals = (f" {word} {place}" for word in _TO for place in skill.places)
    return not skill.kinds & _TAKING and any(goal in skill.phrase.do for goal in goals)


def _is_own(place: NounPhrase, scope: ScopeFacts) -> bool:
    if any(names_place(place, skill, scope) for skill in scope.skills):
        return True
    return matches(place, scope.own) and not any(names_place(place, skill, scope) for skill in scope.others)


def _continues(skill: SkillFacts, bringing: list[SkillFacts]) -> bool:
    """Return whether a skill brings on what the scope brings: what goes on the tray goes to the table with it."""
    return any(nouns(skill.object) & nouns(other.object) for other in bringing)


def _takes_back(clause: Clause, skill: SkillFacts, scope: ScopeFacts) -> bool:
    """Return whether a clause takes a thing from where the scope's skill brings it: "take it off the belt"."""
    return skill.phrase.where.partition(" ")[0] in _TO | {"over"} and any(
        place.words and names_place(place, skill, scope) for place in _after(clause.words, _OFF)
    )


def _after(words: tuple[str, ...], prepositions: frozenset[str]) -> Iterator[NounPhrase]:
    """Yield the noun phrases after prepositions; "of" is one only in "out of"."""
    particles = {act.index + 1 for act in acts(words, "base gerund") if act.kinds}  # "scooping in some soil"
    starts = (index + 1 for index, word in enumerate(words) if word in prepositions and index not in particles)
    starts = (start for start in starts if words[start - 1] != "of" or words[max(0, start - 2)] == "out")
    yield from filter(None, (noun_phrase(words, start) for start in starts))
