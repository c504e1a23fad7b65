"""Small datasets of an arm that moves in phases, with or without a camera."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from parsed_page import invoked
from PIL import Image

from pgen.components import Recording as Read
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.read import LeRobotSource
from pgen_segment.motion.segmenter import Gripper
from pgen_segment.reading import recordings

FPS = 10
TASK = "put the cup on the shelf"
NAMES = ("x", "y", "z", "gripper.pos")
STILL, UP, DOWN, ACROSS = (0, 0, 0), (0, 0, 1), (0, 0, -1), (1, 0, 0)


@dataclass(frozen=True)
class Phase:
    """Motion in one direction for some seconds; `opening` is the gripper's command at its start, 1 is open."""

    seconds: float
    direction: tuple[float, float, float] = STILL
    opening: float | None = None


PICK = (
    Phase(1.2, ACROSS),
    Phase(0.8, DOWN),
    Phase(0.7, STILL, opening=0.0),
    Phase(0.9, UP),
    Phase(1.4, ACROSS),
    Phase(0.6, STILL, opening=1.0),
    Phase(1.0, UP),
)
PICK_EDGES = (1.2, 2.0, 2.7, 3.6, 5.0, 5.6)
PICK_PHASES = ("approach", "approach", "grasp", "move", "move", "release", "retract")


def vectors(phases: Sequence[Phase], fps: float = FPS, opening: float = 1.0) -> tuple[list[Any], list[Any]]:
    """Return states, and actions that are the next states; fingers take 0.3 s."""
    place, command, measured = [0.0, 0.0, 0.0], opening, opening
    states: list[list[float]] = []
    for phase in phases:
        command = command if phase.opening is None else phase.opening
        for _ in range(round(phase.seconds * fps)):
            states.append([*place, measured])
            place = [at + 0.1 * by / fps for at, by in zip(place, phase.direction, strict=True)]
            step = 1 / (0.3 * fps)
            measured += max(-step, min(step, command - measured))
    return states, [*states[1:], states[-1]]


def episode(phases: Sequence[Phase] = PICK, task: str = TASK, fps: float = FPS, **changed: Any) -> Recording:
    states, actions = vectors(phases, fps)
    columns = {"observation.state": states, "action": actions} | changed
    columns = {name: values for name, values in columns.items() if values is not None}
    return Recording(length=len(states), draw=_draw, task=task, columns=columns)


def dataset(root: Path, *episodes: Recording, skills: Any = None, **layout: Any) -> Path:
    """Write a dataset of these episodes, by default one with one camera."""
    settings: dict[str, Any] = {"fps": FPS, "cameras": ("observation.images.top",)}
    settings["names"] = {"observation.state": NAMES, "action": NAMES}
    return write_dataset(root, episodes or (episode(),), Layout(**(settings | layout)), skills=skills)


def opened(root: Path, **options: Any) -> tuple[LeRobotSource, Gripper]:
    source, segmenter = LeRobotSource(root=root, skills="task", views=0), Gripper(**options)
    source.open()
    segmenter.open(source)
    return source, segmenter


def read(source: LeRobotSource, segmenter: Gripper) -> list[Read]:
    return list(recordings(source, segmenter.columns))


def run(*arguments, expect=0):
    """Run `pgen segment`, check its exit code, and return its output."""
    return invoked("segment", *arguments, code=expect)


def segmented(root, out, *options):
    run("--root", root, "--output-dir", out, *options)
    return out


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def files(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def rows(root, *columns):
    return pq.read_table(root / "data/chunk-000/file-000.parquet", columns=list(columns))


def _draw(camera: str, frame: int) -> Image.Image:
    return Image.new("RGB", (32, 32), (frame % 256, 80, 120))
