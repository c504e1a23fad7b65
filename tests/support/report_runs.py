"""Runs to report on: a small rendered dataset, and answers of any number and words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

import pgen
from pgen.inference.judging import SCORES
from pgen.records import Request
from pgen.testing import FakeGenerator, FakeSource, make_episode
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_results.sink import ReportSink

SPANS = [{"name": "reach for the cup", "start": 0.0, "end": 1.0}, {"name": "lift the cup", "start": 1.0, "end": 2.0}]
LENGTH, FPS = 20, 10
CAMERAS = ("observation.images.front", "observation.images.wrist")
HOSTILE = "</script><img src=x onerror=\"document.title='taken'\"><!-- & 'quoted' {{ 7 * 7 }} \u2028 \x1b[31m ünï"
"""Ends elements, fetches, begins comments and templates, colours a terminal."""


def rendered(folder: Path, episodes: int = 4) -> Path:
    """A dataset of episodes of two skills, each frame of a colour of its own."""

    def draw(episode: int) -> Callable[[str, int], Image.Image]:
        def picture(camera: str, frame: int) -> Image.Image:
            image = Image.new("RGB", (64, 48), (60 * episode % 256, 10 * frame, 120))
            ImageDraw.Draw(image).rectangle((frame, 10, frame + 12, 30), "white")
            return image

        return picture

    recordings = [Recording(length=LENGTH, draw=draw(episode), task="tidy up") for episode in range(episodes)]
    skills = {
        "coarse_description": "tidy up",
        "episodes": {
            str(index): {"episode_index": index, "description": "tidy up", "skills": SPANS} for index in range(episodes)
        },
    }
    return write_dataset(folder, recordings, Layout(fps=FPS, cameras=CAMERAS), skills=skills)


def answered(prompt: str, utterance: str = "All right.", scenario: str | None = None) -> str:
    types = {"scenario_type": scenario, "response_type": "confirmation"} if scenario else {}
    return json.dumps({"user_prompt": prompt, "robot_utterance": utterance, **types})


def judging(score: Callable[[Request], int]) -> FakeGenerator:
    """A judge that gives each dialogue one score for all."""

    def answer(request: Request) -> str:
        said = {name: (f"{name}: so so.", score(request)) for name in SCORES}
        return json.dumps(
            {key: value for name, (why, one) in said.items() for key, value in ((f"{name}_reason", why), (name, one))}
        )

    return FakeGenerator(answer)


def run(
    out: Path,
    answer: Callable[[Request], Any],
    episodes: int = 1,
    sink: Any = "jsonl",
    skills: Any = None,
    **options: Any,
) -> Path:
    """The output of a run over made-up episodes whose answers are given; none is too many failures."""
    spans = skills or [("reach for the cup", 0.0, 1.0), ("lift the cup", 1.0, 2.0)]
    source = FakeSource(*(make_episode(*spans, index=index) for index in range(episodes)))
    generator = FakeGenerator(answer, concurrency=64)
    pgen.annotate(
        source, out, generator=generator, sink=sink, **{"prompt": "seed", "max_failures": 1.0, "attempts": 1, **options}
    )
    return out


def many(out: Path, samples: int = 2000) -> Path:
    """A page about many samples of twenty an episode, each with words of its own."""
    skills = [(f"skill {number}", float(number), float(number + 1)) for number in range(20)]

    def answer(request: Request) -> str:
        sample = request.sample
        return answered(f"Word{sample.frame_index} of {sample.episode_id}: please {sample.skill_current} now.")

    return run(out, answer, samples // 20, ReportSink(), skills)
