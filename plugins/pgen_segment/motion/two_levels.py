"""Recognize grippers that no name says: dimensions that move quickly between two levels and rest in between.

The values are those of a survey: some episodes of the dataset, so that one episode's range decides nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pgen_segment.motion.columns import STATE, Columns
from pgen_segment.motion.levels import MOVING, STEP, changes, frames_per_step

if TYPE_CHECKING:
    from pgen_segment.motion.arms import Groups
    from pgen_segment.motion.columns import Array, Values

RESTING, NEAR, QUICK = 0.7, 0.8, 1.2
"""Of a dimension that is a gripper: the share of time in which it rests, and that in which it is near one of its two
levels, at least; and the seconds of a change, at most (by the median). A joint rests only where the arm does."""
SLOW = 0.7
"""The arm's mean speed while a gripper changes, in usual speeds, at most."""
_SAME_HAND = 0.7
"""The correlation from which neighbouring dimensions are joints of one hand, and a command is that of a gripper."""


@dataclass(frozen=True, slots=True)
class TwoLevels:
    """A dimension that moves between two levels: the levels, and the share of time in which it is near one of them.

    `speed` is the arm's in its changes.
    """

    low: float
    high: float
    near: float
    speed: float = 0.0

    @property
    def likelihood(self) -> float:
        """A number that is higher for a likelier gripper."""
        return self.near - self.speed


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


def grippers_by_level(episodes: "Sequence[Values]", fps: float, columns: Columns) -> tuple["Groups", list[str]]:
    """Return the dimensions of each role that move between two levels, joints of a hand together, and the reasons.

    Where only the command or only the measured one does, as fingers stop at objects of many sizes, the other one is
    what follows it.
    """
    groups: dict[str, list[tuple[int, ...]]] = {}
    reasons = []
    for role, declared in columns.dimensions.items():
        values = [episode[role] for episode in episodes]
        found = ((i, _gripper(episodes, role, i, fps)) for i in range(len(declared)))
        levels = {i: of for i, of in found if of}
        groups[role] = _likeliest(list(_neighbours(values, sorted(levels))), levels, len(declared))
        for hand in groups[role]:
            of = levels[hand[0]]
            reasons.append(
                f"{columns.listed(role, hand)} moves between {of.low:.3g} and {of.high:.3g}, and is near one of them "
                f"{of.near:.0%} of the time"
            )
    for role, other in zip(groups, reversed(list(groups)), strict=True):
        if groups[other] and not groups[role]:
            groups[role] = [hand for found in groups[other] if (hand := _follower(episodes, role, other, found))]
            reasons += [f"{columns.listed(role, hand)} moves with it" for hand in groups[role]]
    return groups, reasons


def _gripper(episodes: "Sequence[Values]", role: str, position: int, fps: float) -> TwoLevels | None:
    """Return the levels of a dimension if it is a gripper's: it changes where the arm stands still or moves slowly."""
    values = [episode[role][:, position] for episode in episodes]
    levels = two_levels(values, fps)
    if levels is None or STATE not in episodes[0]:
        return levels
    speed = _speed_in_changes([episode[STATE] for episode in episodes], values, frames_per_step(fps))
    return replace(levels, speed=speed) if speed < SLOW else None


def _speed_in_changes(states: "Sequence[Array]", values: "Sequence[Array]", frames: int) -> float:
    """Return the arm's mean speed while a dimension changes, in its usual speeds; what moves with it is no arm."""
    size = states[0].shape[1]
    beside = [np.column_stack(pair) for pair in zip(states, values, strict=True)]
    arm = [i for i in range(size) if _correlation(beside, i, size) < _SAME_HAND]
    ranges = np.ptp(np.concatenate(states)[:, arm], axis=0)
    moved = [np.diff(state[::frames, arm], axis=0) / np.where(ranges > 0, ranges, 1.0) for state in states]
    speeds = [np.linalg.norm(steps, axis=1) for steps in moved]
    usual = float(np.sqrt(np.concatenate([speed**2 for speed in speeds]).mean()))
    spread = np.ptp(np.concatenate(list(values)))
    levels = [(of - of.min()) / spread for of in (value[::frames] for value in values)]
    during = [
        float(speed[max(0, change.start - 1) : change.stop + 1].mean())
        for speed, level in zip(speeds, levels, strict=True)
        for change in changes(level)
        if change.start < len(speed)
    ]
    return float(np.median(during)) / usual if during and usual > 0 else 0.0


def _likeliest(hands: list[tuple[int, ...]], levels: Mapping[int, TwoLevels], size: int) -> list[tuple[int, ...]]:
    """Return the gripper that is likeliest one, and that at its place in the other half: of another arm."""
    if not hands:
        return []
    best = max(hands, key=lambda hand: levels[hand[0]].likelihood)
    return [hand for hand in hands if hand == best or (2 * abs(hand[0] - best[0]) == size and len(hand) == len(best))]


def _follower(episodes: "Sequence[Values]", role: str, other: str, hand: tuple[int, ...]) -> tuple[int, ...]:
    """Return the neighbouring dimensions of a role that move with a gripper of the other role."""
    values = [np.column_stack([episode[role], episode[other][:, hand[0]]]) for episode in episodes]
    last = values[0].shape[1] - 1
    alike = [_correlation(values, i, last) for i in range(last)]
    best = int(np.argmax(alike))
    if alike[best] < _SAME_HAND:
        return ()
    runs = _neighbours([rows[:, :-1] for rows in values], [i for i in range(last) if alike[i] >= _SAME_HAND])
    return next(run for run in runs if best in run)


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
