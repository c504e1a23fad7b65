"""How far grippers are closed: one number from the joints of each, and where it changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pgen_segment.motion.columns import Array

STEP = 0.1
"""Seconds: people do not place the edges of skills more precisely, and an arm moves further than its sensors' noise."""
ENOUGH = 0.25
"""The share of its range by which a gripper must close or open in a grasp or release: fingers that close on an
object, or open to let it go, stop short of their full range."""
FINGERS = 1.0
"""Seconds that fingers take to close or open at most, where only the command is recorded."""
MOVING = 0.1
"""The share of its greatest value that a gripper's range must reach; below it, the gripper did not move."""
START = 0.1
"""The share of a change before which it has not begun, and by which a gripper at rest moves in two steps at most."""


def frames_per_step(fps: float) -> int:
    """Return the number of frames in a step."""
    return max(1, round(STEP * fps))


@dataclass(frozen=True, slots=True)
class Change:
    """A closing or opening of a gripper: its first row, and the row from which it rests."""

    start: int
    stop: int
    closes: bool


def changes(level: "Array", enough: float = ENOUGH) -> list[Change]:
    """Return where a level rises or falls by more than `enough`, by turns."""
    extremes = list(_extremes(level, enough))
    return [_change(level, start, stop) for start, stop in pairwise(extremes)]


def _extremes(level: "Array", enough: float) -> Iterator[int]:
    """Yield the rows of the lowest and highest values, by turns, which differ by more than `enough`."""
    low = high = 0
    rising: bool | None = None
    for i, value in enumerate(level.tolist()):
        low = i if value <= level[low] else low
        high = i if value > level[high] else high
        if rising is not True and value - level[low] > enough:
            yield low
            rising, high = True, i
        elif rising is not False and level[high] - value > enough:
            yield high
            rising, low = False, i
    if rising is not None:
        yield high if rising else low


def _change(level: "Array", start: int, stop: int) -> Change:
    """Return the change between two extremes without the rests at its ends."""
    size = level[stop] - level[start]
    share = (level[start : stop + 1] - level[start]) / size
    begins = int(np.flatnonzero(share <= START).max(initial=0))
    # A gripper rests where it moves by less than a part of its range in the next two steps.
    ahead = np.append(share[2:], [share[-1]] * min(2, len(share)))[: len(share)]
    rests = begins + np.flatnonzero((share * abs(size) > ENOUGH)[begins:] & (ahead - share < START)[begins:])
    return Change(start + begins, start + int(rests[0]) if len(rests) else stop, bool(size > 0))


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening of a gripper as one number: its joints, each in units of its range, along their common motion.

    A value is 0 at the lowest of the survey and 1 at its highest.
    """

    positions: tuple[int, ...]
    weights: tuple[float, ...]
    lowest: float
    highest: float

    @property
    def moves(self) -> bool:
        """Whether it ever moves."""
        return self.highest > self.lowest

    def of(self, values: "Array") -> "Array":
        """Return the opening in each frame of a matrix."""
        joint: Array = values[:, list(self.positions)] @ np.array(self.weights)
        return (joint - self.lowest) / ((self.highest - self.lowest) or 1.0)


def opening(episodes: "Sequence[Array]", positions: Sequence[int]) -> Opening:
    """Return the opening of the gripper with these joints, as it moves in some episodes."""
    every = np.concatenate([np.zeros((0, len(positions))), *(values[:, list(positions)] for values in episodes)])
    ranges = np.ptp(every, axis=0) if len(every) else np.zeros(len(positions))
    largest = np.abs(every).max(axis=0, initial=0.0)
    used = ranges > MOVING * largest
    weights = np.where(used, 1 / np.where(used, ranges, 1.0), 0.0)
    if used.sum() > 1:
        # The joints of a hand close together: their first principal component is the closing.
        scaled = every * weights
        _, vectors = np.linalg.eigh(np.cov(scaled.T))
        weights = weights * vectors[:, -1]
    along = every @ weights if len(every) else np.zeros(1)
    return Opening(tuple(positions), tuple(weights.tolist()), float(along.min()), float(along.max()))
