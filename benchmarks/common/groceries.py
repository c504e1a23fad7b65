"""Write simulated datasets with motor-level and skill-level spans, failed grasps and failed demonstrations.

`write_groceries` writes a robot that sorts four objects into two bins, with 33 motor-level spans per episode;
`write_stack` one that stacks three of five blocks, with skill-level spans. Both write LeRobot v3.0 with two small
cameras at 10 fps. `grocery_plans` and `stack_plans` describe the episodes. The same arguments give the same bytes.
"""

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from common.moves import Move, Script, record
from common.tabletop import VIEWS, Bin, Frame, Solid, tabletop
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_demo.motion import Point

FPS = 10
GROCERIES = {
    "cereal box": Solid((0.20, 0.10, 0.27), (238, 196, 30), band=(190, 120, 20)),
    "milk carton": Solid((0.14, 0.14, 0.24), (246, 248, 250), band=(70, 130, 210)),
    "bread": Solid((0.24, 0.13, 0.11), (142, 88, 44)),
    "red can": Solid((0.13, 0.13, 0.15), (206, 30, 36), "cylinder"),
}
BIN_OF = {"cereal box": "blue", "bread": "blue", "milk carton": "green", "red can": "green"}
BINS = {
    "blue": Bin((-0.66, 0.66, 0.0), (0.52, 0.34, 0.15), (40, 84, 190)),
    "green": Bin((0.66, 0.66, 0.0), (0.52, 0.34, 0.15), (36, 142, 70)),
}
TASK = "sort the groceries: put the {} and the {} into their bins, in this order"
COLOURS = {
    "red": (206, 30, 36),
    "blue": (40, 84, 190),
    "green": (36, 142, 70),
    "yellow": (238, 196, 30),
    "orange": (240, 128, 30),
}
BLOCK: Point = (0.15, 0.15, 0.12)
PLATE = Bin((0.60, 0.62, 0.0), (0.36, 0.26, 0.02), (120, 124, 130))
STACKED = 3
STACK_TASK = "stack three blocks on the plate: the {} block, then the {} one, then the {} one"
ABOVE = 0.40
"""The height of the fingertips while they move over objects."""
OPEN, SHUT = 0.30, 0.02
HOME: Point = (0.0, 0.62, 0.55)
SLOTS = (-0.45, -0.15, 0.15, 0.45)
STATE_NAMES = ("gripper.x", "gripper.y", "gripper.z", "gripper.opening")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an episode demonstrates: the objects in their order, where all objects stand, and what goes wrong.

    `retried` is grasped in vain once. `absent` is not in the images, although the labels are unchanged.
    """

    order: tuple[str, ...]
    places: Mapping[str, Point]
    retried: str | None = None
    absent: str | None = None


def write_groceries(
    root: Path,
    episodes: int = 12,
    seed: int = 0,
    retry: Collection[int] = (3, 8),
    wrong_scene: Collection[int] = (),
    partial: Collection[int] = (),
) -> Path:
    """Write the groceries into `root`, which must not exist.

    `retry`, `wrong_scene` and `partial` are the indices of episodes in which a grasp fails, in which an object of the
    labels is not in the images, and in which one object is left on the table (and the spans are 25).
    """
    plans = grocery_plans(episodes, seed, retry, wrong_scene, partial)
    scripts = [Script(TASK.format(", ".join(plan.order[:-1]), plan.order[-1]), tuple(_sorting(plan))) for plan in plans]
    return _write(root, plans, scripts, GROCERIES, tuple(BINS.values()), seed)


def write_stack(root: Path, episodes: int = 12, seed: int = 0, wrong_scene: Collection[int] = ()) -> Path:
    """Write the blocks into `root`, which must not exist."""
    plans = stack_plans(episodes, seed, wrong_scene)
    solids = {f"{name} block": Solid(BLOCK, colour) for name, colour in COLOURS.items()}
    scripts = [
        Script(STACK_TASK.format(*(name.removesuffix(" block") for name in plan.order)), tuple(_stacking(plan)))
        for plan in plans
    ]
    return _write(root, plans, scripts, solids, (PLATE,), seed)


def grocery_plans(
    episodes: int = 12,
    seed: int = 0,
    retry: Collection[int] = (3, 8),
    wrong_scene: Collection[int] = (),
    partial: Collection[int] = (),
) -> list[Plan]:
    """Return the plans of the episodes that `write_groceries` writes."""
    plans = []
    for index, order in enumerate(_orders(tuple(GROCERIES), len(GROCERIES), episodes, Random(f"groceries {seed}"))):
        rng = Random(f"groceries {seed} {index}")
        order = order[:-1] if index in partial else order
        retried, absent = rng.choice(order), rng.choice(order)
        plans.append(
            Plan(
                order,
                _places(tuple(GROCERIES), SLOTS, rng),
                retried if index in retry else None,
                absent if index in wrong_scene else None,
            )
        )
    return plans


def stack_plans(episodes: int = 12, seed: int = 0, wrong_scene: Collection[int] = ()) -> list[Plan]:
    """Return the plans of the episodes that `write_stack` writes."""
    names = tuple(f"{colour} block" for colour in COLOURS)
    plans = []
    for index, order in enumerate(_orders(names, STACKED, episodes, Random(f"stack {seed}"))):
        rng = Random(f"stack {seed} {index}")
        absent = rng.choice(order)
        slots = (-0.70, *SLOTS[:3], 0.45)
        plans.append(Plan(order, _places(names, slots, rng), absent=absent if index in wrong_scene else None))
    return plans


def _orders(names: tuple[str, ...], length: int, count: int, rng: Random) -> list[tuple[str, ...]]:
    """Return orders that all differ, as far as there are as many, and begin with each name equally often."""
    listed = list(permutations(names, length))
    rng.shuffle(listed)
    by_first = [[order for order in listed if order[0] == name] for name in names]
    balanced = [order for orders in zip(*by_first, strict=True) for order in orders]
    return [balanced[index % len(balanced)] for index in range(count)]


def _places(names: tuple[str, ...], slots: Sequence[float], rng: Random) -> dict[str, Point]:
    shuffled = list(slots)
    rng.shuffle(shuffled)
    return {
        name: (x + rng.uniform(-0.03, 0.03), rng.uniform(0.08, 0.26), 0.0)
        for name, x in zip(names, shuffled, strict=True)
    }


def _sorting(plan: Plan) -> Iterator[Move]:
    """Yield the motor-level moves: eight per object, three more for a retry, and the move home."""
    occupied = dict.fromkeys(BINS, 0)
    for name in plan.order:
        bin = BINS[BIN_OF[name]]
        side = -0.12 if occupied[BIN_OF[name]] == 0 else 0.12
        occupied[BIN_OF[name]] += 1
        goal = (bin.at[0] + side, bin.at[1], 0.01)
        yield Move(f"move above the {name}", _over(plan.places[name]), OPEN)
        if name == plan.retried:
            yield from _grasp(plan.places[name], name, GROCERIES[name].size, held=False)
        yield from _grasp(plan.places[name], name, GROCERIES[name].size)
        yield Move(f"carry the {name} to the {BIN_OF[name]} bin", _over(goal), held=name)
        yield Move(f"lower the {name} into the {BIN_OF[name]} bin", _around(goal, GROCERIES[name].size), held=name)
        yield Move("open the gripper", opening=OPEN)
        yield Move("retreat upwards", _over(goal))
    yield Move("move home", HOME)


def _grasp(at: Point, name: str, size: Point, held: bool = True) -> Iterator[Move]:
    """Yield a grasp; where it fails, the closed gripper is lifted without the object."""
    yield Move(f"lower the gripper around the {name}", _around(at, size), OPEN)
    yield Move(f"close the gripper on the {name}", opening=size[0])
    yield Move(f"lift the {name}", _over(at), size[0] if held else SHUT, held=name if held else None)


def _stacking(plan: Plan) -> Iterator[Move]:
    """Yield the moves of two skills per block."""
    below = "plate"
    for level, name in enumerate(plan.order):
        goal = (PLATE.at[0], PLATE.at[1], PLATE.size[2] + level * BLOCK[2])
        moves = [Move("", _over(plan.places[name]), OPEN), *_grasp(plan.places[name], name, BLOCK)]
        yield from _as_skill(f"pick up the {name}", moves)
        moves = [Move("", _over(goal), held=name), Move("", _around(goal, BLOCK), held=name)]
        moves += [Move("", opening=OPEN), Move("", _over(goal))]
        yield from _as_skill(f"place it on the {below}", moves)
        below = name


def _as_skill(skill: str, moves: Sequence[Move]) -> Iterator[Move]:
    """Yield the moves as one span: only the first has a name."""
    for position, move in enumerate(moves):
        yield Move(skill if position == 0 else None, move.gripper, move.opening, move.held)


def _over(at: Point) -> Point:
    return at[0], at[1], at[2] + ABOVE


def _around(at: Point, size: Point) -> Point:
    return at[0], at[1], at[2] + size[2] / 2


def _write(
    root: Path,
    plans: Sequence[Plan],
    scripts: Sequence[Script],
    solids: Mapping[str, Solid],
    bins: tuple[Bin, ...],
    seed: int,
) -> Path:
    layout = Layout(
        fps=FPS,
        robot_type="simulated_arm",
        cameras=tuple(VIEWS),
        gop=10,
        names={"observation.state": STATE_NAMES, "action": STATE_NAMES},
    )
    recordings, episodes = [], {}
    for index, (plan, script) in enumerate(zip(plans, scripts, strict=True)):
        rng = Random(f"durations {seed} {index}")
        frames, skills = record(
            script, Frame(HOME, OPEN, plan.places), {n: s.size for n, s in solids.items()}, FPS, rng
        )
        recordings.append(_recording(frames, script.task, functools.partial(_draw, frames, plan.absent, solids, bins)))
        episodes[str(index)] = {"episode_index": index, "description": script.task, "skills": skills}
    content = {"coarse_description": "", "skill_to_task_index": {}, "episodes": episodes}
    return write_dataset(root, recordings, layout, skills=content)


def _recording(frames: Sequence[Frame], task: str, draw: Any) -> Recording:
    vectors = [[*frame.gripper, frame.opening] for frame in frames]
    columns = {"observation.state": vectors, "action": [*vectors[1:], vectors[-1]]}
    return Recording(length=len(frames), draw=draw, task=task, columns=columns)


def _draw(
    frames: Sequence[Frame],
    absent: str | None,
    solids: Mapping[str, Solid],
    bins: tuple[Bin, ...],
    camera: str,
    number: int,
) -> Image.Image:
    frame = frames[number]
    places = {name: at for name, at in frame.places.items() if name != absent}
    held = None if frame.held == absent else frame.held
    drawer = tabletop(camera, tuple(solids.items()), bins)
    return drawer.draw(Frame(frame.gripper, frame.opening, places, held))
