"""What the robot promises, compared with the scope: another object or action."""

from collections.abc import Iterator

from pgen.records import Finding
from pgen_dialogue.checks.focus import is_verb
from pgen_dialogue.checks.foreign import is_distinct, is_other
from pgen_dialogue.checks.lexicon import Act, act_at, acts, clearly_contradict, reverses
from pgen_dialogue.checks.phrases import WORDS
from pgen_dialogue.checks.places import other_place
from pgen_dialogue.checks.scope import ScopeFacts, is_of_other_skill, same_verb
from pgen_dialogue.english.clauses import Clause, clauses
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase, object_after, with_feature
from pgen_dialogue.english.speech_acts import FILLERS, promise_verbs
from pgen_dialogue.english.words import DETERMINERS


def promise_finding(text: str, scope: ScopeFacts) -> Finding | None:
    """Return what is wrong with what the robot promises, or None."""
    if not scope.readable:
        return None
    positive = [clause for clause in clauses(text) if _is_positive(clause)]
    spoken = tuple(word for clause in positive for word in clause.words)
    if thing := next((thing for thing in _things(positive) if _is_other(thing, spoken, scope)), None):
        return Finding("other_object", f"the robot speaks of {' '.join(thing.words)!r}, but it will {scope.label}")
    if finding := other_place(positive, scope):
        return finding
    promised = [(clause, act) for clause in positive for act in promised_acts(clause) if act.kinds]
    promised = [(clause, act) for clause, act in promised if not clause.has("coming up", "coming right up")]
    kinds = frozenset().union(*(act.kinds for clause in positive for act in _verbs(clause.words)))
    if not scope.kinds or not promised or len(scope.skills) != 1:
        return None
    clause, act = promised[0]
    if all(is_of_other_skill(act, one.words, scope) for one, act in promised):
        return Finding("other_action", f"the robot promises to {act.verb} ({clause.text!r}), but it will {scope.label}")
    if reverses(act, scope.skills[0].phrase.verb, scope.kinds) or clearly_contradict(kinds, scope.kinds):
        if same_verb(act, scope):
            return None
        return Finding("other_action", f"the robot promises to {act.verb} ({clause.text!r}), but it will {scope.label}")
    return None


def _is_other(thing: NounPhrase, spoken: tuple[str, ...], scope: ScopeFacts) -> bool:
    return is_other(thing, spoken, scope) or is_distinct(thing, spoken, scope)


def promised_acts(clause: Clause) -> Iterator[Act]:
    """Yield the verbs of what the robot says that it does or will do."""
    for index in promise_verbs(clause):
        if act := act_at(clause.words, index):
            yield act


def _is_positive(clause: Clause) -> bool:
    return not WORDS["robot_negations"] & set(clause.words) and not clause.has("can wait", "can stay")


def _verbs(words: tuple[str, ...]) -> Iterator[Act]:
    """Yield the words that may be verbs, without those after a determiner: "its cover"."""
    for act in acts(words):
        if not act.index or words[act.index - 1] not in DETERMINERS:
            yield act


def _things(listed: list[Clause]) -> Iterator[NounPhrase]:
    """Yield the things that the robot says it turns to."""
    for clause in listed:
        words = clause.words
        phrases = [object_after(words, index) for index in promise_verbs(clause) if _is_verb(words, index)]
        yield from (with_feature(words, phrase) for phrase in phrases if phrase)
        if thing := _announced(words):
            yield thing


def _is_verb(words: tuple[str, ...], index: int) -> bool:
    act = act_at(words, index)
    return act.verb not in ("let", "make") if act else is_verb(words, index)


def _announced(words: tuple[str, ...]) -> NounPhrase | None:
    """Return the thing of "the bowl is first", "the petri dish is coming up", "into the red tray it goes"."""
    start = next((index for index, word in enumerate(words) if word not in FILLERS), 0)
    if words[start] in ("into", "onto", "in", "on", "over", "to") and {"it", "they", "he", "she"} & set(words[start:]):
        return noun_phrase(words, start + 1)
    thing = None if words[start] in ("let", "i") else noun_phrase(words, start)
    return thing if thing and thing.words and set(words[thing.stop : thing.stop + 1]) & WORDS["announced"] else None
