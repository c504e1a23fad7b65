"""Phases: the runs of an episode's skills that have one purpose, such as to move one object to its place.

They come from the source where it has them, and are otherwise read from the labels. By this rule, a phase begins where
the robot turns to another object, or to any after it has put one down; to retreat belongs to what it retreats from.
Where a label cannot be read there are no phases.
"""

import re
from functools import lru_cache

from pgen.records import SpanContext
from pgen_dialogue.english import Phrase, read
from pgen_dialogue.prompts.same_object import may_be_same

_WAITING = re.compile(
    r"^(?:(?:the )?(?:robot|arm|gripper)(?: arm)? )?(?:is |stays? |remains? |keeps? )?"
    r"(?:wait(?:s|ing)?|idl(?:e|es|ing)|paus(?:e|es|ing)|stay(?:s|ing)?|rest(?:s|ing)?|stand(?:s|ing)?(?: still| by)"
    r"|stops?|stopping|still|hold(?:s|ing)? (?:still|position|on)|do(?:es|ing)? nothing|no(?: |-)?(?:op|action|motion)"
    r"|stationary|none|nothing)\b",
    re.IGNORECASE,
)
_INTO = ("in", "into", "inside", "on", "onto", "to", "towards", "at", "under", "by", "beside", "above", "over")
"""What stands before a place, not before the object of a skill."""


def is_waiting(name: str) -> bool:
    """Return whether a skill is to do nothing: there is nothing to say about it."""
    return _WAITING.match(name.strip().replace("_", " ")) is not None


def is_readable(name: str) -> bool:
    """Return whether the skill's action can be read from its label."""
    return bool(read(name).verb)


def object_of(name: str) -> str:
    """Return the object that a skill is about, or "": of "place it in the bin" or "place in bin" that is none."""
    phrase = read(name)
    if not phrase.objects:
        return ""
    before = phrase.do.partition(f" {phrase.objects[0]}")[0].split()
    placed = phrase.act in ("release", "carry") and ({"it", "them"}.intersection(before) or before[-1] in _INTO)
    return "" if placed else phrase.objects[0]


@lru_cache(maxsize=256)
def phases(names: tuple[str, ...]) -> tuple[range, ...]:
    """Return the positions of each phase's skills, in order; empty where a label cannot be read."""
    acting = [name for name in names if not is_waiting(name)]
    if not acting or not all(map(is_readable, acting)):
        return ()
    starts: list[int] = []
    state = _State()
    for position, name in enumerate(names):
        if not is_waiting(name) and (state.begins(name) or not starts):
            starts.append(position)
    return tuple(range(start, stop) for start, stop in zip(starts, [*starts[1:], len(names)], strict=True))


class _State:
    """What the robot is about, and holds, as its skills go on."""

    def __init__(self) -> None:
        self._object, self._holding, self._released = "", False, False

    def begins(self, name: str) -> bool:
        """Take the next skill; return whether it begins a phase."""
        phrase, focus = read(name), object_of(name)
        begins = self._takes_another(phrase, focus) if self._holding else self._turns(phrase, focus)
        if begins:
            self._object = focus
        elif focus and not self._holding:
            self._object = self._object or focus
        if phrase.act == "grasp":
            self._holding = True
        elif phrase.act == "release":
            self._holding, self._released = False, True
        if begins:
            self._released = phrase.act == "release"
        return begins

    def _takes_another(self, phrase: Phrase, focus: str) -> bool:
        """Return whether the robot grasps another object, whatever became of the one it holds."""
        return phrase.act == "grasp" and bool(focus and self._object) and not may_be_same(focus, self._object)

    def _turns(self, phrase: Phrase, focus: str) -> bool:
        if phrase.act == "retreat":
            return False
        if self._released and (focus or phrase.act == "approach" or phrase.verb == "return"):
            return phrase.act != "release"
        return bool(focus) and bool(self._object) and not may_be_same(focus, self._object)


def names_of(span: SpanContext) -> tuple[str, ...]:
    """Return the names of all skills of the span's episode, in order."""
    return (*span.history, span.skill, *span.future)


def phases_of(span: SpanContext) -> tuple[range, ...]:
    """Return the phases of the span's episode: those that the source has, or else by rule."""
    return tuple(range(*phase) for phase in span.phases) or phases(names_of(span))


@lru_cache(maxsize=256)
def is_turn(span: SpanContext) -> bool:
    """Return whether the robot turns to another object or place in this skill: another could have followed."""
    names, position, group = names_of(span), span.skill_index, phase_of(span)
    if group.start == position:
        return bool(object_of(names[position]))
    before = names[group.start : position] if group else names[max(position - 1, 0) : position]
    return bool(place_of(names[position])) and not any(map(place_of, before))  # to lower it there is no choice any more


def phase_of(span: SpanContext) -> range:
    """Return the positions of the phase to which the span's skill belongs; empty if there is none."""
    return next((group for group in phases_of(span) if span.skill_index in group), range(-1, -1))


def place_of(name: str) -> str:
    """Return where a skill carries or puts something, or ""."""
    phrase = read(name)
    if phrase.act not in ("carry", "release") or not phrase.objects:
        return ""
    return phrase.objects[-1] if phrase.where or not object_of(name) else ""
