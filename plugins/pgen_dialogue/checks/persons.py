"""What only a person says, and no robot: what is theirs, how they feel, and what somebody else is to do."""

from collections.abc import Iterator

from pgen_dialogue.checks.phrases import PHRASES, WORDS
from pgen_dialogue.checks.scope import ScopeFacts, mentioned
from pgen_dialogue.checks.things import is_object, singular
from pgen_dialogue.english.clauses import Clause
from pgen_dialogue.english.noun_phrases import noun_phrase

_I_AM = (("i", "am"), ("i", "feel"), ("am", "so"), ("am", "really"), ("am", "too"))


def is_persons(clause: Clause, scope: ScopeFacts) -> bool:
    """Return whether a clause shows that a person speaks: "my coffee", "I'm hungry", "hurry up", "mind you don't"."""
    words = clause.words
    if clause.has(*PHRASES["directing"]):
        return True
    feels = (words[index : index + 2] in _I_AM and words[index + 2] in WORDS["feeling"] for index in range(len(words) - 2))
    return any(feels) or any(_is_belonging(thing, scope) for thing in _owned(words))


def _owned(words: tuple[str, ...]) -> Iterator[str]:
    """Yield what is said to be mine, in the singular."""
    for index, word in enumerate(words):
        thing = noun_phrase(words, index) if word == "my" else None
        if thing and thing.words:
            yield singular(thing.words[-1])


def _is_belonging(noun: str, scope: ScopeFacts) -> bool:
    return noun not in WORDS["of_robots"] and (is_object(noun) or mentioned((noun,), scope.handled))
