"""What an episode offers to talk about, so that no request contradicts the demonstration.

`ruled_out` names what a person may forbid: things the robot is done with and deeds it does not do again.
It prefers to miss one over naming a wrong one: whatever may be the same thing or the same kind of deed
as what the robot does now or later is left out, and so is what it may be holding.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from pgen.records import Sample
from pgen_dialogue.english import Phrase, read, read_task
from pgen_dialogue.english.words import MOTION
from pgen_dialogue.prompts.once import once_a_span

_ENOUGH = 4
_TROUBLE = re.compile(
    r"\b(?:retr(?:y|ies|ying)|re-?(?:attempt|grasp|grip|try)\w*|fail\w*|miss(?:es|ed|ing)?|slip\w*|fall\w*|recover\w*"
    r"|(?:once|try|tries|trying) (?:more|again))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RuledOut:
    """Things ("the red brick") and deeds that may be forbidden, the latest first."""

    things: tuple[str, ...] = ()
    deeds: tuple[Phrase, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.things or self.deeds)


@once_a_span
def ruled_out(sample: Sample) -> RuledOut:
    """What a negative request may forbid at this moment."""
    ahead = [read(name) for name in (sample.span.skill, *sample.span.future)]
    if not all(phrase.verb for phrase in ahead):
        return RuledOut()  # something is done that cannot be read: it might be anything
    past = [read(name) for name in sample.span.history]
    things = _things(past, ahead, read_task(sample.span.task)) if ahead[0].objects else []
    deeds = {phrase.do: phrase for phrase in reversed(past) if phrase.verb and not _repeated(phrase, ahead)}
    return RuledOut(tuple(dict.fromkeys(things))[:_ENOUGH], tuple(deeds.values())[:_ENOUGH])


def earlier(sample: Sample) -> Phrase | None:
    """The latest earlier skill that differs from the current one; None where there is none."""
    now = read(sample.span.skill)
    past = (read(name) for name in reversed(sample.span.history))
    return next((phrase for phrase in past if (phrase.do or phrase.text) != (now.do or now.text)), None)


def failed_before(sample: Sample) -> str:
    """The skill by which the episode shows that something did not succeed; empty where none does."""
    last = sample.span.history[-1] if sample.span.history else ""
    for name in (last, sample.span.skill):
        if _TROUBLE.search(name):
            return name
    now, before = read(sample.span.skill), read(last)
    return last if now.verb and now.do == before.do else ""


def bystanders(sample: Sample) -> tuple[str, ...]:
    """Things other skills name that the next skill neither uses nor holds: it had better not bump them."""
    past = [read(name) for name in sample.span.history]
    rest = [*past, *(read(name) for name in sample.span.future)]
    now = read(sample.span.skill)
    busy = [*now.objects, *_held(past)[0]]
    things = dict.fromkeys(thing for phrase in rest for thing in phrase.objects if thing.startswith("the "))
    clear = (thing for thing in things if not any(may_be_same(thing, other) for other in busy))
    return tuple(thing for thing in clear if not _content(thing) <= _content(now.do))


def may_be_same(one: str, other: str) -> bool:
    """Whether two phrases may mean one thing: "the brick" may be "the red brick"."""
    a, b = _content(one), _content(other)
    return a <= b or b <= a


def _things(past: list[Phrase], ahead: list[Phrase], task: Phrase) -> list[str]:
    held, held_unknown = _held(past)
    if held_unknown:
        return []
    named = [thing for phrase in ahead for thing in phrase.objects]
    words = [_content(f"{phrase.do} {phrase.text}") for phrase in ahead]
    touched = [phrase.objects[0] for phrase in reversed(past) if phrase.objects]
    rivals = [thing for thing in task.objects if _rivals(thing, ahead[0].objects[0])]
    return [
        thing
        for thing in [*rivals, *touched]
        if not any(may_be_same(thing, other) for other in [*named, *held])
        and not any(_content(thing) <= text for text in words)
    ]


def _held(past: list[Phrase]) -> tuple[list[str], bool]:
    """What the robot may hold after all this, and whether it may hold something that no label names."""
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


def _rivals(thing: str, other: str) -> bool:
    """Two of a kind: the pink brick beside the red brick. The task may name what the robot does not use."""
    return thing.startswith("the ") and thing.split()[-1] == other.split()[-1] and not may_be_same(thing, other)


@lru_cache(maxsize=8192)
def _content(phrase: str) -> frozenset[str]:
    words = (word.strip(",.;:()'\"") for word in phrase.lower().split())
    return frozenset(word.removesuffix("s") for word in words if word not in ("the", "a", "an", "of", "and"))
