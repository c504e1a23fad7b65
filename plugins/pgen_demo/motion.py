"""The motion of the gripper and the brick in an episode: a pick and place that follows its skill spans.

Lengths are in units of about 30 cm: x to the right, y away from the front camera, z up from the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

type Point = tuple[float, float, float]

HOME: Point = (0.0, 0.50, 0.46)
BOX: Point = (0.46, 0.42, 0.0)
BOX_SIZE: Point = (0.50, 0.44, 0.24)
BRICK_SIZE: Point = (0.26, 0.15, 0.11)
OPEN, CLOSED = 0.40, BRICK_SIZE[0]
GRASP = 0.07
"""The height of the fingertips above the table at the grasp."""
CARRY = 0.38


@dataclass(frozen=True, slots=True)
class State:
    """The centre of the fingertips, the gap between the fingers, and the centre of the brick's underside.

    `held`: the brick is between the fingers, so that one of them is behind it and one in front.
    """

    gripper: Point
    opening: float
    brick: Point
    held: bool = False


def state_at(time: float, spans: Sequence[tuple[float, float]], brick: Point) -> State:
    """Return the state at a time; the five spans are approach, pick up, carry, release and retract."""
    phase = next((i for i, (_, end) in enumerate(spans) if time < end), len(spans) - 1)
    start, end = spans[phase]
    part = min(max((time - start) / (end - start), 0.0), 1.0)
    return (_approach, _pick, _carry, _release, _retract)[phase](part, brick)


def _approach(part: float, brick: Point) -> State:
    above = (brick[0], brick[1], brick[2] + CARRY)
    gripper = _path(part, (HOME, above, _grasp(brick)))
    return State(gripper, OPEN, brick)


def _pick(part: float, brick: Point) -> State:
    opening = _mix(OPEN, CLOSED, _ease(part / 0.45))
    gripper = _move(_grasp(brick), (brick[0], brick[1], CARRY), _ease((part - 0.5) / 0.5))
    return _holding(gripper, opening)


def _carry(part: float, brick: Point) -> State:
    return _holding(_move((brick[0], brick[1], CARRY), (BOX[0], BOX[1], CARRY), _ease(part)), CLOSED)


def _release(part: float, brick: Point) -> State:
    low = (BOX[0], BOX[1], BOX_SIZE[2] + 0.06)
    gripper = _move((BOX[0], BOX[1], CARRY), low, _ease(part / 0.45))
    if part < 0.5:
        return _holding(gripper, CLOSED)
    fall = min(((part - 0.55) / 0.2) ** 2, 1.0) if part > 0.55 else 0.0
    held = _holding(gripper, CLOSED).brick
    opening = _mix(CLOSED, OPEN, _ease((part - 0.5) / 0.3))
    height = _mix(held[2], 0.012, fall)
    return State(gripper, opening, (held[0], held[1], height), held=height > BOX_SIZE[2] * 0.8)


def _retract(part: float, brick: Point) -> State:
    low = (BOX[0], BOX[1], BOX_SIZE[2] + 0.06)
    gripper = _path(min(part * 1.4, 1.0), (low, (BOX[0], BOX[1], CARRY), HOME))
    return State(gripper, OPEN, (BOX[0], BOX[1], 0.012))


def _grasp(brick: Point) -> Point:
    return brick[0], brick[1], brick[2] + GRASP


def _holding(gripper: Point, opening: float) -> State:
    return State(gripper, opening, (gripper[0], gripper[1], gripper[2] - GRASP), held=True)


def _path(part: float, points: tuple[Point, Point, Point]) -> Point:
    """Return a point on a smooth path past three points, which rounds the middle one."""
    first, middle, last = points
    part = _ease(part)
    return _move(_move(first, middle, part), _move(middle, last, part), part)


def _ease(part: float) -> float:
    part = min(max(part, 0.0), 1.0)
    return part * part * (3 - 2 * part)


def _mix(a: float, b: float, part: float) -> float:
    return a + (b - a) * part


def _move(a: Point, b: Point, part: float) -> Point:
    return _mix(a[0], b[0], part), _mix(a[1], b[1], part), _mix(a[2], b[2], part)
