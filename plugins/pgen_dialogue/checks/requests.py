"""What the user asks for, compared with the scope: another object, another action, or what is done already."""

from collections.abc import Iterator

from pgen.records import Finding
from pgen_dialogue.checks.bans import bans, latest_thing
from pgen_dialogue.checks.focus import focused, fragment, is_positive, requested, wanted
from pgen_dialogue.checks.foreign import is_other, other_place
from pgen_dialogue.checks.lexicon import Act, clearly_contradict, contradict, fitting, same
from pgen_dialogue.checks.phrases import PHRASES
from pgen_dialogue.checks.scope import ScopeFacts, SkillFacts, head_of, matches, mentioned, nouns
from pgen_dialogue.english.clauses import Clause, clauses
from pgen_dialogue.english.noun_phrases import NounPhrase, noun_phrase, object_after
from pgen_dialogue.english.speech_acts import request_verb

_TAKING = frozenset(("grasp", "lift", "carry", "place", "hand"))
_UNMISTAKABLE = frozenset(("open", "close", "on", "off", "fill", "fold", "cut", "clean", "clench"))
"""Kinds of action that are done once with a thing."""


def request_finding(text: str, scope: ScopeFacts) -> Finding | None:
    """Return what is wrong with what the user asks for, or None."""
    if not scope.readable:
        return None
    moves = any(act.kinds & fitting(scope.kinds) for clause in clauses(text) for act in wanted(clause, scope))
    if (
        (clause := _order_to_stay(text))
        and not scope.kinds & {"hold", "retreat"}
        and len(clauses(text)) < 3
        and not moves
    ):
        return Finding("forbids_skill", f"the user forbids what the robot then does ({scope.label}): {clause.text!r}")
    if finding := _undone(text, scope):
        return finding
    forbidding = {ban.text for ban in bans(text, scope.scene)}
    asking = [clause for clause in clauses(text) if is_positive(clause) and clause.text not in forbidding]
    if thing := _other_thing(asking, scope):
        return _object_finding(thing, scope)
    return _action_finding(asking, scope)


def _order_to_stay(text: str) -> Clause | None:
    for clause in clauses(text)[:1]:
        verb = request_verb(clause)
        if verb is not None and clause.words[verb] in ("stay", "hold", "keep") and clause.has(*PHRASES["staying"]):
            return clause
    return None


def _other_thing(asking: list[Clause], scope: ScopeFacts) -> NounPhrase | None:
    """Return a thing that the user asks for and that the scope is not about, or None."""
    spoken = tuple(word for clause in asking for word in clause.words)
    return next((thing for thing in _things(asking, scope) if is_other(thing, spoken, scope)), None)


def _things(asking: list[Clause], scope: ScopeFacts) -> Iterator[NounPhrase]:
    """Yield what the clauses ask for, with the latest thing for a pronoun: "there are biscuits, get me one"."""
    latest: NounPhrase | None = None
    for clause in asking:
        act = requested(clause)
        takes = act is not None and (act.verb == "get" or bool(act.kinds & _TAKING))
        for thing in focused(clause):
            yield latest if thing.pronoun and latest and takes else thing
        latest = latest_thing(clause, scope.scene) or latest


def _object_finding(thing: NounPhrase, scope: ScopeFacts) -> Finding:
    name = " ".join(thing.words)
    past = any(matches(thing, skill.words) for skill in scope.past)
    if past and not any(matches(thing, skill.words) for skill in scope.future):
        return Finding("already_done", f"the user asks for {name!r}, which is done; what follows is: {scope.label}")
    return Finding("other_object", f"the user asks for {name!r}, but what follows is: {scope.label}")


def _action_finding(asking: list[Clause], scope: ScopeFacts) -> Finding | None:
    """Return a finding where all actions that the user asks for contradict the scope's, or one of them is done."""
    listed = [(clause, act) for clause in asking for act in wanted(clause, scope)]
    spoken = tuple(word for clause in asking for word in clause.words)
    for clause, act in listed:
        if place := other_place(clause.words, act, spoken, scope):
            return Finding("other_object", f"the user names another place ({place!r}) than what follows: {scope.label}")
    own, done = scope.kinds, frozenset().union(*(skill.kinds for skill in scope.past))
    if own and listed and not scope.whole and all(_contradicts(clause, act, scope) for clause, act in listed):
        clause, act = listed[0]
        code = "already_done" if act.kinds & done else "other_action"
        return Finding(code, f"the user asks to {act.verb} ({clause.text!r}), but what follows is: {scope.label}")
    for clause, act in listed:
        if _is_done(clause, act, scope):
            return Finding("already_done", f"the user asks for what is done ({clause.text!r}); next is: {scope.label}")
    return None


def _contradicts(clause: Clause, act: Act, scope: ScopeFacts) -> bool:
    """Return whether an action is none of the scope's: people say "put it away" for many, but not "shake it"."""
    thing = object_after(clause.words, act.index)
    about_other = thing is not None and bool(thing.words) and not mentioned(clause.words, scope.own)
    done = frozenset().union(*(skill.kinds for skill in scope.past))
    finished = bool(act.kinds & done) and contradict(act.kinds, scope.kinds)
    return not about_other and (finished or clearly_contradict(act.kinds, scope.kinds))


def _is_done(clause: Clause, act: Act, scope: ScopeFacts) -> bool:
    """Return whether an action is done and not done again: "open it", "get a grip on it"."""
    ahead = scope.kinds.union(*(skill.kinds for skill in scope.future))
    kinds = act.kinds & _UNMISTAKABLE
    if not kinds or kinds & ahead:
        return False
    thing = object_after(clause.words, act.index) or fragment(clause.words)
    return any(kinds & skill.kinds and _is_about(thing, clause, skill) for skill in scope.past)


def _is_about(thing: NounPhrase | None, clause: Clause, skill: SkillFacts) -> bool:
    return thing is None or bool(thing.pronoun) or mentioned(clause.words, nouns(skill.object, *skill.places))


def _undone(text: str, scope: ScopeFacts) -> Finding | None:
    """Return a finding where the user speaks of something done as still to do: "you haven't folded the towel yet"."""
    for clause in clauses(text):
        phrases = (noun_phrase(clause.words, index) for index in range(len(clause.words)))
        things = [phrase for phrase in phrases if phrase and phrase.words and not matches(phrase, scope.own)]
        done = [
            thing for thing in things if any(same(head_of(thing), word) for skill in scope.past for word in skill.words)
        ]
        if done and clause.has(*PHRASES["undone"]):
            name = " ".join(done[0].words)
            return Finding("already_done", f"the user takes {name!r} for undone; next is: {scope.label}")
    return None
