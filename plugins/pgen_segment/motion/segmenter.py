"""The segmenter `gripper`: spans from what the arm and its gripper do, without a model.

An episode is cut where the arm's heading turns or the gripper changes, and each piece is named from the
task and what the gripper does. The same data give the same spans.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from pgen.components import Source
from pgen.components.options import Options
from pgen.components.segmenter import Recording, Segmenter
from pgen.errors import InputError, SampleError
from pgen_segment.motion.change_points import change_points
from pgen_segment.motion.dimensions import ACTION, STATE, Dimension, dimensions, guessed, told
from pgen_segment.motion.phases import ENOUGH, phases
from pgen_segment.motion.signal import (
    Hand,
    Motion,
    displacement,
    heading,
    is_target,
    mean_over,
    moves,
    open_until_first_closing,
    pairs,
    starts_of,
    step_of,
)
from pgen_segment.reading import dataset_of
from pgen_segment.spans.normalise import LONG_GAP, SHORTEST

if TYPE_CHECKING:
    from pgen_segment.motion.signal import Array


FINGERS = 1.0
"""Seconds that fingers take to close or open, at most, where only the command is known."""


class GripperOptions(Options):
    gripper: tuple[str, ...] = ()
    """The gripper's dimensions, as `action[6]` or by their names; guessed from the names where not given."""
    closed: Literal["auto", "low", "high"] = "auto"
    """Whether a closed gripper has low or high values; `auto`: low where measured, commands by what they do."""
    steady: float = Field(SHORTEST, gt=0, allow_inf_nan=False)
    """Seconds that a motion, a stop or a gripper's level must last to be cut off from another; greater: fewer spans."""


class Gripper(Segmenter[GripperOptions]):
    """Change points of the arm's heading and its gripper, without a model: approach, grasp, move, release, retract."""

    name = "gripper"

    def open(self, source: Source) -> None:
        dataset = dataset_of(source)
        features = dataset.features
        self.columns = [key for key in (STATE, ACTION) if key in features]
        if not self.columns:
            path = dataset.root / "meta" / "info.json"
            raise InputError(
                f"{path} has neither {STATE} nor {ACTION}; segmenter gripper needs one of them. The columns are: "
                f"{', '.join(features) or 'none'}."
            )
        known = {key: dimensions(key, features[key]) for key in self.columns}
        self._sizes = {key: len(found) for key, found in known.items()}
        every = [dimension for found in known.values() for dimension in found]
        self._every = every
        self.hands = told(every, self.options.gripper) if self.options.gripper else guessed(every)
        self._arm = {key: [d for d in found if d not in self.hands] for key, found in known.items()}

    def notes(self) -> Iterator[str]:
        if self.hands:
            yield f"gripper    {', '.join(map(str, self.hands))}"
        else:
            listed = ", ".join(map(str, self._every))
            yield (
                "gripper    none found by name: spans are cut by the arm's motion alone; name it with --gripper. There "
                f"are: {listed}"
            )

    def provenance(self) -> dict[str, Any]:
        return {"gripper": [str(hand) for hand in self.hands]}

    def segment(self, recording: Recording) -> list[dict[str, Any]]:
        """Spans with the phase and the task as name. Where nothing moves for long there is none: a gap."""
        motion, task = self.motion(recording), recording.episode.task
        pieces = list(pairwise([0, *self._cuts(motion), len(motion.starts)]))
        named = phases([[closing(hand, *piece) for hand in motion.hands] for piece in pieces])
        pauses = [self._idle(motion, *piece) for piece in pieces]
        return [
            {"name": f"{phase}: {task}", "start": float(motion.times[start]), "end": float(motion.times[stop])}
            for (start, stop), phase, pause in zip(pieces, named, pauses, strict=True)
            if not pause or all(pauses)
        ]

    def change_points(self, recording: Recording) -> list[float]:
        """The seconds at which the episode changes, its two ends excepted."""
        motion = self.motion(recording)
        return [float(motion.times[cut]) for cut in self._cuts(motion)]

    def motion(self, recording: Recording) -> Motion:
        """The episode's motion. Raises SampleError for values that are no finite numbers."""
        episode = recording.episode
        starts = starts_of(len(episode.timestamps), episode.fps)
        times = np.array([*(episode.timestamps[start] for start in starts), episode.timestamps[-1] + 1 / episode.fps])
        values = {key: matrix(recording.columns[key], key, self._sizes[key]) for key in self.columns}
        headings, hands = self._headings(values, starts), self._hands(values, starts)
        return Motion(starts, times, step_of(episode.fps) / episode.fps, list(headings), list(hands))

    def _cuts(self, motion: Motion) -> list[int]:
        # Of two pieces, each of length t, at a distance of 1, a cut between them saves t / 2 of squared error.
        penalty = self.options.steady / 2 / motion.step
        found = change_points(motion.signal, penalty, motion.times, SHORTEST, motion.turning)
        return sorted({*found, *self._settled(motion, found)})

    def _settled(self, motion: Motion, found: list[int]) -> Iterator[int]:
        """Where fingers of which only the command is known have done as told, while the arm moves on."""
        for start, stop in pairwise([*found, len(motion.starts)]):
            changed = [hand for hand in motion.hands if abs(closing(hand, start, stop)) > ENOUGH]
            if not changed or any(hand.measured for hand in changed):
                continue
            settled = int(np.searchsorted(motion.times, motion.times[start] + FINGERS - 1e-3))
            goes_on = settled < stop and motion.times[stop] - motion.times[settled] >= SHORTEST
            if goes_on and not motion.still(settled, stop):
                yield settled

    def _headings(self, values: "dict[str, Array]", starts: list[int]) -> "Iterator[Array]":
        """One of the state, one of the action, without the gripper and without what never moves."""
        arm = {key: matrix[:, [d.position for d in self._arm[key]]] for key, matrix in values.items()}
        for key, own in arm.items():
            position = key == STATE or self._is_target(values)
            velocity = displacement(own, starts) if position else mean_over(own, starts)
            if velocity.any():
                yield heading(velocity)

    def _is_target(self, values: "dict[str, Array]") -> bool:
        if STATE not in values:
            return False
        same = pairs(self._arm[STATE], self._arm[ACTION])
        state, action = ([pair[i] for pair in same] for i in range(2))
        return bool(same) and is_target(values[ACTION][:, action], values[STATE][:, state])

    def _hands(self, values: "dict[str, Array]", starts: list[int]) -> Iterator[Hand]:
        """A gripper's measured and commanded levels are one hand, where there are as many of both."""
        moving = {d: values[d.feature][starts, d.position] for d in self.hands}
        measured, commanded = ([d for d in self.hands if d.feature == key] for key in (STATE, ACTION))
        together = len(measured) == len(commanded)
        hands = list(zip(measured, commanded, strict=True)) if together else [(hand,) for hand in self.hands]
        for hand in hands:
            signals = [(d, moving[d]) for d in hand if moves(moving[d])]
            if signals:
                measured_too = any(d.feature == STATE for d, _ in signals)
                levels = [open_until_first_closing(level, ENOUGH) for level in self._levels(signals)]
                yield Hand(np.stack(levels, axis=1), measured_too)

    def _levels(self, signals: "list[tuple[Dimension, Array]]") -> "list[Array]":
        """How far closed, 0 to 1, by each signal: the measured one first, if it moves."""
        levels: list[Array] = []
        for dimension, signal in signals:
            level = (signal - signal.min()) / np.ptp(signal)
            if levels:
                low = float(np.cov(levels[0], level)[0, 1]) < 0
            elif self.options.closed != "auto":
                low = self.options.closed == "low"
            else:
                # An arm sets out with an open gripper; of one that is measured, the opening is what is measured.
                low = dimension.feature == STATE or bool(level[0] >= 0.5)
            levels.append(1.0 - level if low else level)
        return levels

    def _idle(self, motion: Motion, start: int, stop: int) -> bool:
        """Whether nothing happens for so long that it is a pause."""
        moved = any(abs(closing(hand, start, stop)) > ENOUGH for hand in motion.hands)
        return not moved and motion.times[stop] - motion.times[start] >= LONG_GAP and motion.still(start, stop)


def matrix(column: "pa.ChunkedArray[Any]", name: str, width: int) -> "Array":
    """A column of vectors, or of numbers, as n x `width` float64. Raises SampleError for anything else."""
    cells = column.combine_chunks()
    nested = isinstance(cells, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray)
    flat = cells.flatten() if nested else cells
    try:
        values: Array = flat.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise SampleError("decode", f"the column {name} holds no vectors of numbers: {error}") from None
    if len(values) != len(cells) * width or not np.isfinite(values).all():
        raise SampleError("decode", f"the column {name} has cells that are no vectors of {width} finite numbers.")
    return values.reshape(len(cells), width)


def closing(hand: Hand, start: int, stop: int) -> float:
    """By how much of its range a gripper closes in a piece; a command that changes at its start counts."""
    return float(hand.closed[stop - 1] - hand.closed[max(start - 1, 0)])
