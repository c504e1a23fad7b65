"""What only a person says, and no robot: what is theirs, how they feel, and what somebody else is to do."""

from collections.abc import Iterator

from pgen_dialogue.checks.phrases import PHRASES, WORDS
from pgen_dialogue.checks.scope import ScopeFacts, mentioned
from pgen_dialogue.checks.things import is_object, singular
from pgen_dialogue.english.clauses import Clause
from pgen_dialogue.english.noun_phrases import noun_phrase
from pgen_dialogue.english.speech_acts import FILLERS
from pgen_dialogue.english.words import DETERMINERS

WISHES_FOR = (
    *(("want",), ("would", "like"), ("would", "love"), ("fancy",), ("could", "do", "with"), ("would", "prefer")),
    *(("would", "rather", "have"), ("have", "been", "waiting", "for")),
)
_DELAYS = frozenset(("moment", "second", "minute", "look", "hand", "grip", "hold", "closer", "better", "sec", "bit"))
_SAFETY = frozenset(
    (
        "wait",
        "worry",
        "move",
        "touch",
        "reach",
        "panic",
        "mind",
        "step",
        "stand",
        "careful",
        "hold",
        "keep",
        "back",
        "lean",
        "clear",
        "hands",
        "fingers",
    )
)
_I_AM = (("i", "am"), ("i", "feel"), ("am", "so"), ("am", "really"), ("am", "too"))


def is_persons(clause: Clause, scope: ScopeFacts) -> bool:
    """Return whether a clause shows that a person speaks: "my coffee", "I'm hungry", "hurry up", "mind you don't"."""
    words = clause.words
    if clause.has(*PHRASES["directing"]):
        return True
    if any(words[index] == "i" and _is_wish(words[index + 1 :]) for index in range(len(words))):
        return True
    feels = (
        words[index : index + 2] in _I_AM and words[index + 2] in WORDS["feeling"] for index in range(len(words) - 2)
    )
    return any(feels) or any(_is_belonging(thing, scope) for thing in _owned(words))


def _is_wish(rest: tuple[str, ...]) -> bool:
    """Return whether somebody wishes for a thing: "I would love a biscuit", not "I would like to start"."""
    for wish in WISHES_FOR:
        if rest[: len(wish)] == wish and rest[len(wish) : len(wish) + 1]:
            return rest[len(wish)] in DETERMINERS | {"it", "them", "something"} and not _DELAYS & set(rest)
    return False


def is_order(clause: Clause, scope: ScopeFacts) -> bool:
    """Return whether a clause says "please", or what not to do; a robot may say so only for safety."""
    words = tuple(word for word in clause.words if word not in FILLERS or word == "please")
    if "hand" in scope.kinds or not words or _SAFETY & set(words):
        return False
    return "please" in words or (words[:2] == ("do", "not") and len(words) > 2)


def _owned(words: tuple[str, ...]) -> Iterator[str]:
    """Yield what is said to be mine, in the singular."""
    for index, word in enumerate(words):
        thing = noun_phrase(words, index) if word == "my" else None
        if thing and thing.words:
            yield singular(thing.words[-1])


def _is_belonging(noun: str, scope: ScopeFacts) -> bool:
    return noun not in WORDS["of_robots"] and (is_object(noun) or mentioned((noun,), scope.handled))
