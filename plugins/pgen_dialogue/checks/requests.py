"""What the user asks for, compared with the scope: another object, another action, or what is done already."""

from collections.abc import Iterator

from pgen.records import Finding
from pgen_dialogue.checks.bans import bans, latest_thing
from pgen_dialogue.checks.focus import focused, is_positive, requested, wanted
from pgen_dialogue.checks.foreign import is_other
from pgen_dialogue.checks.lexicon import Act, clearly_contradict, contradict
from pgen_dialogue.checks.scope import ScopeFacts, matches, mentioned
from pgen_dialogue.english.clauses import Clause, clauses
from pgen_dialogue.english.noun_phrases import NounPhrase, object_after

_TAKING = frozenset(("grasp", "lift", "carry", "place", "hand"))


def request_finding(text: str, scope: ScopeFacts) -> Finding | None:
    """Return what is wrong with what the user asks for, or None."""
    if not scope.readable:
        return None
    forbidding = {ban.text for ban in bans(text, scope.scene)}
    asking = [clause for clause in clauses(text) if is_positive(clause) and clause.text not in forbidding]
    if thing := _other_thing(asking, scope):
        return _object_finding(thing, scope)
    return _action_finding(asking, scope)


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
    own, done = scope.kinds, frozenset().union(*(skill.kinds for skill in scope.past))
    if own and listed and len(scope.skills) == 1 and all(_contradicts(clause, act, scope) for clause, act in listed):
        clause, act = listed[0]
        code = "already_done" if act.kinds & done else "other_action"
        return Finding(code, f"the user asks to {act.verb} ({clause.text!r}), but what follows is: {scope.label}")
    return None


def _contradicts(clause: Clause, act: Act, scope: ScopeFacts) -> bool:
    """Return whether an action is none of the scope's: people say "put it away" for many, but not "shake it"."""
    thing = object_after(clause.words, act.index)
    about_other = thing is not None and bool(thing.words) and not mentioned(clause.words, scope.own)
    done = frozenset().union(*(skill.kinds for skill in scope.past))
    finished = bool(act.kinds & done) and contradict(act.kinds, scope.kinds)
    return not about_other and (finished or clearly_contradict(act.kinds, scope.kinds))
