"""Questions that lead to no skill: about the one who is asked, about what the speaker should do, about facts.

A question may also be a request or a wish: "could you open it?", "where is the sponge?", "isn't that cold by now?".
"""

from collections.abc import Iterator
from itertools import pairwise

from pgen_dialogue.checks.phrases import PHRASES, WORDS
from pgen_dialogue.english.clauses import Clause

AUXILIARIES = frozenset(
    ("do", "does", "did", "is", "are", "was", "were", "has", "have", "had", "am", "should", "shall", "must")
)
_OPEN = frozenset(("which", "what", "how", "why", "who", "when"))
_OF_YOU = frozenset(("would", "do", "did", "have", "are", "were", "should", "had"))
_WHERE_TO = (("where", "do", "i"), ("where", "should", "i"), ("where", "can", "i"), ("how", "do", "i"))
_POINTING = frozenset(("that", "it", "this", "these", "those", "they", "there"))
_NAMING = frozenset(("the", "a", "an", "your", "his", "her", "their", "our", "from", "real", "what"))


def leads_nowhere(sentence: tuple[Clause, ...]) -> bool:
    """Return whether the clauses of a question ask for no action and show no wish."""
    if any(clause.has(*PHRASES["request"]) and not clause.has(*PHRASES["preference"]) for clause in sentence):
        return False
    if any(clause.has(*PHRASES["question"]) for clause in sentence):
        return True
    if any(clause.has(*PHRASES["wish"]) for clause in sentence):
        return False
    return any(_asks_for_fact(clause) for clause in sentence) or _offers_choice(sentence)


def _asks_for_fact(clause: Clause) -> bool:
    words = tuple(word for word in clause.words if word not in WORDS["aside"])
    if any(words[index : index + 3] in _WHERE_TO for index in range(len(words))):
        return _asks_you(words)  # "where do I put my cup" may ask to make room
    return _asks_you(words) or any(
        form(words[index:]) for index in _starts(words) for form in (_about_you, _about_me, _about_fact)
    )


def _starts(words: tuple[str, ...]) -> Iterator[int]:
    """Yield where a question may begin: at its auxiliary that a subject follows, or at "why" and the like."""
    yield from (index for index, word in enumerate(words[:-1]) if word in AUXILIARIES)


def _about_you(words: tuple[str, ...]) -> bool:
    """Return whether a question is about what the one who is asked thinks, does or did: "do you like tea"."""
    if words[1] != "you" or "not" in words[:3] or len(words) < 3:
        return False
    if words[:3] == ("have", "you", "got"):
        return not WORDS["still_got"] & set(words[3:4])
    if words[0] in ("do", "are", "have"):
        return not (words[2] in WORDS["asked_of_you"] or words[2:4] in (("going", "to"), ("want", "to")))
    return words[0] in ("did", "were", "had") and "born" not in words


def _asks_you(words: tuple[str, ...]) -> bool:
    """Return whether an open question is about the one who is asked: "which one would you take"."""
    start = next((i for i, word in enumerate(words[:-2]) if word in _OPEN), None)
    if start is None or {"not", "waiting", "going"} & set(words):
        return False
    return any(one in _OF_YOU and other == "you" for one, other in pairwise(words[start + 1 :]))


def _about_me(words: tuple[str, ...]) -> bool:
    """Return whether a question is about what the speaker should do: "should I wait outside"."""
    return words[1] == "i" and words[0] in ("should", "shall", "do", "am", "must", "did") and "if" not in words


def _about_fact(words: tuple[str, ...]) -> bool:
    """Return whether a question is which thing it is, or whose: "is that the jar from Vera"."""
    if words[0] not in ("is", "are", "was", "were") or words[1] not in _POINTING:
        return False
    if words[1] in ("that", "this") and words[3:4] in (("a",), ("an",)):
        return not {"mess", "bit", "little", "problem"} & set(words)
    return words[2:3] != () and words[2] in _NAMING and "bit" not in words


def _offers_choice(sentence: tuple[Clause, ...]) -> bool:
    """Return whether a question names two possible answers: "is it Celsius or Fahrenheit"."""
    asked = sentence[0].words[0] in AUXILIARIES
    return asked and any(clause.words[0] == "or" and len(clause.words) > 1 for clause in sentence[1:])
