"""Render datasets of the sizes that benchmarks need, once, into a cache folder.

The images are windows that move over one large image, so that drawing costs almost nothing. The cache folder is
`.cache/benchmarks` of the checkout, or the one in PGEN_BENCHMARKS.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from math import cos, sin
from pathlib import Path
from random import Random
from typing import Any

import PIL.Image
import PIL.ImageFilter

from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

type Mark = Callable[[PIL.Image.Image, int], None]

SIZE = (640, 480)
TASK = "put the brick into the box"
_SKILLS = (
    "move towards the brick",
    "pick up the brick",
    "move towards the box",
    "release the brick into the box",
    "retract from the box",
)
_OBJECTS = ("brick", "cup", "spoon", "red marker", "towel", "bowl", "pear", "screwdriver")


def folder() -> Path:
    """Return the cache folder."""
    named = os.environ.get("PGEN_BENCHMARKS")
    return Path(named) if named else Path(__file__).parents[2] / ".cache/benchmarks"


def filmed(
    episodes: int,
    seconds: int,
    *,
    codec: Any = "av1",
    gop: int = 2,
    cameras: int = 2,
    fps: int = 30,
    mark: Mark | None = None,
) -> Path:
    """Return a dataset with videos of 640x480; each episode lasts `seconds` and has five skills.

    `mark` draws the number of a frame into its images.
    """
    name = f"{codec}-gop{gop}-{episodes}x{seconds}s-{cameras}cameras-{fps}fps{'-marked' if mark else ''}"
    layout = Layout(fps=fps, codec=codec, gop=gop, cameras=[f"observation.images.camera{n}" for n in range(cameras)])
    return _moving(name, layout, episodes, seconds * fps, 6, mark)


def rows(episodes: int, length: int) -> Path:
    """Return a dataset without images: episodes of `length` frames with 12 numbers of state and 12 of action."""
    return _moving(f"rows-{episodes}x{length}", Layout(fps=30), episodes, length, 12)


def stills(episodes: int, length: int, *, cameras: int, fps: int, skills: int) -> Path:
    """Return a dataset with small images in its data files; each episode has that many skills, with other objects."""
    layout = Layout(fps=fps, codec="png", cameras=[f"observation.images.camera{n}" for n in range(cameras)])
    name = f"stills-{episodes}x{length}-{cameras}cameras-{fps}fps-{skills}skills"
    tasks = [f"tidy up: begin with the {_OBJECTS[episode % len(_OBJECTS)]}" for episode in range(episodes)]
    recordings = (Recording(length=length, draw=_still, task=task) for task in tasks)
    listed = {
        str(episode): _spans(episode, task, length / fps, _steps(episode, skills)) for episode, task in enumerate(tasks)
    }
    return _cached(name, layout, recordings, listed)


def picture(shift: int = 0) -> PIL.Image.Image:
    """Return an image of 640x480 that resembles a camera's: about 60 kB as a JPEG."""
    scene = _scene()
    left = round((scene.width - SIZE[0]) * (0.5 + 0.5 * sin(shift / 300)))
    top = round((scene.height - SIZE[1]) * (0.5 + 0.5 * cos(shift / 230)))
    return scene.crop((left, top, left + SIZE[0], top + SIZE[1]))


def _moving(name: str, layout: Layout, episodes: int, length: int, width: int, mark: Mark | None = None) -> Path:
    listed = {str(episode): _spans(episode, TASK, length / layout.fps, _SKILLS) for episode in range(episodes)}
    return _cached(name, layout, _recordings(episodes, length, width, mark), listed)


def _cached(name: str, layout: Layout, recordings: Iterable[Recording], skills: dict[str, Any]) -> Path:
    """Return the dataset of that name; `skills` are those of each episode."""
    root = folder() / name
    if not root.exists():
        building = root.with_name(f"{name}.building-{os.getpid()}")
        shutil.rmtree(building, ignore_errors=True)
        annotations = {"coarse_description": TASK, "skill_to_task_index": {}, "episodes": skills}
        write_dataset(building, recordings, layout, skills=annotations)
        building.rename(root)
    return root


def _recordings(episodes: int, length: int, width: int, mark: Mark | None) -> Iterator[Recording]:
    for episode in range(episodes):
        random = Random(episode)
        yield Recording(
            length=length,
            draw=_window(episode * length, mark),
            task=TASK,
            columns={
                "observation.state": [[random.random() for _ in range(width)] for _ in range(length)],
                "action": [[random.random() for _ in range(width)] for _ in range(length)],
            },
        )


def _still(camera: str, frame: int) -> PIL.Image.Image:
    return PIL.Image.new("RGB", (16, 9), (frame % 256, 40 * int(camera[-1]), 90))


def _steps(episode: int, count: int) -> list[str]:
    """Return skills that put one object after another into a box."""
    objects = [_OBJECTS[(episode + place // 2) % len(_OBJECTS)] for place in range(count)]
    return [f"pick up the {it}" if place % 2 == 0 else f"put the {it} into the box" for place, it in enumerate(objects)]


def _window(first: int, mark: Mark | None) -> Callable[[str, int], PIL.Image.Image]:
    def draw(camera: str, frame: int) -> PIL.Image.Image:
        image = picture(first + frame + 40 * int(camera[-1]))
        if mark:
            mark(image, first + frame)
        return image

    return draw


@cache
def _scene() -> PIL.Image.Image:
    """Return smooth shapes with some noise."""
    size = (SIZE[0] + 240, SIZE[1] + 180)
    random = Random(0)
    scene = PIL.Image.new("RGB", (44, 33))
    scene.putdata([tuple(random.randrange(40, 220) for _ in range(3)) for _ in range(44 * 33)])
    smooth = scene.resize(size, PIL.Image.Resampling.BICUBIC)
    noise = PIL.Image.new("L", size)
    noise.putdata([random.randrange(256) for _ in range(size[0] * size[1])])
    grain = noise.filter(PIL.ImageFilter.GaussianBlur(0.8)).convert("RGB")
    return PIL.Image.blend(smooth, grain, 0.12)


def _spans(episode: int, task: str, end: float, names: Sequence[str]) -> dict[str, Any]:
    """Return the skills of an episode, each as long as the others."""
    step = end / len(names)
    spans = [{"name": name, "start": i * step, "end": (i + 1) * step} for i, name in enumerate(names)]
    return {"episode_index": episode, "description": task, "skills": spans}
