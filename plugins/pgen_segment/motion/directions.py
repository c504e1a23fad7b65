"""Whether the values of a closed gripper are low or high.

The names of the dimensions may say it. A gripper that is told to close stops at objects of different widths, while one
that is told to open does what it is told: so the closed side is the one on which measured values vary more than their
command explains. Otherwise a measured value is taken as the opening, and an arm sets out with an open gripper.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from pgen_segment.motion.arms import Robot, words
from pgen_segment.motion.columns import ACTION, STATE
from pgen_segment.motion.levels import Opening, frames_per_step

if TYPE_CHECKING:
    from pgen_segment.motion.columns import Array, Values

type Closed = Literal["auto", "low", "high"]
_CLOSED = {"closed", "closing", "closure", "suction", "vacuum", "pump", "magnet"}
"""Words of a dimension that is high where the gripper is closed."""
_STILL = 0.02
"""The share of its range by which a gripper at rest moves in two steps, at most."""
UNEXPLAINED, TIMES = 0.05, 3.0
"""The spread of measured values beside their command on the closed side, in shares of the range, at least; and how many
times that of the open side it is."""


def low_when_closed(
    robot: Robot, openings: Mapping[str, Opening], episodes: "Sequence[Values]", fps: float, closed: Closed
) -> dict[str, bool]:
    """Return for each role whether a closed gripper is low; the second role follows from the first."""
    signals = {role: [of.of(episode[role]) for episode in episodes] for role, of in openings.items()}
    first, *others = openings
    low = {first: closed == "low" if closed != "auto" else _is_low(robot, openings[first], first, signals, fps)}
    for role in others:
        low[role] = low[first] == _together(signals[first], signals[role])
    return low


def _together(first: "Sequence[Array]", second: "Sequence[Array]") -> bool:
    """Return whether two signals rise and fall together."""
    return bool(np.cov(np.concatenate(first), np.concatenate(second))[0, 1] >= 0)


def _is_low(robot: Robot, opening: Opening, role: str, signals: "Mapping[str, Sequence[Array]]", fps: float) -> bool:
    said = {word for i in opening.positions for word in words(robot.columns.dimensions[role][i].name)}
    if said & _CLOSED:
        return False
    if role == STATE and len(opening.positions) == 1:
        high = ACTION in signals and _stops_high(signals[STATE], signals[ACTION], frames_per_step(fps))
        return not high
    return float(np.median([signal[0] for signal in signals[role]])) >= 0.5


def _stops_high(measured: "Sequence[Array]", commanded: "Sequence[Array]", frames: int) -> bool:
    """Return whether a gripper at rest varies beside its command where it is high, and not where it is low."""
    rows = []
    for value, command in zip(measured, commanded, strict=True):
        pair = np.column_stack([value, command])[::frames]
        rows.append(pair[:-2][np.abs(pair[2:] - pair[:-2]).max(axis=1) < _STILL])
    resting = np.concatenate(rows)
    # By the command: an object can be so wide that the gripper stops beyond the middle.
    upper = (resting[:, 1] >= 0.5) == _together(measured, commanded)
    high, low = _unexplained(resting[upper]), _unexplained(resting[~upper])
    return high > max(UNEXPLAINED, TIMES * low)


def _unexplained(resting: "Array") -> float:
    """Return the spread of measured values, without what follows their command."""
    if len(resting) < 3:
        return 0.0
    measured, command = resting.T
    if np.ptp(command) > _STILL:
        measured = measured - np.polyval(np.polyfit(command, measured, 1), command)
    low, high = np.quantile(measured, [0.1, 0.9])
    return float(high - low)
