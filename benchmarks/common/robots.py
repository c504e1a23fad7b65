"""Generate datasets of many kinds of robots, with their true spans at two levels and their true failed grasps.

Each dataset has its own arm, frame rate, speed, noise and habits, drawn from wide ranges by a seed; each episode has
other places, objects and durations. Seeds below `REPORTED` are for tuning; figures are reported on the others.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from common.arms import joint_angles
from common.robot_columns import columns, names
from common.robot_scripts import Habits, Move, hesitating, script
from common.robot_truth import Span, levels
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

KINDS = ("one arm", "two arms", "hand", "suction", "unnamed gripper", "one column per joint", "openpi")
EPISODES = 8
REPORTED = 1000
CAMERA = "observation.images.top"
type Truth = list[list[Span]]
"""The spans of each episode: name, start, end."""


@dataclass(frozen=True, slots=True)
class Robot:
    """Properties of all episodes of a dataset; `noise` is a share of a dimension's range."""

    kind: str
    fps: int
    noise: float
    joints: bool
    steps: bool
    smooth: bool
    binary: bool
    measured: bool
    scale: float
    inverted: bool
    """Whether a closed gripper has high values."""
    homes: tuple[tuple[float, float, float], ...]
    habits: Habits

    @classmethod
    def of(cls, seed: int, kind: str, failures: float) -> "Robot":
        rng = Random(f"robot {seed} {kind}")
        height = rng.uniform(0.25, 0.35)
        sides = (rng.uniform(0.25, 0.35), -rng.uniform(0.25, 0.35)) if kind == "two arms" else (0.0,)
        binary = kind == "suction" or rng.random() < 0.4
        return cls(
            kind=kind,
            fps=rng.choice((10, 15, 20, 30, 50)),
            noise=rng.choice((0.0, 0.001, 0.003, 0.005)),
            joints=rng.random() < 0.5,
            steps=rng.random() < 0.4,
            smooth=rng.random() < 0.6,
            binary=binary,
            measured=kind != "suction" and (kind == "hand" or rng.random() < 0.8),
            scale=rng.choice((1.0, 0.04, 0.085, 100.0)),
            inverted=Random(f"inverted {seed} {kind}").random() < 0.25,
            homes=tuple((rng.uniform(0.22, 0.3), side, height) for side in sides),
            habits=Habits.of(rng, failures, binary),
        )

    @property
    def sides(self) -> tuple[str, ...]:
        return ("left", "right") if len(self.homes) > 1 else ("",)


def write(
    root: Path, seed: int, kind: str, failures: float = 0.0, *, camera: bool = False, episodes: int = EPISODES
) -> Path:
    """Write the dataset of a seed: its true spans in meta/skills.json, and all of the truth in truth.json.

    `failures` is the share of grasps that fail. With `camera`, it has images, on which little is to be seen.
    """
    robot = Robot.of(seed, kind, failures)
    drawn = [_episode(robot, Random(f"episode {seed} {kind} {index}")) for index in range(episodes)]
    truth = {level: [of_episode[level] for _, of_episode in drawn] for level in ("motion", "skill", "failed")}
    skills = {
        str(index): {"episode_index": index, "description": "tidy up", "skills": list(map(_skill, spans))}
        for index, spans in enumerate(truth["motion"])
    }
    cameras = (CAMERA,) if camera else ()
    layout = Layout(fps=robot.fps, cameras=cameras, names=names(robot), codec="png")
    write_dataset(root, [recording for recording, _ in drawn], layout, skills={"episodes": skills})
    (root / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    return root


def read_truth(root: Path) -> dict[str, Truth]:
    """Return the true spans of a dataset at the levels `motion` and `skill`, and its failed grasps as `failed`.

    A span of `motion` has the skill that it belongs to.
    """
    truth: dict[str, Truth] = json.loads((root / "truth.json").read_text(encoding="utf-8"))
    return truth


def _episode(robot: Robot, rng: Random) -> tuple[Recording, dict[str, list[Span]]]:
    together = rng.random() < 0.5
    rendered: list[tuple[list[list[float]], list[list[float]], list[Span]]] = []
    after = 0.0
    for side, home in zip(robot.sides, robot.homes, strict=True):
        moves = script(rng, robot.habits, home, f" with the {side} arm" if side else "", after)
        rendered.append(_render(robot, list(hesitating(moves, rng, robot.habits.hesitation)), home))
        # The second arm starts after the first, or while that still moves.
        after = rng.uniform(0.3, 3.0) if together else len(rendered[-1][0]) / robot.fps + rng.uniform(-1.0, 1.0)
    length = max(len(places) for places, _, _ in rendered)
    arms = [(_padded(places, length), _padded(hands, length)) for places, hands, _ in rendered]
    recording = Recording(length=length, draw=_draw, task="tidy up", columns=columns(robot, arms, rng))
    return recording, levels([span for _, _, spans in rendered for span in spans], length / robot.fps)


def _render(
    robot: Robot, moves: Sequence[Move], home: tuple[float, float, float]
) -> tuple[list[list[float]], list[list[float]], list[Span]]:
    """Return the places, the gripper's opening and command in each frame, and the spans of an arm."""
    places: list[list[float]] = []
    hands: list[list[float]] = []
    spans: list[Span] = []
    width = moves[0].width
    for move in moves:
        frames = max(2, round(move.seconds * robot.fps))
        begin, before = len(places), width
        shut = max(1, round(robot.habits.fingers * robot.fps))
        for frame in range(frames):
            part = frame / frames
            ease = part * part * (3 - 2 * part) if robot.smooth else part
            place = list(move.at(ease))
            width = before + (move.width - before) * min(1.0, frame / shut)
            places.append(list(joint_angles((place[0], place[1] - home[1], place[2]))) if robot.joints else place)
            hands.append([width, move.command])
        width = move.width
        span = {"name": move.name, "skill": move.skill, "failed": move.failed}
        spans.append({**span, "start": begin / robot.fps, "end": len(places) / robot.fps})
    return places, hands, spans


def _skill(span: Span) -> dict[str, Any]:
    """Return a span as meta/skills.json has it."""
    return {key: span[key] for key in ("name", "start", "end")} | ({"failed": True} if span["failed"] else {})


def _padded(rows: list[list[float]], length: int) -> list[list[float]]:
    return rows + [rows[-1]] * (length - len(rows))


def _draw(camera: str, frame: int) -> Image.Image:
    return Image.new("RGB", (64, 48), (frame % 256, 80, 120))
