"""The grasps of an arm, and which of them failed.

Fingers that close on nothing close further than in the dataset's other grasps. A regrasp at the same place, without a
release elsewhere, follows a failure too. Where all grasps close equally far, or where those that close furthest are
never repeated, the objects are thin and nothing failed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pgen_segment.motion.arm_motion import Hand, Motion
from pgen_segment.motion.levels import FINGERS, changes

if TYPE_CHECKING:
    from pgen_segment.motion.columns import Array

EMPTY = 0.025
"""The share of its range within which a gripper that holds nothing is fully closed."""
HELD = 0.04
"""The share of its range by which other grasps stop before it, at least."""
REPEATED = 1 / 3
"""The share of grasps on nothing after which the gripper closes at the same place again, at least."""
BACK = 0.25
"""How far from a grasp the next one of the same object is, at most, in distances from a usual grasp to its release."""
AWAY, AWAY_MEASURED = 0.6, 0.4
"""How far from a failed grasp the gripper opens, at most, in such distances; less where its opening shows failures."""

ON_THE_WAY, ARRIVED = 0.5, 0.15
"""The arm's mean speed from which a gripper closes on the way, in usual speeds; and the share of the arm's reach in an
episode that it leaves a place by, at most, where it has arrived."""


@dataclass(frozen=True, slots=True)
class Grasp:
    """A closing of a gripper, up to the end of its opening or of the episode, in steps."""

    gripper: str
    start: int
    stop: int
    opens: bool
    kept: float
    """How far the gripper is closed before it opens; NaN where only its command is recorded."""
    away: float
    """The distance from the grasp to where the gripper opens; where it does not, the largest one until the end."""
    back: float
    """The distance to the next grasp; infinite for the last one."""

    def repeated(self, usual: float) -> bool:
        """Return whether the gripper opens near this grasp and closes again at its place."""
        away = AWAY if np.isnan(self.kept) else AWAY_MEASURED
        return self.opens and self.back < BACK * usual and self.away < away * usual


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """What tells a failed grasp of a gripper: the closing from which fingers hold nothing, and a usual distance."""

    empty: float = np.inf
    usual: float = 0.0

    @classmethod
    def of(cls, grasps: Sequence[Grasp]) -> "FailureLimits":
        """Return the limits that follow from the grasps of some episodes."""
        if not grasps:
            return cls()
        opened = [grasp.away for grasp in grasps if grasp.opens]
        usual = float(np.quantile(opened, 0.75)) if opened else 0.0
        return cls(_empty(grasps, usual), usual)

    @classmethod
    def of_each(cls, grasps: Sequence[Grasp]) -> "dict[str, FailureLimits]":
        """Return the limits of each gripper, by its name."""
        names = sorted({grasp.gripper for grasp in grasps})
        return {name: cls.of([grasp for grasp in grasps if grasp.gripper == name]) for name in names}

    def failed(self, grasp: Grasp) -> bool:
        """Return whether a grasp failed."""
        return grasp.repeated(self.usual) or grasp.kept > self.empty


def _empty(grasps: Sequence[Grasp], usual: float) -> float:
    kept = np.array([grasp.kept for grasp in grasps])
    kept_known = kept[np.isfinite(kept)]
    if not len(kept_known):
        return float(np.inf)
    limit = float(kept_known.max()) - EMPTY
    others = kept_known[kept_known <= limit]
    empty = [grasp for grasp in grasps if grasp.kept > limit]
    repeated = sum(grasp.repeated(usual) for grasp in empty)
    if not len(others) or kept_known.max() - np.median(others) < HELD or repeated < REPEATED * len(empty):
        return float(np.inf)
    return limit


def failed_grasps(motion: Motion, limits: Mapping[str, FailureLimits]) -> list[tuple[int, int]]:
    """Return the steps of each failed grasp, from its closing to the end of its opening."""
    none = FailureLimits()
    return [(grasp.start, grasp.stop) for grasp in grasps(motion) if limits.get(grasp.gripper, none).failed(grasp)]


def grasps(motion: Motion) -> list[Grasp]:
    """Return the grasps of an arm's grippers."""
    return [grasp for hand in motion.hands for grasp in _of_hand(motion, hand)]


def without_parking(motion: Motion) -> Motion:
    """Return the motion without closings on the way home: the last ones, while the arm moves or after it has arrived.

    A gripper that closes for good after a release holds something only if the arm stands still for it, then moves on.
    """
    return replace(motion, hands=[_without_parking(motion, hand) for hand in motion.hands])


def _without_parking(motion: Motion, hand: Hand) -> Hand:
    turns = changes(hand.closed)
    last = turns[-1] if turns else None
    if last is None or not last.closes or not any(turn.closes for turn in turns[:-1]):
        return hand
    speeds = [np.linalg.norm(velocity[last.start : last.stop + 1], axis=1).mean() for velocity in motion.velocities]
    size = _distance(motion.places.max(axis=0), motion.places.min(axis=0))
    after = motion.places[last.stop :]
    onwards = max((_distance(after[0], place) for place in after), default=0.0)
    if max(speeds, default=0.0) < ON_THE_WAY and onwards > ARRIVED * size:
        return hand
    levels = hand.levels.copy()
    levels[last.start :] = levels[last.start]
    return replace(hand, levels=levels)


def _of_hand(motion: Motion, hand: Hand) -> Iterator[Grasp]:
    turns = changes(hand.closed)
    closings = [i for i, change in enumerate(turns) if change.closes]
    for i, following in pairwise([*closings, -1]):
        start, end = turns[i].start, len(hand.closed)
        fingers = 0 if hand.measured else round(FINGERS / motion.step)
        opening = turns[i + 1] if i + 1 < len(turns) else None
        spot = _place(motion, start)
        path = motion.places[opening.stop - 1 : opening.stop] if opening else motion.places[start:]
        yield Grasp(
            gripper=hand.name,
            start=start,
            stop=min(end, opening.stop + fingers) if opening else end,
            opens=opening is not None,
            kept=_kept(hand, start, opening.start if opening else end),
            away=max((_distance(spot, place) for place in path), default=0.0),
            back=np.inf if following < 0 else _distance(spot, _place(motion, turns[following].start)),
        )


def _kept(hand: Hand, start: int, stop: int) -> float:
    return float("nan") if hand.closing is None else float(np.median(hand.closing[start:stop][-3:]))


def _place(motion: Motion, step: int) -> "Array":
    place: Array = motion.places[min(step, len(motion.places) - 1)]
    return place


def _distance(first: "Array", second: "Array") -> float:
    return float(np.linalg.norm(first - second))
