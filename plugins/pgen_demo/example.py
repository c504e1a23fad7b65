"""The dataset of `pgen demo`: two episodes of five skills each, drawn and written in a few seconds.

The skills are in `skills.json`. The second episode moves a red brick although its description says pink: real
annotations have such errors.
"""

import json
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_demo.motion import Point, State, state_at
from pgen_demo.scene import PINK, RED, VIEWS, Scene
from pgen_demo.solids import Colour

FPS = 30
BRICKS: tuple[tuple[Colour, Point], ...] = ((PINK, (-0.48, 0.40, 0.0)), (RED, (-0.36, 0.52, 0.0)))
STATE_NAMES = ("gripper.x", "gripper.y", "gripper.z", "gripper.opening", "brick.x", "brick.y")
ACTION_NAMES = STATE_NAMES[:4]
README = """---
license: apache-2.0
task_categories:
- robotics
tags:
- LeRobot
---

# A rendered pick and place

Two short episodes that `pgen demo` drew: an arm puts a lego brick into a transparent box. Not recorded.
"""


def example_skills() -> dict[str, Any]:
    """Return the content of the example's skills.json."""
    skills: dict[str, Any] = json.loads(Path(__file__).with_name("skills.json").read_text(encoding="utf-8"))
    return skills


def write_example(root: Path) -> Path:
    """Write the dataset into `root`, which must not exist."""
    skills = example_skills()
    layout = Layout(
        fps=FPS,
        robot_type="demo_arm",
        cameras=tuple(VIEWS),
        gop=10,
        names={"observation.state": STATE_NAMES, "action": ACTION_NAMES},
    )
    episodes = [
        _recording(episode, colour, brick)
        for episode, (colour, brick) in zip(skills["episodes"].values(), BRICKS, strict=True)
    ]
    return write_dataset(root, episodes, layout, skills=skills, readme=README)


def _recording(episode: dict[str, Any], colour: Colour, brick: Point) -> Recording:
    spans = [(skill["start"], skill["end"]) for skill in episode["skills"]]
    length = round(spans[-1][1] * FPS)
    # One more than there are frames: the action of a frame is the next state.
    states = [state_at(frame / FPS, spans, brick) for frame in range(length + 1)]
    vectors = [[*state.gripper, state.opening, *state.brick[:2]] for state in states]
    return Recording(
        length=length,
        draw=partial(_draw, states, colour),
        task=episode["description"],
        columns={"observation.state": vectors[:-1], "action": [vector[: len(ACTION_NAMES)] for vector in vectors[1:]]},
    )


@lru_cache
def _scene(camera: str) -> Scene:
    return Scene(camera)


def _draw(states: list[State], colour: Colour, camera: str, frame: int) -> Any:
    return _scene(camera).draw(states[frame], colour)
