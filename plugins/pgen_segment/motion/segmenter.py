"""The segmenter `gripper`: spans from the motion of the arm and its gripper, without a model.

An episode is cut where the arm's heading turns or the gripper changes, and each piece is named from the task and the
gripper's action. The same data give the same spans.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from pgen.components import Options, Recording, Segmenter, Source
from pgen.errors import InputError, SampleError
from pgen_segment.motion.change_points import change_points
from pgen_segment.motion.signal import (
    ACTION,
    STATE,
    Dimension,
    Hand,
    Motion,
    dimensions,
    displacement,
    frames_per_step,
    gripper_dimensions,
    heading,
    is_target,
    mean_over,
    moves,
    open_until_first_closing,
    pairs,
    select,
)
from pgen_segment.normalize import LONG_GAP, SHORTEST
from pgen_segment.reading import dataset_of

if TYPE_CHECKING:
    from pgen_segment.motion.signal import Array


GRASP, RELEASE = "grasp", "release"
APPROACH, MOVE, RETRACT = "approach", "move", "retract"
ENOUGH = 0.25
"""The share of its range by which a gripper must close or open in a grasp or release: fingers that close on an
object, or open to let it go, stop short of their full range."""


def phases(closing: Sequence[Sequence[float]]) -> list[str]:
    """Return a phase for each piece; `closing` has the share of its range by which each gripper closes in it.

    Opening is a release only of a gripper that has closed before: hands also open on their way to an object.
    Without any grasp every piece is a move.
    """
    events, holding = _events(closing)
    grasps = [i for i, event in enumerate(events) if event == GRASP]
    if not grasps:
        return [MOVE] * len(events)
    return [event or (MOVE if holding[i] else _without_object(i, events, grasps)) for i, event in enumerate(events)]


def _events(closing: Sequence[Sequence[float]]) -> tuple[list[str], list[bool]]:
    """Return the grasp or release of each piece, if any, and whether a gripper is closed after it."""
    events, holding = [], []
    closed: set[int] = set()
    for piece in closing:
        grasping = {hand for hand, change in enumerate(piece) if change > ENOUGH}
        opening = {hand for hand, change in enumerate(piece) if change < -ENOUGH} & closed
        closed = (closed - opening) | grasping
        events.append(GRASP if grasping else RELEASE if opening else "")
        holding.append(bool(closed))
    return events, holding


def _without_object(piece: int, events: Sequence[str], grasps: Sequence[int]) -> str:
    """Return the phase of an empty hand: it retracts from what it has released, then approaches the next object."""
    released = piece > 0 and events[piece - 1] == RELEASE
    return RETRACT if piece > grasps[-1] or (released and not events[piece + 1]) else APPROACH


FINGERS = 1.0
"""Seconds that fingers take to close or open at most, where only the command is recorded."""


class GripperOptions(Options):
    gripper: tuple[str, ...] = ()
    """The gripper's dimensions, as `action[6]` or by their names; guessed from the names where not given."""
    closed: Literal["auto", "low", "high"] = "auto"
    """Whether a closed gripper has low or high values; `auto`: low if measured, and for commands by their effect."""
    steady: float = Field(SHORTEST, gt=0, allow_inf_nan=False)
    """Seconds that a motion, a stop or a gripper's level must last to get its own span; more give fewer spans."""


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
        by_feature = {key: dimensions(key, features[key]) for key in self.columns}
        self._sizes = {key: len(of_feature) for key, of_feature in by_feature.items()}
        self._dimensions = [dimension for of_feature in by_feature.values() for dimension in of_feature]
        wanted = self.options.gripper
        self.hands = select(self._dimensions, wanted) if wanted else gripper_dimensions(self._dimensions)
        self._arm = {key: [d for d in of_feature if d not in self.hands] for key, of_feature in by_feature.items()}

    def notes(self) -> Iterator[str]:
        if self.hands:
            yield f"gripper    {', '.join(map(str, self.hands))}"
        else:
            yield (
                "gripper    none found by name: spans are cut by the arm's motion alone; name it with --gripper. There "
                f"are: {', '.join(map(str, self._dimensions))}"
            )

    def provenance(self) -> dict[str, Any]:
        return {"gripper": [str(hand) for hand in self.hands]}

    def segment(self, recording: Recording) -> list[dict[str, Any]]:
        """Return spans named by phase and task, with a gap where nothing moves for long."""
        motion, task = self.motion(recording), recording.episode.task
        pieces = list(pairwise([0, *self._cuts(motion), len(motion.starts)]))
        names = phases([[closing(hand, *piece) for hand in motion.hands] for piece in pieces])
        pauses = [_is_pause(motion, *piece) for piece in pieces]
        return [
            {"name": f"{phase}: {task}", "start": float(motion.times[start]), "end": float(motion.times[stop])}
            for (start, stop), phase, pause in zip(pieces, names, pauses, strict=True)
            if not pause or all(pauses)
        ]

    def change_points(self, recording: Recording) -> list[float]:
        """Return the seconds at which the episode changes, without its two ends."""
        motion = self.motion(recording)
        return [float(motion.times[cut]) for cut in self._cuts(motion)]

    def motion(self, recording: Recording) -> Motion:
        """Return the episode's motion. Raises SampleError for values that are not finite numbers."""
        episode = recording.episode
        frames = frames_per_step(episode.fps)
        starts = list(range(0, len(episode.timestamps), frames))
        times = np.array([*(episode.timestamps[start] for start in starts), episode.timestamps[-1] + 1 / episode.fps])
        values = {key: matrix(recording.columns[key], key, self._sizes[key]) for key in self.columns}
        headings, hands = list(self._headings(values, starts)), list(self._hands(values, starts))
        return Motion(starts, times, frames / episode.fps, headings, hands)

    def _cuts(self, motion: Motion) -> list[int]:
        # Of two pieces, each of length t, at a distance of 1, a cut between them saves t / 2 of squared error.
        penalty = self.options.steady / 2 / motion.step
        cuts = change_points(motion.signal, penalty, motion.times, SHORTEST, motion.turning)
        return sorted({*cuts, *_command_ends(motion, cuts)})

    def _headings(self, values: "dict[str, Array]", starts: list[int]) -> "Iterator[Array]":
        """Yield the heading of the state and of the action, without the gripper, where they move at all."""
        for key, matrix in values.items():
            arm = matrix[:, [d.position for d in self._arm[key]]]
            is_position = key == STATE or self._is_target(values)
            velocity = displacement(arm, starts) if is_position else mean_over(arm, starts)
            if velocity.any():
                yield heading(velocity)

    def _is_target(self, values: "dict[str, Array]") -> bool:
        if STATE not in values:
            return False
        common = pairs(self._arm[STATE], self._arm[ACTION])
        state, action = ([pair[i] for pair in common] for i in range(2))
        return bool(common) and is_target(values[ACTION][:, action], values[STATE][:, state])

    def _hands(self, values: "dict[str, Array]", starts: list[int]) -> Iterator[Hand]:
        """Yield the grippers; a measured and a commanded level are one where there are as many of both."""
        signals = {d: values[d.feature][starts, d.position] for d in self.hands}
        measured, commanded = ([d for d in self.hands if d.feature == key] for key in (STATE, ACTION))
        paired = len(measured) == len(commanded)
        hands = list(zip(measured, commanded, strict=True)) if paired else [(hand,) for hand in self.hands]
        for hand in hands:
            moving = [d for d in hand if moves(signals[d])]
            if moving:
                levels = self._levels([(d, signals[d]) for d in moving])
                stacked = np.stack([open_until_first_closing(level, ENOUGH) for level in levels], axis=1)
                yield Hand(stacked, any(d.feature == STATE for d in moving))

    def _levels(self, signals: "list[tuple[Dimension, Array]]") -> "list[Array]":
        """Return how far closed each signal is, 0 to 1; the direction of a second one follows from the first."""
        levels: list[Array] = []
        for dimension, signal in signals:
            level = (signal - signal.min()) / np.ptp(signal)
            if levels:
                low = float(np.cov(levels[0], level)[0, 1]) < 0
            elif self.options.closed != "auto":
                low = self.options.closed == "low"
            else:
                # A measured value is the opening. A command may be either, but an arm sets out with an open gripper.
                low = dimension.feature == STATE or bool(level[0] >= 0.5)
            levels.append(1.0 - level if low else level)
        return levels


def matrix(column: "pa.ChunkedArray[Any]", name: str, width: int) -> "Array":
    """Return a column of vectors, or of numbers, as n x `width` float64. Raises SampleError for anything else."""
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
    """Return the share of its range by which a gripper closes in a piece, with a command given at its start."""
    return float(hand.closed[stop - 1] - hand.closed[max(start - 1, 0)])


def _command_ends(motion: Motion, cuts: list[int]) -> Iterator[int]:
    """Yield the steps at which fingers with only a recorded command are in position, while the arm moves on."""
    for start, stop in pairwise([*cuts, len(motion.starts)]):
        changed = [hand for hand in motion.hands if abs(closing(hand, start, stop)) > ENOUGH]
        if not changed or any(hand.measured for hand in changed):
            continue
        settled = int(np.searchsorted(motion.times, motion.times[start] + FINGERS - 1e-3))
        continues = settled < stop and motion.times[stop] - motion.times[settled] >= SHORTEST
        if continues and not motion.still(settled, stop):
            yield settled


def _is_pause(motion: Motion, start: int, stop: int) -> bool:
    """Return whether nothing happens for so long that it is a pause."""
    closed = any(abs(closing(hand, start, stop)) > ENOUGH for hand in motion.hands)
    return not closed and motion.times[stop] - motion.times[start] >= LONG_GAP and motion.still(start, stop)
