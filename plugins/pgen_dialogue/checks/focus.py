"""What a user's clause asks for: its thing and its action."""

from collections.abc import Iterator
from functools import lru_cache

from pgen_dialogue.checks.lexicon import Act, act_at, acts, opposed
from pgen_dialogue.checks.phrases import PHRASES, WORDS
from pgen_dialogue.checks.scope import MOVING, ScopeFacts
from pgen_dialogue.english.clauses import Clause
from pgen_dialogue.english.noun_phrases import CLOSED, NounPhrase, noun_phrase, object_after, with_feature
from pgen_dialogue.english.speech_acts import FILLERS, WISHES, request_verb
from pgen_dialogue.english.verbs import form_of

_HEDGES = (("i", "think"), ("i", "guess"), ("i", "suppose"), ("i", "reckon"), ("i", "believe"))
_BEFORE_THING = (("do", "with"), ("how", "about"), ("what", "about"), ("not", "forget"))
_DETERMINED = tuple((word,) for word in ("the", "my", "your", "this", "that", "those", "these"))
_OVERDUE = tuple(tuple(phrase.split()) for phrase in PHRASES["overdue"])
_OVERDUE_STARTS = frozenset(marker[0] for marker in _OVERDUE)
_MODALS = frozenset(("can", "could", "may", "might", "should", "shall"))
_AFTER_VERB = frozenset(("the", "it", "them", "that", "this", "my", "your", "those", "these", "a"))


def is_positive(clause: Clause) -> bool:
    """Return whether a clause of the user asks for something."""
    if clause.has("why do not", "not forget", "not hesitate", "why not", "can not you") or _overdue(clause.words):
        return True
    return not WORDS["negations"] & set(clause.words) and clause.words[0] not in WORDS["subordinating"]


def requested(clause: Clause) -> Act | None:
    """Return the verb of a request: in its base form, or a gerund after "mind" and the like."""
    return _requested(clause.words)


@lru_cache(maxsize=8192)
def _requested(words: tuple[str, ...]) -> Act | None:
    verb = request_verb(words)
    if verb is None or (words[verb] == "hand" and verb > 0 and words[verb - 1] in ("left", "right")):
        return None
    after = verb > 0 and words[verb - 1] in ("mind", "about", "try", "start", "keep")
    return act_at(words, verb, "base gerund" if after else "base")


def focused(clause: Clause) -> Iterator[NounPhrase]:
    """Yield the noun phrase that a clause asks for, if there is one."""
    words, verb = clause.words, request_verb(clause.words)
    if act := _overdue(words):
        thing = object_after(words, act.index)
    elif verb is not None and (requested(clause) or is_verb(words, verb) or words[verb] in ("have", "see")):
        thing = object_after(words, verb)
    elif words[0] in _MODALS and (subject := noun_phrase(words, 1)) and subject.words and words[subject.stop :]:
        thing = subject  # "could the patty go on the bun"
    else:
        starts = (index for index in range(1, len(words)) if _wishes(words, index - 1))
        thing = next((thing for index in starts if (thing := noun_phrase(words, index))), None)
    if thing := thing or fragment(words):
        yield with_feature(words, thing)


def is_verb(words: tuple[str, ...], index: int) -> bool:
    """Return whether a word where a request or a promise has its verb is one: a known one, or before "the"."""
    if form_of(words[index]) == "base":
        return True
    return words[index] not in CLOSED and words[index + 1 : index + 2] in _DETERMINED


def wanted(clause: Clause, scope: ScopeFacts) -> Iterator[Act]:
    """Yield the actions that a clause asks for, as far as they are of a kind."""
    act = _overdue(clause.words) or requested(clause)
    if act and act.kinds and not _is_noun(clause.words, act, scope) and object_after(clause.words, act.index):
        yield act
    elif clause.has("needs", "wants", "need"):
        for gerund in acts(clause.words, "gerund"):
            if (
                gerund.kinds
                and not _is_goal(gerund, scope)
                and clause.words[gerund.index - 1] in ("needs", "wants", "need", "still")
            ):
                yield gerund


def _is_goal(act: Act, scope: ScopeFacts) -> bool:
    """Return whether what a thing needs may follow after it is brought somewhere: "that wants washing"."""
    return bool(scope.kinds & MOVING) and not opposed(act.kinds, scope.kinds)


@lru_cache(maxsize=8192)
def _overdue(words: tuple[str, ...]) -> Act | None:
    """Return what should be done by now: "you have not folded the towel", "time somebody wiped the board"."""
    for marker in _OVERDUE if _OVERDUE_STARTS & set(words) else ():
        for start in range(len(words) - len(marker)):
            if words[start : start + len(marker)] == marker:
                return act_at(words, start + len(marker), "participle base")
    return None


def fragment(words: tuple[str, ...]) -> NounPhrase | None:
    """Return the noun phrase of "the salad bowl next", "lettuce now", "the milk goes to the left"."""
    start = next((index for index, word in enumerate(words) if word not in FILLERS), 0)
    start += 2 * (words[start : start + 2] in _HEDGES)
    if words[start + 1 : start + 2] == ("with",) and words[start] in ("up", "down", "away", "over"):
        return noun_phrase(words, start + 2)
    thing = noun_phrase(words, start)
    if thing is None or not thing.words:
        return None
    rest = words[thing.stop :]
    if rest[:2] in (("can", "wait"), ("can", "stay")) or rest[:1] == ("one",):
        return None
    if rest[:1] in (("from",), ("off",)):
        return thing
    if rest[:1] in (("is",), ("are",), ("'s",)) and rest[1:2] in (("next",), ("first",)):
        return thing
    lies = rest[:1] in (("'s",), ("is",), ("are",)) and rest[1:2] == ("still",)
    return thing if not rest or lies or rest[0] in WORDS["wish_verbs"] else None


def _wishes(words: tuple[str, ...], index: int) -> bool:
    """Return whether what is wished for follows the word at a position: "I need", "how about"."""
    if words[max(0, index - 1) : index + 1] in _BEFORE_THING:
        return True
    return words[index] in WISHES and bool({"i", "we", "she", "he"} & set(words[max(0, index - 2) : index]))


def _is_noun(words: tuple[str, ...], act: Act, scope: ScopeFacts) -> bool:
    """Return whether a word that may be a verb names a thing of the scene: "hammer next"."""
    return act.verb in scope.scene and words[act.index + 1 : act.index + 2] not in {(word,) for word in _AFTER_VERB}
