"""The motion of a gripper and the objects that it moves, from a list of moves with skill names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from common.tabletop import Frame
from pgen_demo.motion import Point

MOVE_SECONDS = (0.7, 1.4)
GRIP_SECONDS = (0.4, 0.8)
"""The shortest and the longest duration of a move of the arm, and of the gripper alone."""


@dataclass(frozen=True, slots=True)
class Move:
    """A move to a position of the fingertips and a gap between the fingers; None leaves it as it is.

    `held` names the object that moves along. A move without a `skill` belongs to the span of the move before it.
    """

    skill: str | None
    gripper: Point | None = None
    opening: float | None = None
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """The task of an episode and its moves."""

    task: str
    moves: tuple[Move, ...]


def record(
    script: Script, start: Frame, sizes: Mapping[str, Point], fps: int, rng: Random
) -> tuple[list[Frame], list[dict[str, Any]]]:
    """Return the frames of an episode, and its spans as skills.json has them."""
    frames: list[Frame] = []
    skills: list[dict[str, Any]] = []
    last = start
    for move in script.moves:
        begin = len(frames)
        seconds = rng.uniform(*(GRIP_SECONDS if move.gripper is None else MOVE_SECONDS))
        frames += _performed(move, last, sizes, max(3, round(seconds * fps)))
        last = frames[-1]
        if move.skill is not None:
            skills.append({"name": move.skill, "start": begin / fps})
        skills[-1]["end"] = len(frames) / fps
    return frames, skills


def _performed(move: Move, last: Frame, sizes: Mapping[str, Point], length: int) -> Iterator[Frame]:
    """Yield the frames of a move, which reaches its target at the last one."""
    gripper = move.gripper or last.gripper
    opening = last.opening if move.opening is None else move.opening
    for number in range(1, length + 1):
        part = number / length
        part = part * part * (3 - 2 * part)
        x, y, z = (a + (b - a) * part for a, b in zip(last.gripper, gripper, strict=True))
        gap = last.opening + (opening - last.opening) * part
        frame = replace(last, gripper=(x, y, z), opening=gap, held=move.held)
        if move.held is not None:
            underside = z - sizes[move.held][2] / 2
            frame = replace(frame, places={**last.places, move.held: (x, y, underside)})
        yield frame
