"""Tell the arms of a robot and their grippers apart: by the names of the dimensions, or by how they move.

Names say left and right, gripper, hand or suction. Without such names, a gripper is the dimension that moves quickly
between two levels and rests at one of them most of the time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pgen_segment.motion.columns import ACTION, STATE, Columns, Dimension

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z]+\d*")
_GRIPPER = re.compile(r"\A(?:gripper|grip|finger|fingers|jaw|claw|hand|effector|suction|vacuum|pump|magnet)\d*\Z")
_FINGER = re.compile(r"\A(?:thumb|index|middle|ring|pinky|pinkie|little)\d*\Z")
_POSE = re.compile(r"\A(?:d?[xyz]|r[xyzwp]|q[xyzw]|roll|pitch|yaw|rot\w*|pose|end)\d*\Z")
_NO_POSITION = re.compile(r"\A(?:vel\w*|speed|effort|force|torque|current|temp\w*)\d*\Z")
"""What else is stored of a gripper or an arm besides positions; with `_POSE`, what is no opening of a gripper."""
_HEAD = re.compile(r"\A(?:head|neck|leg|ankle|knee|hip)\d*\Z")
"""Parts of a robot whose motion does not tell its skills apart."""
_SIDES = {
    "left": re.compile(r"\A(?:left|l|lh|larm|leftarm)\d*\Z"),
    "right": re.compile(r"\A(?:right|r|rh|rarm|rightarm)\d*\Z"),
}
_NUMBERED = re.compile(r"\A(?:arm|robot|follower)(\d)\Z")

type Roles = Mapping[str, tuple[int, ...]]
"""The columns of the state's and the action's matrix."""
type Groups = Mapping[str, Sequence[tuple[int, ...]]]
"""The grippers of each role, each with its joints."""


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm: its joints or pose, and those of its grippers, each with the dimensions that are measured or commanded.

    `name` is empty where the robot has one arm.
    """

    name: str
    joints: Roles
    grippers: tuple[Roles, ...] = ()


@dataclass(frozen=True, slots=True)
class Robot:
    """The arms of a robot, and how its grippers were recognized where no name says it."""

    columns: Columns
    arms: tuple[Arm, ...]
    reasons: tuple[str, ...] = field(default=())

    @property
    def grippers(self) -> list[Dimension]:
        """The dimensions of all grippers: those of the state first."""
        every = [gripper for arm in self.arms for gripper in arm.grippers]
        return [self.columns.dimensions[role][i] for role in (STATE, ACTION) for g in every for i in g.get(role, ())]


def words(name: str) -> list[str]:
    """Return the words of a name in lower case, however they are joined."""
    return _WORD.findall(_CAMEL.sub(" ", name).lower())


def is_gripper(name: str) -> bool:
    """Return whether a name says gripper, finger, hand or suction cup, and not its pose, speed or force."""
    parts = words(name)
    if any(map(_NO_POSITION.match, parts)):
        return False
    if any(map(_FINGER.match, parts)):
        return True
    return any(map(_GRIPPER.match, parts)) and not any(map(_POSE.match, parts))


def side(name: str) -> str:
    """Return `left`, `right` or `arm 0` as a name says it, or nothing."""
    for part in words(name):
        for text, pattern in _SIDES.items():
            if pattern.match(part):
                return text
        if numbered := _NUMBERED.match(part):
            return f"arm {numbered[1]}"
    return ""


def named_grippers(columns: Columns) -> Groups:
    """Return the positions of the dimensions of each role whose names say gripper: the joints of a hand together."""
    return {
        role: grouped(declared, [i for i, dimension in enumerate(declared) if is_gripper(dimension.name)])
        for role, declared in columns.dimensions.items()
    }


def grouped(declared: Sequence[Dimension], positions: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the joints of each hand as one group, and each other gripper as one of its own."""
    hands: dict[str | int, list[int]] = {}
    for i in positions:
        hands.setdefault(f"hand {side(declared[i].name)}" if _is_joint(declared[i].name) else i, []).append(i)
    return [tuple(hand) for hand in hands.values()]


def arms(columns: Columns, grippers: Groups) -> tuple[Arm, ...]:
    """Return the arms of a robot, given its grippers: by names, or by blocks of equal size.

    Dimensions without a side, such as a waist, move as an arm of their own.
    """
    sides = _all_sides(columns, grippers)
    names = sorted({name for of_role in sides.values() for name in of_role})
    every = (_arm(columns, name, sides, grippers) for name in names)
    return tuple(arm for arm in every if arm.joints or arm.grippers)


def _arm(columns: Columns, name: str, sides: Mapping[str, list[str]], grippers: Groups) -> Arm:
    hands = {role: [hand for hand in grippers.get(role, ()) if of[hand[0]] == name] for role, of in sides.items()}
    joints = {}
    for role, of_role in sides.items():
        closing = {i for hand in grippers.get(role, ()) for i in hand}
        own = [i for i, of in enumerate(of_role) if of == name and i not in closing]
        joints[role] = tuple(_moving(columns.dimensions[role], own))
    return Arm(name, {role: of for role, of in joints.items() if of}, tuple(_paired(hands)))


def _moving(declared: Sequence[Dimension], positions: Sequence[int]) -> Iterator[int]:
    """Yield those whose names say neither a head or a leg nor, in a state with positions, a speed or force."""
    parts = {i: words(declared[i].name) for i in positions}
    body = [i for i, of in parts.items() if not any(map(_HEAD.match, of))]
    places = [i for i in body if not any(map(_NO_POSITION.match, parts[i]))]
    yield from places or body


def _paired(hands: Mapping[str, Sequence[tuple[int, ...]]]) -> Iterator[Roles]:
    """Yield the grippers of an arm: a measured and a commanded one are one where there are as many of both."""
    state, action = hands.get(STATE, []), hands.get(ACTION, [])
    if len(state) == len(action):
        yield from ({STATE: s, ACTION: a} for s, a in zip(state, action, strict=True))
    else:
        yield from ({role: hand} for role, of in hands.items() for hand in of)


def _is_joint(name: str) -> bool:
    return any(_FINGER.match(part) or part.startswith(("hand", "finger")) for part in words(name))


def _all_sides(columns: Columns, grippers: Groups) -> dict[str, list[str]]:
    """Return the arm of each dimension of each role; empty names where there is one arm."""
    by_name = {role: _sides(of, grippers.get(role, ())) for role, of in columns.dimensions.items()}
    sizes = {len(of) for of in by_name.values()}
    named = [of for of in by_name.values() if any(of)]
    if named and len(sizes) == 1:
        return {role: of if any(of) else named[0] for role, of in by_name.items()}
    if named:
        return by_name
    by_block = {role: _blocks(len(of), grippers.get(role, ())) for role, of in columns.dimensions.items()}
    blocks = [of for of in by_block.values() if any(of)]
    if blocks and len(sizes) == 1:
        return dict.fromkeys(by_block, blocks[0])
    return by_block if len(blocks) == len(by_block) else by_name


def _sides(declared: Sequence[Dimension], hands: Sequence[tuple[int, ...]]) -> list[str]:
    """Return the side of each dimension; none unless two sides have joints: the fingers of a gripper have sides too."""
    sides = [side(dimension.name) for dimension in declared]
    closing = {i for hand in hands for i in hand}
    with_joints = {name for i, name in enumerate(sides) if name and i not in closing}
    return sides if len(with_joints) > 1 else [""] * len(sides)


def _blocks(size: int, hands: Sequence[tuple[int, ...]]) -> list[str]:
    """Return the arm of each dimension where two grippers end or begin blocks of equal size."""
    half, nothing = size // 2, [""] * size
    if size % 2 or len(hands) != 2 or len(hands[0]) != len(hands[1]):
        return nothing
    first, second = sorted(hands)
    ends = second[-1] == size - 1 or first[0] == 0
    if not ends or any(b - a != half for a, b in zip(first, second, strict=True)):
        return nothing
    return [f"arm {1 + i // half}" for i in range(size)]
