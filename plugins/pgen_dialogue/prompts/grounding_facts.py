"""Grounding facts: what an episode offers to talk about without a contradiction to the demonstration.

`exclusions` are what a person may forbid: objects that the robot is done with, and actions that it does not repeat.
Rather too few than a wrong one: whatever may be the same object or kind of action as in the current or a later skill
is left out, and so is what the robot may be holding.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from pgen.records import SpanContext
from pgen_dialogue.english import Phrase, read, read_task
from pgen_dialogue.english.words import MOTION

_MOST = 4
_TROUBLE = re.compile(
    r"\b(?:retr(?:y|ies|ying)|re-?(?:attempt|grasp|grip|try)\w*|fail\w*|miss(?:es|ed|ing)?|slip\w*|fall\w*|recover\w*"
    r"|(?:once|try|tries|trying) (?:more|again))\b",
    re.IGNORECASE,
)


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
    ahead = [read(name) for name in (span.skill, *span.future)]
    if not all(phrase.verb for phrase in ahead):
        return Exclusions()  # a skill that cannot be read might use any object
    past = [read(name) for name in span.history]
    objects = _excluded_objects(past, ahead, read_task(span.task)) if ahead[0].objects else []
    actions = {phrase.do: phrase for phrase in reversed(past) if phrase.verb and not _repeated(phrase, ahead)}
    return Exclusions(tuple(dict.fromkeys(objects))[:_MOST], tuple(actions.values())[:_MOST])


def previous_skill(span: SpanContext) -> Phrase | None:
    """Return the latest earlier skill that differs from the current one, or None."""
    current = read(span.skill)
    past = (read(name) for name in reversed(span.history))
    return next((phrase for phrase in past if (phrase.do or phrase.text) != (current.do or current.text)), None)


def failed_skill(span: SpanContext) -> str:
    """Return the skill that shows that something did not succeed, or an empty text."""
    last = span.history[-1] if span.history else ""
    for name in (last, span.skill):
        if _TROUBLE.search(name):
            return name
    current = read(span.skill)
    return last if current.verb and current.do == read(last).do else ""


def uninvolved_objects(span: SpanContext) -> tuple[str, ...]:
    """Return the objects of other skills that the current one neither uses nor holds: it should not bump them."""
    past = [read(name) for name in span.history]
    others = [*past, *(read(name) for name in span.future)]
    current = read(span.skill)
    used = [*current.objects, *_held(past)[0]]
    objects = dict.fromkeys(name for phrase in others for name in phrase.objects if name.startswith("the "))
    unused = (name for name in objects if not any(may_be_same(name, other) for other in used))
    return tuple(name for name in unused if not _content(name) <= _content(current.do))


def may_be_same(first: str, second: str) -> bool:
    """Return whether two phrases may name one object: "the brick" may be "the red brick"."""
    a, b = _content(first), _content(second)
    return a <= b or b <= a


def _excluded_objects(past: list[Phrase], ahead: list[Phrase], task: Phrase) -> list[str]:
    held, holds_unknown = _held(past)
    if holds_unknown:
        return []
    needed = [name for phrase in ahead for name in phrase.objects] + held
    texts = [_content(f"{phrase.do} {phrase.text}") for phrase in ahead]
    handled = [phrase.objects[0] for phrase in reversed(past) if phrase.objects]
    rivals = [name for name in task.objects if _rivals(name, ahead[0].objects[0])]
    return [
        name
        for name in [*rivals, *handled]
        if not any(may_be_same(name, other) for other in needed) and not any(_content(name) <= text for text in texts)
    ]


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
    return any(_kind(phrase) == _kind(other) or phrase.verb == other.verb for other in ahead)


def _kind(phrase: Phrase) -> str:
    if phrase.act in MOTION:
        return "motion"
    return phrase.verb if phrase.act == "other" else phrase.act


def _rivals(name: str, other: str) -> bool:
    """Return whether two objects are of one kind: the pink brick (which the task may name) beside the red brick."""
    return name.startswith("the ") and name.split()[-1] == other.split()[-1] and not may_be_same(name, other)


@lru_cache(maxsize=8192)
def _content(phrase: str) -> frozenset[str]:
    words = (word.strip(",.;:()'\"") for word in phrase.lower().split())
    return frozenset(word.removesuffix("s") for word in words if word not in ("the", "a", "an", "of", "and"))
