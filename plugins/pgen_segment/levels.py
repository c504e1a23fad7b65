"""Levels of detail: motions, the skills that they make up, and the phases that the skills make up.

A skill is what Hi Robot calls atomic: an action with one purpose. By the cycles of the gripper, to approach, grasp and
lift is to pick something up; to carry, lower and release is to put it down. An attempt that failed is a skill of its
own, up to where the gripper opens again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from pgen.records import Skill
from pgen_dialogue.prompts import phases
from pgen_dialogue.template import purpose
from pgen_segment.motion.spans import APPROACH, GRASP, MOVE, RELEASE, RETRACT

CARRY, ACT = "carry", "act"
"""Motions that only labels tell: to carry what is held, and to do anything else, which ends a skill."""
MOTION, SKILL, PHASE = LEVELS = ("motion", "skill", "phase")


@dataclass(frozen=True, slots=True)
class Motion:
    """A motion with its name, the name of the skill that it is a part of, and the phase of the gripper.

    `idle` is whether nothing happens in it; `together`, whether several arms act, whose cycles differ.
    """

    name: str
    skill: str
    phase: str
    start: float
    end: float
    failed: bool = False
    idle: bool = False
    together: bool = False


def levels(motions: Sequence[Motion]) -> dict[str, list[Skill]]:
    """Return the spans of each level. Idle motions are gaps, except within a skill."""
    skills = [*_skills(motions)]
    return {MOTION: [*_distinct(motions)], SKILL: skills, PHASE: [*phase_spans(skills)]}


def _distinct(motions: Sequence[Motion]) -> Iterator[Skill]:
    """Yield the motions that are not idle; neighbours of one name are one."""
    for (name, _, failed, idle), group in groupby(motions, lambda it: (it.name, it.skill, it.failed, it.idle)):
        own = [*group]
        if not idle:
            yield Skill(name, own[0].start, own[-1].end, failed)


def cycles(motions: Sequence[Motion]) -> list[int]:
    """Return for each motion the number of its skill by the cycles of the gripper, ascending from 0.

    A motion outside every cycle has a number of its own.
    """
    numbers: list[int] = []
    kinds = [motion.phase for motion in motions]
    number, before, ended, attempt = -1, "", True, False
    for position, motion in enumerate(motions):
        lift = _is_lift(kinds, position)
        own = before if lift else MOVE if motion.together else _skill_of(kinds, position)
        if not attempt:
            number += own != before or ended or own == MOVE
            before = own
        numbers.append(number)
        attempt = (attempt or motion.failed) and motion.phase != RELEASE
        ended = motion.phase in (RELEASE, ACT) or (lift and not attempt)
    return numbers


def _is_lift(kinds: Sequence[str], position: int) -> bool:
    """Return whether the motion follows a grasp, and there is another one in which the object is carried."""
    follows = kinds[position] == MOVE and position > 0 and kinds[position - 1] == GRASP
    return follows and kinds[position + 1 :][:1] != [RELEASE]


def _skill_of(kinds: Sequence[str], position: int) -> str:
    """Return the kind of skill: to GRASP something, to RELEASE it, to RETRACT, to ACT, or to MOVE, in no cycle."""
    if kinds[position] in (RETRACT, ACT):
        return kinds[position]
    if kinds[position] == APPROACH:
        following = next((kind for kind in kinds[position:] if kind != APPROACH), GRASP)
        return ACT if following == ACT else GRASP
    return next((kind for kind in kinds[position:] if kind in (GRASP, RELEASE)), MOVE)


def _skills(motions: Sequence[Motion]) -> Iterator[Skill]:
    """Yield the skills: neighbours of one name are one, except after an attempt that failed."""
    runs: list[list[Motion]] = []
    before = -1
    for number, motion in zip(cycles(motions), agreed(motions), strict=True):
        last = runs[-1] if runs else []
        retried = number != before and any(it.failed for it in last)
        if last and motion.skill == last[-1].skill and not retried:
            last.append(motion)
        else:
            runs.append([motion])
        before = number
    for run in runs:
        acting = [it for it in run if not it.idle]
        if acting:
            yield Skill(run[0].skill, acting[0].start, acting[-1].end, any(it.failed for it in run))


def agreed(motions: Sequence[Motion]) -> list[Motion]:
    """Return the motions, each with the skill of the cycle that it belongs to."""
    numbered = zip(cycles(motions), _smoothed(motions), strict=True)
    groups = ([it for _, it in group] for _, group in groupby(numbered, lambda pair: pair[0]))
    return [motion for group in groups for motion in _agreed(group)]


def _agreed(group: Sequence[Motion]) -> Sequence[Motion]:
    """Return the motions of a cycle under one name of a skill, where all but single ones of them agree on it.

    Two or more motions in succession that differ are a correction of the cycle.
    """
    names = [it.skill for it in group]
    name, votes = Counter(names).most_common(1)[0]
    corrected = any(a == b != name for a, b in pairwise(names))
    if corrected or 2 * votes <= len(group):
        return group
    return [replace(it, skill=name) for it in group]


def _smoothed(motions: Sequence[Motion]) -> list[Motion]:
    """Return the motions; one of several arms between two others of one skill has that skill, too."""
    smoothed = list(motions)
    for position in range(1, len(motions) - 1):
        earlier, later = smoothed[position - 1].skill, motions[position + 1].skill
        if motions[position].together and earlier == later:
            smoothed[position] = replace(motions[position], skill=later)
    return smoothed


def phase_spans(skills: Sequence[Skill]) -> Iterator[Skill]:
    """Yield the phases of named skills: those with one purpose, read from the names."""
    names = tuple(skill.name for skill in skills)
    for group in phases(names) or [range(place, place + 1) for place in range(len(names))]:
        own = skills[group.start : group.stop]
        name = purpose(names[group.start : group.stop]) or own[0].name
        yield Skill(name, own[0].start, own[-1].end, all(skill.failed for skill in own))
