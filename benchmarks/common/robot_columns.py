"""The columns of a generated robot: its state and action, named and scaled as robots of its kind have them."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.robots import Robot

type Rows = list[list[float]]
type Track = tuple[Rows, Rows]
"""The places of an arm, and its gripper's opening and command, in each frame."""

_JOINTS, _PLACES = ("shoulder_pan", "shoulder_lift", "elbow", "wrist"), ("x", "y", "z")
_FINGERS = ("thumb_rotation", "thumb", "index", "middle", "ring", "pinky")
_BENDS = (0.5, -1.3, 1.5, 1.7, 1.6, 1.4)
"""Radians by which each joint of a hand closes."""


def columns(robot: "Robot", arms: Sequence[Track], rng: Random) -> Mapping[str, Any]:
    """Return the columns of an episode of some arms, of equally many frames."""
    states, actions = [], []
    for places, hands in arms:
        after = [*places[1:], places[-1]]
        steps = [[b - a for a, b in zip(*pair, strict=True)] for pair in zip(places, after, strict=True)]
        states.append((places, [_measured(robot, width) for width, _ in hands]))
        actions.append((steps if robot.steps else after, [_commanded(robot, command) for _, command in hands]))
    state, action = _noisy(_joined(states), robot.noise, rng), _joined(actions)
    if robot.kind == "openpi":
        return {"state": state, "actions": action}
    if robot.kind != "one column per joint":
        return {"observation.state": state, "action": action}
    parts = {"observation.state": (state, dimension_names(robot)[0]), "action": (action, dimension_names(robot)[1])}
    return {
        f"{role}.{name}": [row[i] for row in rows]
        for role, (rows, names) in parts.items()
        for i, name in enumerate(names)
    }


def names(robot: "Robot") -> dict[str, Sequence[str]]:
    """Return the names of the dimensions of each feature, where the kind has any."""
    if robot.kind in ("openpi", "unnamed gripper", "one column per joint"):
        return {}
    state, action = dimension_names(robot)
    return {"observation.state": state, "action": action}


def dimension_names(robot: "Robot") -> tuple[list[str], list[str]]:
    """Return the names of the state's dimensions and of the action's."""
    state, action = [], []
    for side in robot.sides:
        prefix = f"{side}_" if side else ""
        arm = [f"{prefix}{name}" for name in (_JOINTS if robot.joints else _PLACES)]
        hand = {"hand": _FINGERS, "suction": ("suction",)}.get(robot.kind, ("gripper",))
        state += arm + [f"{prefix}{name}" for name in hand if robot.measured]
        action += arm + [f"{prefix}{name}" for name in hand]
    return state, action


def _measured(robot: "Robot", width: float) -> list[float]:
    """Return the state of a gripper, or of the joints of a hand."""
    if not robot.measured:
        return []
    return [bend * (1 - width) for bend in _BENDS] if robot.kind == "hand" else [_scaled(robot, width)]


def _commanded(robot: "Robot", command: float) -> list[float]:
    """Return the command: the opening to reach, or two values."""
    if robot.kind == "hand":
        return [bend * (1 - command) for bend in _BENDS] if not robot.binary else [1.5 if command < 0.5 else -1.5] * 6
    if robot.kind == "suction":
        return [float(command < 0.5)]
    return [1.0 if command > 0.5 else -1.0] if robot.binary else [_scaled(robot, command)]


def _scaled(robot: "Robot", width: float) -> float:
    return robot.scale * (1 - width if robot.inverted else width)


def _joined(arms: Sequence[Track]) -> Rows:
    """Return the dimensions of all arms side by side, each gripper's after those of its arm."""
    return [
        [value for part in parts for value in part]
        for parts in zip(*(rows for arm in arms for rows in arm), strict=True)
    ]


def _noisy(rows: Rows, noise: float, rng: Random) -> Rows:
    ranges = [max(column) - min(column) for column in zip(*rows, strict=True)]
    return [[v + rng.gauss(0, noise * r) for v, r in zip(row, ranges, strict=True)] for row in rows]
