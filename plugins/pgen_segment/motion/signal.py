"""Describe the motion of an arm by a signal that changes with the skill: its heading and its gripper's level.

An arm's speed rises and falls within one skill; its heading turns between two. So the signal has unit vectors: the
direction in which the state moves, and in which the action commands it to, near zero where the arm stands still.
A row is a step of `STEP` seconds. The gripper's dimensions are found by their names, or as the user lists them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pgen.errors import ConfigError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]


STATE, ACTION = "observation.state", "action"
_WORD = re.compile(r"[a-z]+\d*")
_HAND = re.compile(r"\A(?:gripper|grip|finger|fingers|jaw|claw)\d*")
_OTHER = re.compile(
    r"\A(?:d?[xyz]|r[xyzwp]|q[xyzw]|roll|pitch|yaw|rot\w*|vel\w*|speed|effort|force|torque|current|temp\w*)\d*"
)
"""What else is stored of a gripper besides its opening: its pose, speed and force."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One number of a vector feature: its `position` in the vector, and its name where it has one."""

    feature: str
    position: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.feature}[{self.position}]" + (f" {self.name}" if self.name else "")


def dimensions(feature: str, declared: Mapping[str, Any]) -> list[Dimension]:
    """Return the dimensions of a feature as info.json declares it; names may be a list, or lists in an object.

    Raises InputError for an invalid shape.
    """
    shape = declared.get("shape")
    size = shape[0] if isinstance(shape, list) and shape else None
    if not isinstance(size, int) or size < 1:
        raise InputError(
            f"meta/info.json: the feature {feature} has the shape {shape!r}; expected its size, as in [7]."
        )
    names = list(_names(declared.get("names")))
    return [Dimension(feature, i, names[i] if len(names) == size else "") for i in range(size)]


def gripper_dimensions(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Return those whose names say gripper, jaw or finger, and not its pose, speed or force."""
    words = [_WORD.findall(dimension.name.lower()) for dimension in dimensions]
    return [
        dimension
        for dimension, parts in zip(dimensions, words, strict=True)
        if any(map(_HAND.fullmatch, parts)) and not any(map(_OTHER.fullmatch, parts))
    ]


def select(dimensions: Sequence[Dimension], wanted: Sequence[str]) -> list[Dimension]:
    """Return those listed in `wanted`, as `action[6]` or by name. Raises ConfigError for an unknown one."""
    selected = []
    for text in wanted:
        matching = [d for d in dimensions if text in (f"{d.feature}[{d.position}]", d.name)]
        if not matching:
            known = ", ".join(map(str, dimensions))
            raise ConfigError(f"option gripper: there is no dimension {text!r}; there are: {known}.")
        selected += matching
    return selected


def _names(declared: Any) -> Iterator[str]:
    if isinstance(declared, str):
        yield declared
    elif isinstance(declared, list | Mapping):
        for inner in declared.values() if isinstance(declared, Mapping) else declared:
            yield from _names(inner)


STEP = 0.1
"""Seconds: people do not place the edges of skills more precisely, and an arm moves further than its sensors' noise."""
NOISE = 0.05
"""The share of its usual speed below which an arm stands still; and of the widest range of its dimensions, below
which a dimension's motion is noise. A position sensor's noise stays below a twentieth."""
MOVING = 0.1
"""The share of its greatest value that a gripper's range must reach; below it, the gripper did not move."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A gripper through an episode: how far it is closed at each step, 0 to 1, measured and as commanded."""

    levels: "Array"
    measured: bool

    @property
    def closed(self) -> "Array":
        """The mean of its signals."""
        mean: Array = self.levels.mean(axis=1)
        return mean


@dataclass(frozen=True, slots=True)
class Motion:
    """An episode in steps of `step` seconds: step i begins at frame `starts[i]` and at `times[i]`, the last one ends
    at `times[-1]`. `headings` are those of the state and of the action, where there are any.
    """

    starts: list[int]
    times: "Array"
    step: float
    headings: "list[Array]"
    hands: list[Hand]

    @property
    def signal(self) -> "Array":
        """All signals, a row per step: a stop and a gripper's full range have the length 1, a turn back 2.

        What both the state and the action have weighs as much as what only one of them has. The last column is for
        an episode in which nothing moves.
        """
        levels = [level for hand in self.hands for level in _weighted([level[:, None] for level in hand.levels.T])]
        return np.hstack([*_weighted(self.headings), *levels, np.zeros((len(self.starts), 1))])

    @property
    def turning(self) -> int:
        """The number of columns, the first ones, that are headings: only these may turn steadily."""
        return sum(heading.shape[1] for heading in self.headings)

    def still(self, start: int, stop: int) -> bool:
        """Return whether the arm stands still in these steps, by each of its headings."""
        norms = [np.linalg.norm(heading[start:stop], axis=1) for heading in self.headings]
        return all(float(np.median(norm)) < 0.5 for norm in norms)


def _weighted(signals: "Sequence[Array]") -> "list[Array]":
    return [signal / np.sqrt(len(signals)) for signal in signals]


def frames_per_step(fps: float) -> int:
    """Return the number of frames in a step."""
    return max(1, round(STEP * fps))


def heading(velocity: "Array") -> "Array":
    """Return directions of motion: unit vectors, shorter where it is slow compared with its usual speed."""
    speed = np.linalg.norm(velocity, axis=1)
    usual = float(np.sqrt((speed**2).mean()))
    directions: Array = velocity / (speed + max(NOISE * usual, 1e-12))[:, None]
    return directions


def displacement(values: "Array", starts: Sequence[int]) -> "Array":
    """Return how far positions move in each step, each dimension in units of its range."""
    ranges = np.ptp(values, axis=0)
    scale = np.maximum(ranges, max(NOISE * float(ranges.max(initial=0.0)), 1e-12))
    ends = [*starts[1:], len(values) - 1]
    moved: Array = (values[ends] - values[starts]) / scale
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
    """Return the positions of dimensions with one name in both; without names, in order where both have as many."""
    positions = {d.name: d.position for d in state if d.name}
    named = [(positions[d.name], d.position) for d in action if d.name in positions]
    if named or any(d.name for d in (*state, *action)) or len(state) != len(action):
        return named
    return [(s.position, a.position) for s, a in zip(state, action, strict=True)]


def open_until_first_closing(level: "Array", enough: float) -> "Array":
    """Return a gripper's level, constant until it first closes by `enough`: opening alone is no skill."""
    closes = np.flatnonzero(level - np.minimum.accumulate(level) > enough)
    if not len(closes):
        return level
    opened = int(level[: closes[0]].argmin())
    return np.concatenate([np.full(opened, level[opened]), level[opened:]])


def moves(values: "Array") -> bool:
    """Return whether a gripper's signal changes enough to be motion."""
    return float(np.ptp(values)) > MOVING * float(np.abs(values).max(initial=0.0))
