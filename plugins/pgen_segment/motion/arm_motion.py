"""Describe the motion of an arm by a signal that changes with the skill: its heading and its gripper's level.

An arm's speed rises and falls within one skill; its heading turns between two. So the signal has unit vectors: the
direction in which the state moves, and in which the action commands it to, near zero where the arm stands still.
A row is a step of `STEP` seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pgen_segment.motion.columns import Dimension

if TYPE_CHECKING:
    from pgen_segment.motion.columns import Array

NOISE = 0.05
"""The share of its usual speed below which an arm stands still; and of the widest range of its dimensions, below
which a dimension's motion is noise. A position sensor's noise stays below a twentieth."""
QUIET = 0.25
"""The share of the widest range of all arms below which an arm hardly moves."""
STIRRING = 0.4
"""The mean speed, in usual speeds, from which an arm that goes nowhere is at work, and not merely measured badly."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A gripper through an episode: how far it is closed at each step, 0 to 1, measured and as commanded.

    `name` tells the grippers of a robot apart. `closing` is the measured level alone, in units of its
    range in the dataset.
    """

    levels: "Array"
    measured: bool
    name: str = ""
    closing: "Array | None" = None

    @property
    def closed(self) -> "Array":
        """The mean of its signals."""
        mean: Array = self.levels.mean(axis=1)
        return mean


@dataclass(frozen=True, slots=True)
class Motion:
    """An arm in an episode, in steps of `step` seconds: step i begins at frame `starts[i]` and at `times[i]`, the last
    one ends at `times[-1]`. `velocities` are those of the state and of the action, in units of a usual speed;
    `places` are positions, in units of their range. Of `hands` only those are there that move in the episode.
    """

    arm: str
    starts: list[int]
    times: "Array"
    step: float
    places: "Array"
    velocities: "list[Array]"
    hands: list[Hand]

    @property
    def signal(self) -> "Array":
        """All signals, a row per step: a stop and a gripper's full range have the length 1, a turn back 2.

        What both the state and the action have weighs as much as what only one of them has. The last column is for
        an episode in which nothing moves.
        """
        levels = [level for hand in self.hands for level in _weighted([level[:, None] for level in hand.levels.T])]
        headings = _weighted([heading(velocity) for velocity in self.velocities])
        return np.hstack([*headings, *levels, np.zeros((len(self.starts), 1))])

    @property
    def turning(self) -> int:
        """The number of columns, the first ones, that are headings: only these may turn steadily."""
        return sum(velocity.shape[1] for velocity in self.velocities)

    def still(self, start: int, stop: int) -> bool:
        """Return whether the arm stands still in these steps: most of them, or but for the noise of its sensors.

        Noise goes in no direction. Work that returns to where it began, such as wiping, has a higher speed.
        """
        return all(_is_still(velocity[start:stop]) for velocity in self.velocities)


def _is_still(velocity: "Array") -> bool:
    speed = np.linalg.norm(velocity, axis=1)
    away = float(np.linalg.norm(velocity.mean(axis=0)))
    return float(np.median(speed)) < NOISE or (away < NOISE and float(speed.mean()) < STIRRING)


def _weighted(signals: "Sequence[Array]") -> "list[Array]":
    return [signal / np.sqrt(len(signals)) for signal in signals]


def usual_speed(velocity: "Array") -> float:
    """Return the root mean square of the speed."""
    return float(np.sqrt((velocity**2).sum(axis=1).mean()))


def heading(velocity: "Array") -> "Array":
    """Return directions of motion: unit vectors, shorter where it is slow compared with the usual speed."""
    directions: Array = velocity / (np.linalg.norm(velocity, axis=1) + NOISE)[:, None]
    return directions


def scaled(values: "Array", widest: float | None = None) -> "Array":
    """Return positions in units of the range of each dimension; `widest` is the widest range of all arms.

    An arm that hardly moves beside another one stays small: its range is its sensors' noise, or the other one's pull.
    """
    ranges = np.ptp(values, axis=0)
    own = float(ranges.max(initial=0.0))
    widest = own if widest is None else widest
    least = (NOISE if own >= QUIET * widest else QUIET) * widest
    within: Array = values / np.maximum(ranges, max(least, 1e-12))
    return within


def displacement(values: "Array", starts: Sequence[int]) -> "Array":
    """Return how far positions move in each step."""
    ends = [*starts[1:], len(values) - 1]
    moved: Array = values[ends] - values[starts]
    if len(starts) > 1 and ends[-1] == starts[-1]:
        moved[-1] = moved[-2]  # the frame after the last one is unknown
    return moved


def mean_over(values: "Array", starts: Sequence[int]) -> "Array":
    """Return the mean of each step."""
    counts = np.diff([*starts, len(values)])
    means: Array = np.add.reduceat(values, starts, axis=0) / counts[:, None]
    return means


def is_target(action: "Array", state: "Array") -> bool:
    """Return whether actions are positions to reach: nearer to the state than the state is to its own mean.

    Both are n x d, with the same dimensions in the same order. Otherwise actions are speeds or steps.
    """
    spread = state.var(axis=0)
    used = spread > 0
    if not used.any():
        return False
    missed = ((action - state) ** 2).mean(axis=0)
    return bool((missed[used] / spread[used]).mean() < 1.0)


def pairs(state: Sequence[Dimension], action: Sequence[Dimension]) -> list[tuple[int, int]]:
    """Return the positions of dimensions with one name in both; without such, in order where both have as many."""
    names = {dimension.name: i for i, dimension in enumerate(state) if dimension.name}
    named = [(names[dimension.name], i) for i, dimension in enumerate(action) if dimension.name in names]
    in_order = [(i, i) for i in range(len(state))] if len(state) == len(action) else []
    return named or in_order


def open_until_first_closing(level: "Array", enough: float) -> "Array":
    """Return a gripper's level, constant until it first closes by `enough`: opening alone is no skill."""
    closes = np.flatnonzero(level - np.minimum.accumulate(level) > enough)
    if not len(closes):
        return level
    opened = int(level[: closes[0]].argmin())
    return np.concatenate([np.full(opened, level[opened]), level[opened:]])
