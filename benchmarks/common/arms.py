"""Generate motions that no segmenter was tuned on: pick-and-place by a scripted arm, drawn from a seed.

Each dataset has its own arm, frame rate, speed and sensor noise; each episode has other places and durations. The
true spans are those of the script. There is no camera.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import acos, atan2, hypot, pi
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

PHASES = ("move above", "lower", "grasp", "lift", "carry", "place", "release", "retreat")
JOINTS = ("pan.pos", "lift.pos", "elbow.pos", "wrist.pos", "gripper.pos")
PLACES = ("x.pos", "y.pos", "z.pos", "gripper.pos")
OPENING = {"grasp": 0.0, "release": 1.0}
"""The gripper's target in a phase, reached during the share `FINGERS` of it."""
FINGERS = 0.6
EPISODES = 5
_LINK = 0.35
"""Metres of the upper arm and of the forearm."""

type Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Arm:
    """Properties of all episodes of a dataset; `noise` is a share of a dimension's range."""

    fps: int
    speed: float
    noise: float
    joints: bool
    steps: bool
    smooth: bool

    @classmethod
    def of(cls, seed: int) -> "Arm":
        rng = Random(f"arm {seed}")
        noise = rng.choice((0.0, 0.001, 0.003))
        return cls(rng.choice((10, 15, 30, 50)), rng.uniform(0.6, 1.5), noise, *(rng.random() < 0.5 for _ in range(3)))


def write(root: Path, seed: int) -> Path:
    """Write the dataset of a seed, with its true spans in meta/skills.json."""
    arm = Arm.of(seed)
    generated = [_episode(arm, Random(f"episode {seed} {index}")) for index in range(EPISODES)]
    episodes = {
        str(index): {"episode_index": index, "description": "tidy up", "skills": skills}
        for index, (_, skills) in enumerate(generated)
    }
    names = JOINTS if arm.joints else PLACES
    layout = Layout(fps=arm.fps, cameras=(), names={"observation.state": names, "action": names})
    return write_dataset(root, [recording for recording, _ in generated], layout, skills={"episodes": episodes})


def _episode(arm: Arm, rng: Random) -> tuple[Recording, list[dict[str, Any]]]:
    states, skills, opening = [], [], 1.0
    for name, start, stop, seconds in _script(rng, arm.speed):
        target = OPENING.get(name, opening)
        frames = max(3, round(seconds * arm.fps))
        begin = len(states) / arm.fps
        for frame in range(frames):
            part = frame / frames
            ease = part * part * (3 - 2 * part) if arm.smooth else part
            place = tuple(a + (b - a) * ease for a, b in zip(start, stop, strict=True))
            states.append(
                [
                    *(joint_angles(place) if arm.joints else place),
                    opening + (target - opening) * min(1.0, part / FINGERS),
                ]
            )
        opening = target
        skills.append({"name": name, "start": begin, "end": len(states) / arm.fps})
    return _recording(arm, states, rng), skills


def _script(rng: Random, speed: float) -> Iterator[tuple[str, Point, Point, float]]:
    """Yield the name of each phase, its start and end point, and its seconds."""
    home = (rng.uniform(0.2, 0.3), rng.uniform(-0.1, 0.1), rng.uniform(0.25, 0.35))
    source, goal = (
        (rng.uniform(0.25, 0.45), side * rng.uniform(0.08, 0.25)) for side in rng.choice([(1, -1), (-1, 1)])
    )
    low, high = rng.uniform(0.02, 0.06), rng.uniform(0.14, 0.22)
    points = [home, (*source, high), (*source, low), (*source, low), (*source, high), (*goal, high), (*goal, low)]
    points += [(*goal, low), (*goal, high)]
    for i, name in enumerate(PHASES):
        seconds = rng.uniform(0.5, 1.0) if name in OPENING else rng.uniform(0.7, 2.2) / speed
        yield name, points[i], points[i + 1], seconds


def joint_angles(place: tuple[float, ...]) -> tuple[float, ...]:
    """Return pan, shoulder, elbow and a wrist that points down, in degrees."""
    x, y, z = place
    reach = hypot(x, y)
    far = min(hypot(reach, z), 2 * _LINK - 1e-3)
    elbow = pi - acos(1 - far * far / (2 * _LINK * _LINK))
    shoulder = atan2(z, reach) + elbow / 2
    return tuple(angle * 180 / pi for angle in (atan2(y, x), shoulder, -elbow, elbow - shoulder - pi / 2))


def _recording(arm: Arm, states: list[list[float]], rng: Random) -> Recording:
    """Return noisy states, and actions that are the next positions or the steps towards them."""
    ranges = [max(column) - min(column) for column in zip(*states, strict=True)]
    measured = [[v + rng.gauss(0, arm.noise * r) for v, r in zip(row, ranges, strict=True)] for row in states]
    after = [*states[1:], states[-1]]
    actions = after
    if arm.steps:
        actions = [
            [*(b - a for a, b in zip(now[:-1], then[:-1], strict=True)), then[-1]]
            for now, then in zip(states, after, strict=True)
        ]
    columns = {"observation.state": measured, "action": actions}
    return Recording(length=len(states), draw=_no_image, task="tidy up", columns=columns)


def _no_image(camera: str, frame: int) -> Image.Image:
    raise AssertionError("there is no camera")
