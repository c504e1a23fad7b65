"""How far grippers are closed: which dimensions move between two levels, and each gripper's level from its joints.

The values are those of a survey: some episodes of the dataset, so that one episode's range decides nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pgen_segment.motion.columns import Columns

if TYPE_CHECKING:
    from pgen_segment.motion.columns import Array, Values

STEP = 0.1
"""Seconds: people do not place the edges of skills more precisely, and an arm moves further than its sensors' noise."""
ENOUGH = 0.25
"""The share of its range by which a gripper must close or open in a grasp or release: fingers that close on an
object, or open to let it go, stop short of their full range."""
MOVING = 0.1
"""The share of its greatest value that a gripper's range must reach; below it, the gripper did not move."""
RESTING, NEAR, QUICK = 0.7, 0.8, 1.2
"""Of a dimension that is a gripper: the share of time in which it rests, and that in which it is near one of its two
levels, at least; and the seconds of a change, at most (by the median). A joint rests only where the arm does."""
START = 0.1
"""The share of a change before which it has not begun, and by which a gripper at rest moves in two steps at most."""
_SAME_HAND = 0.7
"""The correlation from which neighbouring dimensions are joints of one hand."""


@dataclass(frozen=True, slots=True)
class TwoLevels:
    """A dimension that moves between two levels: the levels, and the share of time in which it is near one of them."""

    low: float
    high: float
    near: float


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
    begins = start + int(np.flatnonzero(share <= START).max(initial=0))
    # A gripper rests where it moves by less than a part of its range in the next two steps.
    ahead = np.append(share[2:], [share[-1]] * min(2, len(share)))[: len(share)]
    rests = np.flatnonzero((share * abs(size) > ENOUGH) & (ahead - share < START))
    return Change(begins, start + int(rests[0]) if len(rests) else stop, bool(size > 0))


def two_levels(episodes: "Sequence[Array]", fps: float) -> TwoLevels | None:
    """Return the levels between which a dimension moves, given its values in some episodes; None for another motion."""
    frames = frames_per_step(fps)
    sampled = [values[::frames] for values in episodes]
    every = np.concatenate([np.zeros(0), *sampled])
    if not len(every) or np.ptp(every) <= MOVING * np.abs(every).max():
        return None
    low, span = float(every.min()), float(np.ptp(every))
    shares = [(values - low) / span for values in sampled]
    share = np.concatenate(shares)
    upper = share >= 0.5
    if not 0.05 <= upper.mean() <= 0.95:
        return None  # such as a flag that an episode's last frame sets
    centres = np.median(share[~upper]), np.median(share[upper])
    near = float((np.minimum(np.abs(share - centres[0]), np.abs(share - centres[1])) < 0.1).mean())
    resting = np.concatenate([np.abs(np.diff(values)) < 0.02 for values in shares])
    lengths = [change.stop - change.start for values in shares for change in changes(values)]
    quick = bool(lengths) and float(np.median(lengths)) * STEP <= QUICK and 2 * len(lengths) >= len(shares)
    if near < NEAR or resting.mean() < RESTING or not quick:
        return None
    return TwoLevels(low + span * float(centres[0]), low + span * float(centres[1]), near)


def grippers_by_level(
    episodes: "Sequence[Values]", fps: float, columns: Columns
) -> tuple[dict[str, list[tuple[int, ...]]], list[str]]:
    """Return the dimensions of each role that move between two levels, joints of a hand together, and the reasons."""
    groups: dict[str, list[tuple[int, ...]]] = {}
    reasons = []
    for role, declared in columns.dimensions.items():
        values = [episode[role] for episode in episodes]
        levels = {i: two_levels([of[:, i] for of in values], fps) for i in range(len(declared))}
        groups[role] = list(_neighbours(values, [i for i, of in levels.items() if of]))
        for hand in groups[role]:
            of = levels[hand[0]]
            assert of is not None
            names = columns.listed(role, hand)
            reasons.append(
                f"{names}: moves between {of.low:.3g} and {of.high:.3g}, {of.near:.0%} of the time near one of them"
            )
    return groups, reasons


def together(episodes: "Sequence[Array]", positions: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the dimensions in groups that move together, as the joints of a hand do."""
    return list(_neighbours(episodes, positions))


def _neighbours(episodes: "Sequence[Array]", positions: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield runs of neighbouring dimensions that move together."""
    run: list[int] = []
    for i in positions:
        if run and (i != run[-1] + 1 or _correlation(episodes, run[-1], i) < _SAME_HAND):
            yield tuple(run)
            run = []
        run.append(i)
    if run:
        yield tuple(run)


def _correlation(episodes: "Sequence[Array]", first: int, second: int) -> float:
    pair = np.concatenate([values[:, [first, second]] for values in episodes])
    if not np.ptp(pair, axis=0).all():
        return 0.0
    return float(abs(np.corrcoef(pair.T)[0, 1]))


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
