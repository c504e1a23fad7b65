"""Render datasets of the sizes that benchmarks need, once, into a cache folder.

The images are windows that move over one large image, so that drawing costs almost nothing. The cache folder is
`.cache/benchmarks` of the checkout, or the one in PGEN_BENCHMARKS.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from math import cos, sin
from pathlib import Path
from random import Random
from typing import Any

import PIL.Image
import PIL.ImageFilter

from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

SIZE = (640, 480)
_SKILLS = (
    "move towards the brick",
    "pick up the brick",
    "move towards the box",
    "release the brick into the box",
    "retract from the box",
)


def folder() -> Path:
    """Return the cache folder."""
    named = os.environ.get("PGEN_BENCHMARKS")
    return Path(named) if named else Path(__file__).parents[2] / ".cache/benchmarks"


def filmed(episodes: int, seconds: int, *, codec: Any = "av1", gop: int = 2, cameras: int = 2, fps: int = 30) -> Path:
    """Return a dataset with videos of 640x480; each episode lasts `seconds` and has five skills."""
    name = f"{codec}-gop{gop}-{episodes}x{seconds}s-{cameras}cameras-{fps}fps"
    layout = Layout(fps=fps, codec=codec, gop=gop, cameras=[f"observation.images.camera{n}" for n in range(cameras)])
    return _cached(name, layout, episodes, seconds * fps, 6)


def rows(episodes: int, length: int) -> Path:
    """Return a dataset without images: episodes of `length` frames with 12 numbers of state and 12 of action."""
    return _cached(f"rows-{episodes}x{length}", Layout(fps=30), episodes, length, 12)


def picture(shift: int = 0) -> PIL.Image.Image:
    """Return an image of 640x480 that resembles a camera's: about 60 kB as a JPEG."""
    scene = _scene()
    left = round((scene.width - SIZE[0]) * (0.5 + 0.5 * sin(shift / 300)))
    top = round((scene.height - SIZE[1]) * (0.5 + 0.5 * cos(shift / 230)))
    return scene.crop((left, top, left + SIZE[0], top + SIZE[1]))


def _cached(name: str, layout: Layout, episodes: int, length: int, width: int) -> Path:
    root = folder() / name
    if not root.exists():
        building = root.with_name(f"{name}.building-{os.getpid()}")
        shutil.rmtree(building, ignore_errors=True)
        write_dataset(building, _recordings(episodes, length, width), layout, skills=_skills(episodes, length, layout))
        building.rename(root)
    return root


def _recordings(episodes: int, length: int, width: int) -> Iterator[Recording]:
    for episode in range(episodes):
        random = Random(episode)
        yield Recording(
            length=length,
            draw=_window(episode * length),
            task="put the brick into the box",
            columns={
                "observation.state": [[random.random() for _ in range(width)] for _ in range(length)],
                "action": [[random.random() for _ in range(width)] for _ in range(length)],
            },
        )


def _window(first: int) -> Callable[[str, int], PIL.Image.Image]:
    return lambda camera, frame: picture(first + frame + 40 * int(camera[-1]))


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


def _skills(episodes: int, length: int, layout: Layout) -> dict[str, Any]:
    end = length / layout.fps
    step = end / len(_SKILLS)
    spans = [{"name": name, "start": i * step, "end": (i + 1) * step} for i, name in enumerate(_SKILLS)]
    listed = {
        str(episode): {"episode_index": episode, "description": "put the brick into the box", "skills": spans}
        for episode in range(episodes)
    }
    return {"coarse_description": "put the brick into the box", "skill_to_task_index": {}, "episodes": listed}
