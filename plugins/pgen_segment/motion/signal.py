"""The motion of a dataset's robot as a signal to segment by: `usable_signal` returns it, or why there is none.

What does not depend on an episode is found out once, from a survey of some episodes: the columns of state and action,
the arms, their grippers, and how far these close.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from pgen.components import Options, Recording, Source
from pgen.errors import SampleError
from pgen_lerobot.format import Dataset
from pgen_lerobot.read import LeRobotSource
from pgen_segment import reading
from pgen_segment.motion.arm_motion import Motion
from pgen_segment.motion.arms import Groups, Robot, arms, grouped, named_grippers
from pgen_segment.motion.columns import Columns, motion_columns, numeric, select, with_modality
from pgen_segment.motion.episode_motion import MotionReader
from pgen_segment.motion.grasps import FailureLimits, failed_grasps, grasps, without_parking
from pgen_segment.motion.spans import MotionSpan, pieces, spans
from pgen_segment.motion.two_levels import grippers_by_level, together
from pgen_segment.normalize import SHORTEST

if TYPE_CHECKING:
    from pgen_segment.motion.columns import Values

SURVEYED = 40
"""Episodes of the survey at most."""


class MotionOptions(Options):
    gripper: tuple[str, ...] = ()
    """The gripper's dimensions, as `action[6]` or by their names; guessed where not given."""
    closed: Literal["auto", "low", "high"] = "auto"
    """Whether a closed gripper has low or high values; `auto`: by names, widths of objects and effects."""
    steady: float = Field(SHORTEST, gt=0, allow_inf_nan=False)
    """Seconds that a motion, a stop or a gripper's level must last to get its own span; more give fewer spans."""
    state: tuple[str, ...] = ()
    """The columns of the robot's state; guessed from their names where not given."""
    action: tuple[str, ...] = ()
    """The columns of the robot's action; guessed from their names where not given."""


@dataclass(frozen=True, slots=True)
class Signal:
    """The motion of one dataset: what divides its episodes into spans."""

    reader: MotionReader
    steady: float
    limits: Mapping[str, FailureLimits]
    """What tells a failed grasp, by gripper."""
    moves: bool
    """Whether anything moves in the episodes of the survey."""

    @property
    def columns(self) -> list[str]:
        """The columns of the data that it reads."""
        return self.robot.columns.features

    @property
    def robot(self) -> Robot:
        """The arms and their grippers."""
        return self.reader.robot

    def motions(self, recording: Recording) -> list[Motion]:
        """Return the motion of each arm. Raises SampleError for values that are not finite numbers."""
        episode = recording.episode
        values = self.robot.columns.read(recording.columns)
        return [without_parking(motion) for motion in self.reader.read(values, episode.timestamps, episode.fps)]

    def spans(self, recording: Recording) -> list[MotionSpan]:
        """Return the spans of an episode: without gaps, in order, with their phases and failures."""
        motions = self.motions(recording)
        failed = [steps for motion in motions for steps in failed_grasps(motion, self.limits)]
        return spans(motions, self.steady, failed)

    def change_points(self, recording: Recording) -> list[float]:
        """Return the seconds at which the episode changes, without its two ends."""
        motions = self.motions(recording)
        return [float(motions[0].times[start]) for start, _ in pieces(motions, self.steady)[1:]]

    def notes(self) -> Iterator[str]:
        """Yield which dimensions are the grippers, and how that was recognized."""
        robot = self.robot
        several = len(robot.arms) > 1
        for arm in robot.arms:
            hands = [(role, of) for roles in arm.grippers for role, of in roles.items()]
            if hands:
                listed = ", ".join(robot.columns.listed(role, of) for role, of in hands)
                yield f"gripper    {arm.name + ': ' if several else ''}{listed}"
        yield from (f"gripper    {reason}" for reason in robot.reasons)
        if several:
            yield f"arms       {', '.join(arm.name or 'the rest of the robot' for arm in robot.arms)}"
        if not robot.grippers:
            yield (
                "gripper    none found by name or motion: spans are cut by the arm's motion alone; name it with "
                f"--gripper. There are: {robot.columns}"
            )


def usable_signal(source: Source, options: MotionOptions | None = None) -> Signal | str:
    """Return the motion signal of an open source, or the reason why it has none that can be used.

    Raises ConfigError for an option that names no column or dimension of the dataset.
    """
    signal = motion_signal(source, options or MotionOptions())
    if isinstance(signal, str) or signal.moves:
        return signal
    return f"{reading.dataset_of(source).root}: nothing moves in the columns {', '.join(signal.columns)}."


def motion_signal(source: Source, options: MotionOptions) -> Signal | str:
    """Do the same for a dataset in which nothing may move."""
    dataset = reading.dataset_of(source)
    columns = motion_columns(dataset.features, options.state, options.action)
    if not columns.dimensions:
        return (
            f"{dataset.root / 'meta/info.json'} has no column of a robot's state or action, such as observation.state "
            "or action; name one with --opt segmenter.state=COLUMN or segmenter.action=COLUMN. The columns with "
            f"numbers are: {numeric(dataset.features)}."
        )
    episodes, fps = list(_survey(source, columns)), float(dataset.fps)
    robot = _robot(dataset, columns, options, episodes, fps)
    moves = any(np.ptp(values, axis=0).any() for episode in episodes for values in episode.values() if len(values))
    reader = MotionReader.of(robot, episodes, fps, options.closed)
    surveyed = [
        grasp
        for values in episodes
        for motion in reader.read(values, _times(values, fps), fps)
        for grasp in grasps(without_parking(motion))
    ]
    limits = FailureLimits.of_each(surveyed)
    return Signal(reader, options.steady, limits, moves)


def _times(values: "Values", fps: float) -> list[float]:
    return [frame / fps for frame in range(len(next(iter(values.values()))))]


def _survey(source: Source, columns: Columns) -> "Iterator[Values]":
    """Yield the values of some episodes; those that cannot be read fail later, on their own."""
    assert isinstance(source, LeRobotSource)
    reading.check(source, columns.features)
    for table in reading.sample(source, columns.features, SURVEYED):
        try:
            values = columns.read(table)
        except SampleError:
            continue
        if all(map(len, values.values())):
            yield values


def _robot(
    dataset: Dataset, columns: Columns, options: MotionOptions, episodes: "Sequence[Values]", fps: float
) -> Robot:
    """Return the arms and grippers: as the user lists them, by name, or by their levels."""
    grippers: Groups
    reasons: list[str] = []
    if options.gripper:
        wanted = set(select(columns, options.gripper))
        listed = {role: [i for i, d in enumerate(of) if d in wanted] for role, of in columns.dimensions.items()}
        grippers = {role: _listed_hands(columns, role, of, episodes) for role, of in listed.items()}
    else:
        grippers = named_grippers(columns)
        if not any(grippers.values()):
            named = with_modality(columns, dataset.root / "meta/modality.json")
            columns, grippers = named, named_grippers(named)
        if not any(grippers.values()) and episodes:
            grippers, reasons = grippers_by_level(episodes, fps, columns)
    return Robot(columns, arms(columns, grippers), tuple(reasons))


def _listed_hands(
    columns: Columns, role: str, positions: Sequence[int], episodes: "Sequence[Values]"
) -> list[tuple[int, ...]]:
    """Return the listed dimensions as grippers: the joints of a hand together, by their names or their motion."""
    by_name = grouped(columns.dimensions[role], positions)
    separate = all(len(hand) == 1 for hand in by_name)
    return together([episode[role] for episode in episodes], positions) if separate and episodes else by_name
