"""What the robot claims to have done and is only about to do."""

from itertools import pairwise

from pgen.records import Finding
from pgen_dialogue.checks.focus import is_verb
from pgen_dialogue.checks.lexicon import Act, act_at, fitting
from pgen_dialogue.checks.phrases import PHRASES, WORDS
from pgen_dialogue.checks.promises import promised_acts
from pgen_dialogue.checks.scope import ScopeFacts, matches, mentioned, nouns
from pgen_dialogue.english.clauses import Clause, clauses
from pgen_dialogue.english.noun_phrases import CLOSED, noun_phrase
from pgen_dialogue.english.speech_acts import promise_verbs
from pgen_dialogue.english.words import IRREGULAR_DONE

_IS = frozenset(("is", "are", "'s"))
_DONE = frozenset(IRREGULAR_DONE.values())
_STILL = frozenset(("will", "still", "next", "first", "then", "until", "before", "ready", "not"))
"""Words of what is still to be done."""
_NEW_PLACES = WORDS["claim_adverbs"] | {"again", "for", "you", "in", "out", "off", "on", "over", "away", "through"}
_FINALLY = frozenset(("now", "again", "already"))
_NOT_THINGS = frozenset(("i", "we", "you", "that", "this", "here", "there", "what", "where", "which", "and", "so"))
_CHOSEN = (("it", "is"), ("it", "'s"))
"""What follows an answer that repeats a choice: "left it is"."""
_DIRECTIONS = frozenset(("into", "onto", "out", "off", "over", "back", "straight", "up", "down", "in"))
_IT = frozenset(("it", "them"))
_BESIDE = frozenset(("in", "on", "into", "onto", "inside", "to", "beside", "under", "by", "behind", "against"))
_STATES = {
    "open": frozenset(("open", "pull")),
    "closed": frozenset(("close",)),
    "shut": frozenset(("close",)),
    "on": frozenset(("on", "close")),
    "off": frozenset(("off", "open")),
    "clean": frozenset(("clean",)),
    "full": frozenset(("fill",)),
    "empty": frozenset(("empty",)),
    "up": frozenset(("lift",)),
    "straight": frozenset(("smooth",)),
    "down": frozenset(("place", "lower")),
}
"""The kinds of action after which a thing is in this state."""


def claim_finding(text: str, scope: ScopeFacts) -> Finding | None:
    """Return a finding where the robot claims to have done what is still to come, and promises nothing of it."""
    listed = clauses(text)
    fit = fitting(scope.kinds)
    if any(_turns(clause.words) or clause.has(*PHRASES["soon"]) for clause in listed):
        return None
    if not scope.readable or any(act.kinds & fit for clause in listed for act in promised_acts(clause)):
        return None
    if not any(map(_starts_something, listed)) and (state := next(filter(_is_state, listed), None)):
        return Finding("claims_done", f"the robot says that it is done ({state.text!r}), and promises nothing")
    claim = next((clause for clause in listed if _claims(clause, clause is listed[0], scope)), None)
    if claim is None:
        return None
    return Finding("claims_done", f"the robot says that it has done ({claim.text!r}) what it is only about to do")


def _starts_something(clause: Clause) -> bool:
    """Return whether the robot says what it does or will do, asks, or tells what is still to be done."""
    words = clause.words
    does = (index for index in promise_verbs(clause) if words[index].endswith("ing") or is_verb(words, index))
    return clause.question or any(does) or bool(_STILL & set(words)) or act_at(words, 0) is not None


def _is_state(clause: Clause) -> bool:
    """Return whether a clause says that something is in its new state: "they're out", "the table is clean again"."""
    words = clause.words
    if words == ("there",) or words[:2] == ("all", "yours"):
        return True
    if words[:2] == ("i", "have") and len(words) > 2:
        done = next((word for word in words[2:] if word not in WORDS["claim_adverbs"]), "")
        return (done in _DONE or done.endswith("ed")) and done not in WORDS["mental"]
    index = next((index for index, word in enumerate(words[:-1]) if word in _IS), 0)
    if not index or words[0] in _NOT_THINGS or len(words) > index + 5 or "not" in words:
        return False
    rest = [word for word in words[index + 1 :] if word not in _NEW_PLACES]
    return not rest or bool(_FINALLY & set(words[index + 1 :]) and not any(word.endswith("ing") for word in rest))


def _turns(words: tuple[str, ...]) -> bool:
    """Return whether a clause without a verb is on its way: "peeled, diced and into the bowl"."""
    return words[0] in ("into", "onto") or any(one == "and" and other in _DIRECTIONS for one, other in pairwise(words))


def _claims(clause: Clause, first: bool, scope: ScopeFacts) -> bool:
    words = clause.words
    if scope.kinds & {"grasp", "clench", "lift", "approach"} and clause.has(*PHRASES["holding"]):
        return True
    if any(words[i] in _IS and words[i + 1] == "all" and words[i + 2].endswith("ed") for i in range(len(words) - 2)):
        return True
    if _has_been(words, scope):
        return True
    if words[-2:] == ("there", "now") and words[1:2] in (("is",), ("are",), ("'s",)):
        return True
    if words[-1] == "now" and _is_as_wanted(words, scope):
        return True
    gives = "hand" in scope.kinds and clause.has("here you go", "there you go")
    if (clause.has(*PHRASES["finished"]) and not gives) or words[0] in ("done", "finished"):
        return True
    if any(_is_past(words, index, first, scope) or _is_mine(words, index, scope) for index in range(len(words))):
        return True
    return any(word in _IS and _is_there(words, index, scope) for index, word in enumerate(words))


def _has_been(words: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether "the timer has been set": something was done with a thing that no skill before handled."""
    index = next((index for index, word in enumerate(words[:-1]) if word == "been" and words[index - 1] == "has"), 0)
    act = act_at(words, index + 1, "participle") if index else None
    handled_before = any(nouns(skill.object) & scope.handled for skill in scope.past)
    return bool(act and act.kinds) and mentioned(words[:index], scope.own) and not handled_before


def _is_as_wanted(words: tuple[str, ...], scope: ScopeFacts) -> bool:
    """Return whether "the mirror is spotless now": a thing has a new quality."""
    index = next((index for index, word in enumerate(words[:-2]) if word in _IS), None)
    if (
        not index
        or "there" in words
        or not (mentioned(words[:index], scope.handled) or words[0] in ("it", "they", "that"))
    ):
        return False
    return not any(
        word in CLOSED - {"and"} or word.endswith("ing") or word in WORDS["unfinished"]
        for word in words[index + 1 : -1]
    )


def _is_past(words: tuple[str, ...], index: int, first: bool, scope: ScopeFacts) -> bool:
    """Return whether a past form of what is to come stands here: "I have filled", "I put", "it is folded"."""
    act = act_at(words, index, "participle") if words[index + 1 : index + 3] not in _CHOSEN else None
    ahead = scope.kinds.union(*(skill.kinds for skill in scope.future))
    about_own = mentioned(words, scope.handled) or bool({"i", "have"} & set(words[:index]) and _IT & set(words))
    past = [skill for skill in scope.past if not about_own or nouns(skill.object) & scope.handled]
    done = frozenset().union(*(skill.kinds for skill in past)) - scope.kinds
    if act is None or "time" in words[:index] or not act.kinds & fitting(ahead) or act.kinds <= done:
        return False
    before = index - 1
    while before >= 0 and words[before] in WORDS["claim_adverbs"]:
        before -= 1
    return words[before] in (*_IS, "have", "i") if before >= 0 else first and _stands_alone(words, act)


def _stands_alone(words: tuple[str, ...], act: Act) -> bool:
    """Return whether a past form tells what was done, "folded it", and is no adjective: "crushed ice", "left tray"."""
    return words[act.index] != act.verb and (len(words) == act.index + 1 or words[act.index + 1] in CLOSED)


def _is_mine(words: tuple[str, ...], index: int, scope: ScopeFacts) -> bool:
    """Return whether the robot says that it did something, "I gave it water", that no skill before did."""
    before = words[max(0, index - 2) : index]
    if (before[-1:] != ("i",) and before != ("i", "have")) or "time" in words[:index] or words[index].endswith("eed"):
        return False
    act = act_at(words, index, "participle")
    if words[index] in WORDS["mental"] | WORDS["failure"] or not (act or words[index].endswith("ed")) or scope.past:
        return False
    return act is None or words[index] != act.verb


def _is_there(words: tuple[str, ...], index: int, scope: ScopeFacts) -> bool:
    """Return whether "the milk is in its bin now", "it's been in the oven", "the door is closed"."""
    rest = words[index + 1 :]
    while rest and rest[0] in WORDS["claim_adverbs"]:
        rest = rest[1:]
    if not rest or words[max(0, index - 1) : index] == ("there",):
        return False
    if rest[1:2] in ((), ("now",), ("already",)) and _STATES.get(rest[0], frozenset()) & scope.kinds:
        return True
    rest = rest[1:] if rest[:2] == ("next", "to") else rest
    place = noun_phrase(rest, 1) if rest[0] in _BESIDE else None
    if place is None or not place.words:
        return False
    return matches(place, scope.scene if {"been", "already"} & set(words[index + 1 :]) else _places(scope))


def _places(scope: ScopeFacts) -> frozenset[str]:
    """Return the words for the places to which things are still brought."""
    taking = {"grasp", "clench", "lift", "approach", "open", "retreat"}
    placing = [skill for skill in (*scope.skills, *scope.future) if not skill.kinds & taking]
    return frozenset(word for skill in placing for word in nouns(*skill.places))
