"""From the values of an episode to the motion of each arm: its headings, its places and its grippers' levels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pgen_segment.motion.arm_motion import (
    Hand,
    Motion,
    displacement,
    is_target,
    mean_over,
    open_until_first_closing,
    pairs,
    scaled,
    usual_speed,
)
from pgen_segment.motion.arms import Arm, Robot
from pgen_segment.motion.columns import ACTION, STATE
from pgen_segment.motion.directions import Closed, low_when_closed
from pgen_segment.motion.levels import ENOUGH, MOVING, Opening, frames_per_step, opening

if TYPE_CHECKING:
    from pgen_segment.motion.columns import Array, Values


@dataclass(frozen=True, slots=True)
class Gripper:
    """A gripper of an arm: its opening in each role, and whether it is low where the gripper is closed."""

    openings: Mapping[str, Opening]
    low_when_closed: Mapping[str, bool]

    @property
    def measured(self) -> bool:
        """Whether its state is recorded, beside or instead of its command."""
        return STATE in self.openings and self.openings[STATE].moves


@dataclass(frozen=True, slots=True)
class MotionReader:
    """Reads the motion of each arm of a robot from an episode's values."""

    robot: Robot
    grippers: Mapping[str, tuple[Gripper, ...]]
    """Those of each arm, by its name, which move at all in the episodes of the survey."""

    @classmethod
    def of(cls, robot: Robot, episodes: "Sequence[Values]", fps: float, closed: Closed) -> "MotionReader":
        """Return the reader for a robot that moves in some episodes."""
        grippers = {arm.name: tuple(_grippers(robot, arm, episodes, fps, closed)) for arm in robot.arms}
        return cls(robot, grippers)

    def read(self, values: "Values", timestamps: Sequence[float], fps: float) -> list[Motion]:
        """Return the motion of each arm in an episode."""
        frames = frames_per_step(fps)
        starts = list(range(0, len(timestamps), frames))
        times = np.array([*(timestamps[start] for start in starts), timestamps[-1] + 1 / fps])
        velocities = self._velocities(values, starts)
        # The speed of the arm that moves most: the noise of an arm that stands still is no motion.
        usual = {role: max(map(usual_speed, of.values()), default=0.0) for role, of in velocities.items()}
        motions = []
        for arm in self.robot.arms:
            moving = [(of[arm.name], usual[role]) for role, of in velocities.items() if arm.name in of]
            in_usual = [velocity / speed for velocity, speed in moving if velocity.any()]
            hands = list(self._hands(arm, values, starts))
            places = self._places(arm, values, starts)
            motions.append(Motion(arm.name, starts, times, frames / fps, places, in_usual, hands))
        return motions

    def _velocities(self, values: "Values", starts: list[int]) -> "dict[str, dict[str, Array]]":
        """Return the velocity of each arm, by role: of positions, how far they move in a step."""
        velocities: dict[str, dict[str, Array]] = {}
        for role, matrix in values.items():
            of_arms = {arm.name: matrix[:, list(arm.joints[role])] for arm in self.robot.arms if role in arm.joints}
            if role == STATE or self._is_target(values):
                widest = max((float(np.ptp(of, axis=0).max(initial=0.0)) for of in of_arms.values()), default=0.0)
                velocities[role] = {name: displacement(scaled(of, widest), starts) for name, of in of_arms.items()}
            else:
                velocities[role] = {name: mean_over(of, starts) for name, of in of_arms.items()}
        return velocities

    def _is_target(self, values: "Values") -> bool:
        """Return whether the action has positions to reach, as far as the joints of the arms have both."""
        if len(values) < 2:
            return False
        joints = {role: [i for arm in self.robot.arms for i in arm.joints.get(role, ())] for role in (STATE, ACTION)}
        declared = self.robot.columns.dimensions
        common = pairs(*([declared[role][i] for i in joints[role]] for role in (STATE, ACTION)))
        state, action = ([joints[role][pair[n]] for pair in common] for n, role in enumerate((STATE, ACTION)))
        return bool(common) and is_target(values[ACTION][:, action], values[STATE][:, state])

    def _places(self, arm: Arm, values: "Values", starts: list[int]) -> "Array":
        """Return where an arm is: its state, the positions that it is to reach, or the sum of its steps."""
        if STATE in arm.joints:
            return scaled(values[STATE][:, list(arm.joints[STATE])])[starts]
        if ACTION not in arm.joints:
            return np.zeros((len(starts), 0))
        steps = values[ACTION][:, list(arm.joints[ACTION])]
        return scaled(np.cumsum(steps, axis=0))[starts]

    def _hands(self, arm: Arm, values: "Values", starts: list[int]) -> Iterator[Hand]:
        """Yield the grippers of an arm that move in this episode."""
        for number, gripper in enumerate(self.grippers[arm.name]):
            levels, measured, opening = [], False, None
            for role, of in gripper.openings.items():
                signal = of.of(values[role])[starts]
                closing = 1.0 - signal if gripper.low_when_closed[role] else signal
                if np.ptp(signal) > MOVING:
                    levels.append(open_until_first_closing((closing - closing.min()) / np.ptp(closing), ENOUGH))
                    measured, opening = measured or role == STATE, closing if role == STATE else opening
            if levels:
                yield Hand(np.stack(levels, axis=1), measured, f"{arm.name} {number}", opening)


def _grippers(robot: Robot, arm: Arm, episodes: "Sequence[Values]", fps: float, closed: Closed) -> Iterator[Gripper]:
    for roles in arm.grippers:
        openings = {role: opening([e[role] for e in episodes], of) for role, of in roles.items()}
        if ACTION in openings and STATE in openings and not openings[ACTION].moves:
            continue  # what is measured of a gripper without a command is its play, or its way to the first pose
        used = {role: of for role, of in openings.items() if of.moves}
        if used:
            yield Gripper(used, low_when_closed(robot, used, episodes, fps, closed))
