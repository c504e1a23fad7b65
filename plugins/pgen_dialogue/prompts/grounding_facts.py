"""Grounding facts: what an episode offers to talk about without a contradiction to the demonstration.

Rather too few than a wrong one: whatever may be the same object or kind of action as in the current or a later skill
is left out, and so is what the robot may be holding.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from pgen.records import SpanContext
from pgen_dialogue.english import Phrase, read, read_task
from pgen_dialogue.prompts.phases import is_turn, is_waiting, names_of, object_of, phase_of, phases_of, place_of
from pgen_dialogue.prompts.same_object import content, may_be_same

_MOST = 4
_HANDLING = frozenset(("grasp", "release", "carry", "open", "close", "push", "turn", "clean", "switch"))
"""Kinds of action whose object is still there afterwards, and is no part of another."""
_TAKING = frozenset(("grasp", "carry", "turn", "pour"))
"""Kinds of action that take what is in an object along."""
_REPEATABLE = frozenset(("clean", "fold", "pour", "push", "turn"))
"""Kinds of action of which one may have had enough."""
_FINAL = ("in", "on", "off", "open", "shut", "closed", "upright")
"""Ends of an action after which nobody would do it again: "push the rack in"."""
_GOALS = ("into", "onto", "in", "on", "to", "against")
_KEEPING = ("lift", "raise", "hold", "grip")
"""Verbs of skills with what is grasped already: they are no second grasp."""
_RETRY = re.compile(
    r"\b(?:retr(?:y|ies|ying)|re-?(?:attempt|grasp|grip|try)\w*|recover\w*|(?:once|try|tries|trying) (?:more|again))\b",
    re.IGNORECASE,
)
_MISHAP = re.compile(r"\b(?:fail\w*|miss(?:es|ed|ing)?|slip\w*|fall\w*)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Objects ("the red brick") and actions that a request may forbid, the latest first."""

    objects: tuple[str, ...] = ()
    actions: tuple[Phrase, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.objects or self.actions)


@lru_cache(maxsize=256)
def exclusions(span: SpanContext) -> Exclusions:
    """Return what a negative request may forbid. Cached: the samples of a span share it, and each needs it often."""
    ahead = [read(name) for name in (span.skill, *span.future) if not is_waiting(name)]
    if is_waiting(span.skill) or not all(phrase.verb for phrase in ahead):
        return Exclusions()  # a skill that cannot be read might use any object
    succeeded = (name for place, name in enumerate(span.history) if place not in span.failed)
    past = [read(name) for name in succeeded if not is_waiting(name)]
    names = names_of(span)
    group = phase_of(span)  # "it" is what its phase is about
    near = [used for name in names[group.start : span.skill_index] for used in read(name).objects] if group else []
    excludable = _excluded_objects(past, ahead, read_task(span.task)) if ahead[0].objects else []
    objects = [name for name in excludable if not any(may_be_same(name, used) for used in near)]
    repeatable = [phrase for phrase in reversed(past) if phrase.act in _REPEATABLE and not _is_final(phrase)]
    actions = {phrase.do: phrase for phrase in repeatable if not _repeated(phrase, ahead)}
    return Exclusions(tuple(dict.fromkeys(objects))[:_MOST], tuple(actions.values())[:_MOST])


@lru_cache(maxsize=256)
def alternatives(span: SpanContext) -> tuple[str, ...]:
    """Return the objects or places among which the robot chooses in this skill, without the chosen one.

    Objects of the phases to come, those of its kind that the task names, and for a place the other places of the
    episode; and those of other episodes of the dataset, which may be in view.
    """
    names = names_of(span)
    if is_waiting(span.skill) or not is_turn(span):
        return ()
    starts = [group.start for group in phases_of(span)]
    if span.skill_index in starts:
        chosen = object_of(span.skill)
        listed = [object_of(names[start]) for start in starts if start > span.skill_index]
        listed += [name for name in read_task(span.task).objects if _rivals(name, chosen)]
        act = read(span.skill).act
        listed += [object_of(name) for name in span.elsewhere if read(name).act == act]
        done = [object_of(name) for name in span.history]
        group = phase_of(span)  # "the tool drawer" may be the drawer into which this is put
        done += [used for name in names[group.start : group.stop] for used in read(name).objects]
    else:
        chosen, done = place_of(span.skill), [object_of(span.skill)]
        group = phase_of(span)  # within a phase, "onto the table" may be at "to the goal"
        listed = [place_of(name) for name in (*names[: group.start], *names[group.stop :], *span.elsewhere)]
    others = [name for name in listed if name and not may_be_same(name, chosen)]
    usable = (name for name in others if not any(it and may_be_same(name, it) for it in done))
    return tuple(dict.fromkeys(usable))[:_MOST]


def previous_skill(span: SpanContext) -> Phrase | None:
    """Return the latest earlier skill that differs from the current one and is an action, or None."""
    current = read(span.skill)
    past = (read(name) for name in reversed(span.history) if not is_waiting(name))
    return next((phrase for phrase in past if (phrase.do or phrase.text) != (current.do or current.text)), None)


def failed_skill(span: SpanContext) -> str:
    """Return the skill that visibly did not succeed, or an empty text.

    It is marked as such; or the labels show that by their words ("retry"), by the same skill twice in a row, or where
    the robot approaches or grasps an object once more that it had grasped and did not put down.
    """
    last = span.history[-1] if span.history else ""
    if marked := _marked(span):
        return marked
    if _RETRY.search(span.skill):
        return span.skill
    if _MISHAP.search(last):
        return last
    current = read(span.skill)
    if not current.verb:
        return ""
    if last and current.do == read(last).do:
        return last
    return _lost_grasp(span) if current.act in ("approach", "grasp") else ""


def _marked(span: SpanContext) -> str:
    """Return the latest earlier skill if it is marked as failed, before any pause, retreat and approach after it."""
    for position in range(span.skill_index - 1, -1, -1):
        name = span.history[position]
        if position in span.failed:
            return name
        if not is_waiting(name) and read(name).act not in ("retreat", "approach"):
            break
    return ""


def _lost_grasp(span: SpanContext) -> str:
    """Return the earlier grasp of the current skill's object after which the robot approaches it again."""
    name = object_of(span.skill)
    if not name or read(span.skill).verb in _KEEPING:
        return ""
    grasp = held = approached = ""
    for earlier in span.history:
        phrase = read(earlier)
        if phrase.act == "release":
            grasp = held = ""
        elif phrase.act == "grasp" and phrase.verb not in _KEEPING:
            grasp, held = earlier, object_of(earlier) or approached
        elif phrase.act == "approach":
            approached = object_of(earlier)
    return grasp if held and may_be_same(held, name) else ""


def _excluded_objects(past: list[Phrase], ahead: list[Phrase], task: Phrase) -> list[str]:
    held, holds_unknown = _held(past)
    if holds_unknown:
        return []
    needed = [name for phrase in ahead for name in phrase.objects] + held
    texts = [content(f"{phrase.do} {phrase.text}") for phrase in ahead]
    mixes = any(phrase.act == "other" and phrase.objects for phrase in ahead)  # to cut the sandwich cuts the bread too
    handled = [_handled(phrase) for phrase in reversed(past) if phrase.act in _HANDLING and not mixes]
    taken = [phrase.objects[0] for phrase in ahead if phrase.act in _TAKING and phrase.objects]
    carried = {_handled(phrase) for phrase in past if any(_is_in(phrase, other) for other in taken)}
    rivals = [name for name in task.objects if _rivals(name, ahead[0].objects[0])]
    return [
        name
        for name in [*rivals, *handled]
        if name and name not in carried
        if not any(may_be_same(name, other) for other in needed) and not any(content(name) <= text for text in texts)
    ]


def _is_final(phrase: Phrase) -> bool:
    return phrase.do.split()[-1] in _FINAL or phrase.where.partition(" ")[0] in _GOALS


def _handled(phrase: Phrase) -> str:
    return object_of(phrase.do) if phrase.do else ""


def _is_in(phrase: Phrase, name: str) -> bool:
    """Return whether a skill puts something into or onto an object."""
    place = place_of(phrase.do) if phrase.do else ""
    return bool(place) and may_be_same(place, name)


def _held(past: list[Phrase]) -> tuple[list[str], bool]:
    """Return what the robot may hold after these skills, and whether it may hold an object that no label names."""
    held: list[str] = []
    unknown = False
    for phrase in past:
        if phrase.act == "grasp" or not phrase.verb:
            held, unknown = [*held, *phrase.objects[:1]], unknown or not phrase.objects
        elif phrase.act == "release":
            held, unknown = [], False
    return held, unknown


def _repeated(phrase: Phrase, ahead: list[Phrase]) -> bool:
    return any(phrase.act == other.act or phrase.verb == other.verb for other in ahead)


def _rivals(name: str, other: str) -> bool:
    """Return whether two objects are of one kind: the pink brick (which the task may name) beside the red brick."""
    return name.startswith("the ") and name.split()[-1] == other.split()[-1] and not may_be_same(name, other)
