"""Draw what a robot arm does in an episode: picks and places with hesitations, and grasps that fail and are retried.

A script is a list of moves, each with its name, its skill and whether it belongs to a failed grasp.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import dist, pi, sin
from random import Random

type Point = tuple[float, float, float]

OPEN = 1.0


@dataclass(frozen=True, slots=True)
class Habits:
    """What all episodes of a dataset share; durations in seconds, widths as a share of the gripper's full opening."""

    speed: float
    fingers: float
    binary: bool
    failures: float
    unnoticed: float
    hesitation: float
    objects: tuple[tuple[str, float], ...]
    picks: int
    lift: tuple[float, float]
    curve: float
    """How far a move goes beside the straight line, at most, as a share of its length."""

    @classmethod
    def of(cls, rng: Random, failures: float, binary: bool) -> "Habits":
        names = rng.sample(("cup", "red brick", "can", "sponge", "bottle", "pear", "pen", "book"), rng.randint(2, 5))
        return cls(
            speed=rng.uniform(0.6, 1.6),
            fingers=rng.uniform(0.3, 0.8),
            binary=binary,
            failures=failures,
            unnoticed=rng.choice((0.0, 0.0, 0.2)),
            hesitation=rng.choice((0.0, 0.1, 0.25)),
            objects=tuple(
                (name, rng.uniform(0.03, 0.08) if name == "pen" else rng.uniform(0.1, 0.65)) for name in names
            ),
            picks=rng.randint(1, 3),
            curve=rng.choice((0.0, 0.05, 0.12)),
            lift=(rng.uniform(0.06, 0.12), rng.uniform(0.14, 0.24)),
        )


@dataclass(frozen=True, slots=True)
class Move:
    """A part of a script: from one point to another, with the gripper's command and how far it then opens."""

    name: str
    skill: str
    start: Point
    stop: Point
    seconds: float
    command: float
    width: float
    """What the gripper's opening comes to; wider than its command where it holds an object."""
    failed: bool = False
    bend: Point = (0.0, 0.0, 0.0)
    """How far the middle of its way is beside the straight line."""

    def at(self, part: float) -> Point:
        """Return the place after a part of the way."""
        beside = sin(pi * part)
        x, y, z = (
            a + (b - a) * part + beside * bend for a, b, bend in zip(self.start, self.stop, self.bend, strict=True)
        )
        return x, y, z


class Script:
    """The moves of an arm, as they are added one after another."""

    def __init__(self, rng: Random, habits: Habits, home: Point) -> None:
        self.rng, self.habits, self.place = rng, habits, home
        self.command = self.width = self.opening()
        self.moves: list[Move] = []

    def opening(self) -> float:
        """Return how far the gripper is opened: fully, where a command is one of two values."""
        return OPEN if self.habits.binary else self.rng.uniform(0.8, OPEN)

    def to(self, name: str, skill: str, place: Point, *, failed: bool = False, width: float | None = None) -> None:
        """Move to a place; an object that slips changes the width."""
        self.width = self.width if width is None else width
        seconds = self.rng.uniform(0.7, 2.0) / self.habits.speed
        self._add(name, skill, place, seconds, failed)

    def fingers(self, name: str, skill: str, command: float, width: float, *, failed: bool = False) -> None:
        """Close or open the gripper, with a rest after it."""
        self.command, self.width = command, width
        self._add(name, skill, self.place, self.habits.fingers + self.rng.uniform(0.15, 0.5), failed)

    def wait(self, seconds: float) -> None:
        """Stand still."""
        if seconds > 0:
            self._add("", "", self.place, seconds, failed=False)

    def _add(self, name: str, skill: str, place: Point, seconds: float, failed: bool) -> None:
        by = self.habits.curve * dist(place, self.place)
        bend = (self.rng.uniform(-by, by), self.rng.uniform(-by, by), self.rng.uniform(-by, by))
        self.moves.append(Move(name, skill, self.place, place, seconds, self.command, self.width, failed, bend))
        self.place = place


def script(rng: Random, habits: Habits, home: Point, side: str = "", after: float = 0.0) -> list[Move]:
    """Return the moves of an arm at `home` that starts after some seconds; `side` names it where there are two."""
    arm = Script(rng, habits, home)
    arm.wait(after)
    for thing, width in rng.sample(habits.objects, min(habits.picks, len(habits.objects))):
        x, y = home[0] + rng.uniform(-0.02, 0.16), home[1] + rng.choice((-1, 1)) * rng.uniform(0.06, 0.2)
        goal = (home[0] + rng.uniform(-0.02, 0.16), 2 * home[1] - y + rng.uniform(-0.03, 0.03))
        _pick(arm, thing, width, (x, y), side)
        _put(arm, thing, goal, side)
    arm.to("move back", f"move back{side}", home)
    return [replace(move, name=move.name + side) if move.name else move for move in arm.moves]


def _pick(arm: Script, thing: str, width: float, spot: tuple[float, float], side: str) -> None:
    """Pick up a thing, after failed attempts where the draw says so."""
    rng, habits, skill = arm.rng, arm.habits, f"pick up the {thing}{side}"
    while rng.random() < habits.failures:
        slips, unnoticed = rng.random() < 0.2, rng.random() < habits.unnoticed
        _grasp(arm, thing, skill, _near(rng, spot, 0.02), width=width if slips else 0.0, failed=True)
        if unnoticed:
            arm.to(f"lift the {thing}", skill, (*arm.place[:2], _height(arm)), failed=True, width=0.0)
            return
        _give_up(arm, thing, skill, rng.choice((0.5, 1.0) if slips else (0.0, 0.5, 1.0)))
    _grasp(arm, thing, skill, _near(rng, spot, 0.005), width=width, failed=False)
    arm.to(f"lift the {thing}", skill, (*arm.place[:2], _height(arm)))


def _grasp(arm: Script, thing: str, skill: str, spot: tuple[float, float], *, width: float, failed: bool) -> None:
    high = _height(arm)
    if abs(arm.place[2] - high) > 0.05 or abs(arm.place[0] - spot[0]) + abs(arm.place[1] - spot[1]) > 0.05:
        arm.to(f"move above the {thing}", skill, (*spot, high))
    arm.to(f"lower to the {thing}", skill, (*spot, arm.rng.uniform(0.015, 0.05)))
    arm.fingers(f"grasp the {thing}", skill, 0.0, width, failed=failed)


def _give_up(arm: Script, thing: str, skill: str, lifted: float) -> None:
    """Open the gripper after a failed grasp: at once, or after some lifting, above the spot or lowered again."""
    x, y, low = arm.place
    if lifted:
        high = low + lifted * (_height(arm) - low)
        arm.to(f"lift the {thing}", skill, (x, y, high), failed=True, width=0.0)
        if arm.rng.random() < 0.5:
            arm.to(f"lower to the {thing}", skill, (x, y, low), failed=True)
    opening = arm.opening()
    arm.fingers("open the gripper", skill, opening, opening, failed=True)


def _put(arm: Script, thing: str, goal: tuple[float, float], side: str) -> None:
    """Carry what is held, or the empty hand of a failure that was not noticed, to the goal."""
    skill = f"put down the {thing}{side}"
    failed = arm.moves[-1].failed
    arm.to(f"carry the {thing}", skill, (*goal, _height(arm)), failed=failed)
    arm.to(f"set down the {thing}", skill, (*goal, arm.rng.uniform(0.02, 0.06)), failed=failed)
    opening = arm.opening()
    arm.fingers(f"release the {thing}", skill, opening, opening, failed=failed)
    arm.to("retreat", f"retreat{side}", (*goal, _height(arm)))


def _near(rng: Random, spot: tuple[float, float], by: float) -> tuple[float, float]:
    return spot[0] + rng.uniform(-by, by), spot[1] + rng.uniform(-by, by)


def _height(arm: Script) -> float:
    low, high = arm.habits.lift
    return arm.rng.uniform(0.8 * low + 0.2 * high, high)


def hesitating(moves: list[Move], rng: Random, share: float) -> Iterator[Move]:
    """Yield the moves, some of them with a short stop before it that belongs to the move."""
    for move in moves:
        if move.name and rng.random() < share:
            yield replace(move, stop=move.start, bend=(0.0, 0.0, 0.0), seconds=rng.uniform(0.1, 0.25))
        yield move
