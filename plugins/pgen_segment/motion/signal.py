"""What an arm does, as a signal that a change of skill changes: where it is heading, and its gripper's level.

An arm's speed rises and falls within one skill; its heading turns between two. So the signal holds unit
vectors: the direction in which the state moves, and in which the action tells it to, near zero where it
stands still. Rows are steps of `STEP` seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pgen_segment.motion.dimensions import Dimension

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]

STEP = 0.1
"""Seconds: people place the edges of skills no finer, and over this time an arm outruns its sensors' noise."""
QUIET = 0.05
"""The share of its usual speed below which an arm stands still; and of the widest range of its dimensions,
below which a dimension's motion is noise. A twentieth is what a position sensor's noise stays under."""
MOVING = 0.1
"""The share of its greatest value that a gripper's range must reach, or it did not move in this episode."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A gripper through an episode, a row a step: how far it is closed, 0 to 1, measured and as commanded."""

    levels: "Array"
    measured: bool

    @property
    def closed(self) -> "Array":
        """The mean of its signals."""
        mean: Array = self.levels.mean(axis=1)
        return mean


@dataclass(frozen=True, slots=True)
class Motion:
    """An episode in steps of `step` seconds: step i begins at frame `starts[i]` and `times[i]`, and the last
    ends at `times[-1]`. `headings` are those of the state and of the action, as far as there are any.
    """

    starts: list[int]
    times: "Array"
    step: float
    headings: "list[Array]"
    hands: list[Hand]

    @property
    def signal(self) -> "Array":
        """All of it, a row a step: a stop and a gripper's full way have the length 1, a turn back 2.

        What is known twice, by the state and by the action, weighs as much as what is known once.
        """
        levels = (_shared([level[:, None] for level in hand.levels.T]) for hand in self.hands)
        return np.hstack([*_shared(self.headings), *(level for hand in levels for level in hand), self._nothing])

    @property
    def turning(self) -> int:
        """How many columns of the signal, its first ones, are headings: they may turn steadily; a gripper does not."""
        return sum(heading.shape[1] for heading in self.headings)

    @property
    def _nothing(self) -> "Array":
        """A column for an episode in which nothing moves."""
        return np.zeros((len(self.starts), 1))

    def still(self, start: int, stop: int) -> bool:
        """Whether the arm stands still in these steps, by each of its streams."""
        norms = [np.linalg.norm(heading[start:stop], axis=1) for heading in self.headings]
        return all(float(np.median(norm)) < 0.5 for norm in norms)


def _shared(signals: "Sequence[Array]") -> "list[Array]":
    return [signal / np.sqrt(len(signals)) for signal in signals]


def step_of(fps: float) -> int:
    """The frames of a step."""
    return max(1, round(STEP * fps))


def starts_of(frames: int, fps: float) -> list[int]:
    """The first frame of each step."""
    return list(range(0, frames, step_of(fps)))


def heading(velocity: "Array") -> "Array":
    """Directions of motion: unit vectors, shorter where it is slow against its usual speed."""
    speed = np.linalg.norm(velocity, axis=1)
    usual = float(np.sqrt((speed**2).mean()))
    directions: Array = velocity / (speed + max(QUIET * usual, 1e-12))[:, None]
    return directions


def displacement(values: "Array", starts: Sequence[int]) -> "Array":
    """How far positions move in each step, each dimension by its own range."""
    ranges = np.ptp(values, axis=0)
    scale = np.maximum(ranges, max(QUIET * float(ranges.max(initial=0.0)), 1e-12))
    ends = [*starts[1:], len(values) - 1]
    moved: Array = (values[ends] - values[starts]) / scale
    if len(starts) > 1 and ends[-1] == starts[-1]:
        moved[-1] = moved[-2]  # nothing is known of where the last frame leads
    return moved


def mean_over(values: "Array", starts: Sequence[int]) -> "Array":
    """The mean of each step."""
    counts = np.diff([*starts, len(values)])
    means: Array = np.add.reduceat(values, starts, axis=0) / counts[:, None]
    return means


def is_target(action: "Array", state: "Array") -> bool:
    """Whether actions are positions to reach: nearer to the state than the state is to its own mean.

    Both n x d, the same dimensions in the same order. Otherwise they are motions: speeds, or steps.
    """
    spread = state.var(axis=0)
    used = spread > 0
    if not used.any():
        return False
    missed = ((action - state) ** 2).mean(axis=0)
    return bool((missed[used] / spread[used]).mean() < 1.0)


def pairs(state: Sequence[Dimension], action: Sequence[Dimension]) -> list[tuple[int, int]]:
    """Dimensions of one name in both; without names, one by one where there are as many."""
    named = {d.name: d.position for d in state if d.name}
    found = [(named[d.name], d.position) for d in action if d.name in named]
    if found or any(d.name for d in (*state, *action)) or len(state) != len(action):
        return found
    return [(s.position, a.position) for s, a in zip(state, action, strict=True)]


def open_until_first_closing(level: "Array", enough: float) -> "Array":
    """A gripper's level without what it does before it first closes by `enough`: opening alone is no skill."""
    lowest = np.minimum.accumulate(level)
    closes = np.flatnonzero(level - lowest > enough)
    if not len(closes):
        return level
    opened = int(level[: closes[0]].argmin())
    kept = level.copy()
    kept[:opened] = level[opened]
    return kept


def moves(values: "Array") -> bool:
    """Whether a gripper's signal changes enough to be its motion."""
    return float(np.ptp(values)) > MOVING * float(np.abs(values).max(initial=0.0))
