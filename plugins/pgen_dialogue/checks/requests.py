"""What the user asks for, compared with the scope: another object, another action, or what is done already."""

from collections.abc import Iterator

from pgen.records import Finding
from pgen_dialogue.checks.ban import KEEPING
from pgen_dialogue.checks.bans import bans, latest_thing
from pgen_dialogue.checks.focus import focused, is_positive, requested, wanted
from pgen_dialogue.checks.foreign import is_distinct, is_other
from pgen_dialogue.checks.lexicon import DISTINCT, Act, clearly_contradict, contradict, fitting, reverses
from pgen_dialogue.checks.places import other_place
from pgen_dialogue.checks.questions import AUXILIARIES
from pgen_dialogue.checks.scope import MOVING, ScopeFacts, SkillFacts, head_of, matches, mentioned, nouns, same_verb
from pgen_dialogue.checks.things import is_tool, related, singular
from pgen_dialogue.english.clauses import Clause, clauses
from pgen_dialogue.english.noun_phrases import NounPhrase, object_after
from pgen_dialogue.english.word_lists import word_lists

_LIMBS = frozenset(word_lists("pgen_dialogue.checks", "bans.toml")["limbs"])
_OPENED = frozenset(word_lists("pgen_dialogue.checks", "lexicon.toml")["opened"])
_GENERIC = frozenset(("machine", "thing", "device", "appliance"))
"""Nouns by which any thing may be named: "switch the machine on"."""
_TAKING = frozenset(("clench", "approach", "hold", "grasp", "lift", "carry", "place", "hand"))


def request_finding(text: str, scope: ScopeFacts) -> Finding | None:
    """Return what is wrong with what the user asks for, or None."""
    if not scope.readable:
        return None
    forbidding = {ban.text for ban in bans(text, scope.scene) if ban.kinds != KEEPING}
    asking = [clause for clause in clauses(text) if is_positive(clause) and clause.text not in forbidding]
    if thing := _other_thing(asking, scope):
        return _object_finding(thing, scope)
    if finding := _other_skill(asking, scope) or other_place(asking, scope):
        return finding
    return _action_finding(asking, scope)


def _other_thing(asking: list[Clause], scope: ScopeFacts) -> NounPhrase | None:
    """Return a thing that the user asks for and that the scope is not about, or None."""
    spoken = tuple(word for clause in asking for word in clause.words)
    named = [(thing, clause) for thing, clause in _things(asking, scope) if not _is_purpose(thing, clause, scope)]
    if thing := next((thing for thing, _ in named if is_other(thing, spoken, scope)), None):
        return thing
    taken = (thing for thing, clause in named if _takes(clause, scope))
    return next((thing for thing in taken if is_distinct(thing, spoken, scope)), None)


def _is_purpose(thing: NounPhrase, clause: Clause, scope: ScopeFacts) -> bool:
    """Return whether a clause asks for what a tool that is to be taken is for: "you need to make a hole"."""
    act, heads = requested(clause), [singular(skill.object.split()[-1]) for skill in scope.skills if skill.object]
    if act is None or act.verb in ("get", "use") or act.kinds & _TAKING or not scope.kinds <= _TAKING:
        return False
    named = [skill for skill in scope.others if matches(thing, nouns(skill.object))]
    used = not named or any(skill.words & scope.handled for skill in named)  # "wipe the desk with the sponge"
    return used and bool(heads) and all(map(is_tool, heads))


def _other_skill(asking: list[Clause], scope: ScopeFacts) -> Finding | None:
    """Return a finding where the user asks for exactly what another skill does, and the scope does nothing like it."""
    latest: NounPhrase | None = None
    for clause in asking:
        for act in wanted(clause, scope):
            if again := _done_with_it(act, object_after(clause.words, act.index), asking, scope):
                return Finding("already_done", f"the user asks to {again.phrase.do}, which is done ({clause.text!r})")
            thing = object_after(clause.words, act.index)
            thing = latest if thing and thing.pronoun else thing
            other = _repeated(act, thing, scope) or _skill_for(act, thing, scope) if thing and thing.words else None
            if other:
                code = "already_done" if other in scope.past else "other_action"
                reason = f"the user asks to {other.phrase.do} ({clause.text!r}), but what follows is: {scope.label}"
                return Finding(code, reason)
        latest = latest_thing(clause, scope.scene) or latest
    return None


def _repeated(act: Act, thing: NounPhrase, scope: ScopeFacts) -> SkillFacts | None:
    """Return the skill that did an action, in the same word, with a thing, which no skill does from now on."""
    to_come = (*scope.skills, *scope.future)
    if not scope.kinds or act.verb in {skill.phrase.verb for skill in to_come} or act.kinds & scope.kinds:
        return None
    handled = any(matches(thing, nouns(skill.object)) for skill in to_come)
    if act.kinds <= MOVING and (handled or not act.kinds <= {"place"}):
        return None
    done = (skill for skill in scope.past if act.kinds & skill.kinds and (skill.phrase.verb == act.verb or not handled))
    return next((skill for skill in done if matches(thing, nouns(skill.object) & nouns(skill.phrase.do))), None)


def _done_with_it(act: Act, thing: NounPhrase | None, asking: list[Clause], scope: ScopeFacts) -> SkillFacts | None:
    """Return the skill that did an action with the scope's own object, "fold it", where nothing else is asked for."""
    if not thing or not thing.pronoun or not act.kinds <= DISTINCT or sum(1 for one in asking if requested(one)) > 1:
        return None
    if any(act.kinds & skill.kinds for skill in (*scope.skills, *scope.future)):
        return None
    done = (skill for skill in scope.past if skill.phrase.verb == act.verb)
    return next((skill for skill in done if nouns(skill.object) & scope.handled), None)


def _skill_for(act: Act, thing: NounPhrase, scope: ScopeFacts) -> SkillFacts | None:
    """Return the skill outside the scope that does an action with a thing, if the scope does nothing like it."""
    if any(act.kinds & fitting(skill.kinds) for skill in scope.skills):
        return None
    motions = frozenset(("approach", "retreat"))
    about_own = any(matches(thing, nouns(skill.object)) for skill in scope.skills)
    others = scope.past if about_own else scope.others
    named = (skill for skill in others if matches(thing, nouns(skill.object) & nouns(skill.phrase.do)))
    return next((skill for skill in named if act.kinds & skill.kinds - motions), None)


def _takes(clause: Clause, scope: ScopeFacts) -> bool:
    """Return whether a clause asks to handle a thing, or only names one: "the milk, please"."""
    act = requested(clause)
    return act is None or act.verb in ("get", "use") or bool(act.kinds & (_TAKING | scope.kinds))


def _things(asking: list[Clause], scope: ScopeFacts) -> Iterator[tuple[NounPhrase, Clause]]:
    """Yield what each clause asks for, with the latest thing for a pronoun: "there are biscuits, get me one"."""
    latest: NounPhrase | None = None
    for clause in asking:
        act = requested(clause)
        if act and act.kinds == {"halt"}:
            continue  # "stop the water" is about what runs by itself
        takes = act is not None and (act.verb == "get" or bool(act.kinds & _TAKING))
        for thing in focused(clause):
            yield (latest if thing.pronoun and latest and takes else thing), clause
        if (
            not clause.question or clause.words[0] not in AUXILIARIES or "not" in clause.words
        ):  # "is there a fork on it? lift it"
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


def _opens(skill: SkillFacts) -> bool:
    return bool(nouns(skill.object) & _OPENED) or skill.kinds == {"approach"}


def _concerns(thing: NounPhrase | None, skill: SkillFacts) -> bool:
    """Return whether a skill handles what is asked for, as far as it is named."""
    return thing is None or not thing.words or matches(thing, nouns(skill.object))


def _is_own(thing: NounPhrase, clause: Clause, scope: ScopeFacts) -> bool:
    """Return whether a clause is about the scope's thing: bread is no bread knife, but milk is the milk carton."""
    heads = [singular(skill.object.split()[-1]) for skill in scope.skills if skill.object]
    if heads and all(map(is_tool, heads)):
        return any(related(singular(word), head) for word in clause.words for head in heads)
    return mentioned(clause.words, scope.own)


def _contradicts(clause: Clause, act: Act, scope: ScopeFacts) -> bool:
    """Return whether an action is none of the scope's: people say "put it away" for many, but not "shake it"."""
    thing = object_after(clause.words, act.index)
    named = thing is not None and bool(thing.words) and head_of(thing) not in _GENERIC
    about_other = thing is not None and named and not _is_own(thing, clause, scope)
    if act.kinds & {"open", "close"} and scope.kinds & _TAKING and any(map(_opens, scope.skills)):
        return False  # "open the drawer" before its handle is grasped
    done = frozenset().union(*(skill.kinds for skill in scope.past if _concerns(thing, skill)))
    finished = bool(act.kinds & done) and contradict(act.kinds, scope.kinds)
    if thing is not None and _LIMBS & set(thing.words):
        return False  # "put your hand over the loaf"
    if not about_other and reverses(act, scope.skills[0].phrase.verb, scope.kinds):
        return True
    return not about_other and (finished or clearly_contradict(act.kinds, scope.kinds)) and not same_verb(act, scope)
