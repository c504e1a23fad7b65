"""Runs to report on: a small rendered dataset, and runs whose replies a test provides."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

import pgen
from pgen.components import Segmenter
from pgen.records import SCORES, Request
from pgen.testing import FakeGenerator, FakeSource, make_episode
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.read import LeRobotSource
from pgen_results.report_page import ReportSink
from pgen_segment.job import Job, SegmentOptions

SKILLS = [("reach for the cup", 0.0, 1.0), ("lift the cup", 1.0, 2.0)]
LENGTH, FPS = 20, 10
CAMERAS = ("observation.images.front", "observation.images.wrist")
HOSTILE = "</script><img src=x onerror=\"document.title='taken'\"><!-- & 'quoted' {{ 7 * 7 }} \u2028 \x1b[31m ünï"
"""Ends elements, fetches, starts comments and templates, colours a terminal."""


def colour(episode: int, frame: int, camera: str) -> tuple[int, int, int]:
    """The colour of a frame of the rendered dataset."""
    return 50 * episode, 10 * frame, 250 * (camera == CAMERAS[1])


def rendered(folder: Path, episodes: int = 4, **layout: Any) -> Path:
    """Write a dataset with episodes of two skills, each frame in a colour of its own."""

    def draw(episode: int) -> Callable[[str, int], Image.Image]:
        return lambda camera, frame: Image.new("RGB", (64, 48), colour(episode, frame, camera))

    spans = [{"name": name, "start": start, "end": end} for name, start, end in SKILLS]
    described = {
        str(index): {"episode_index": index, "description": "tidy up", "skills": spans} for index in range(episodes)
    }
    recordings = [Recording(length=LENGTH, draw=draw(index), task="tidy up") for index in range(episodes)]
    skills = {"coarse_description": "tidy up", "episodes": described}
    return write_dataset(folder, recordings, Layout(**{"fps": FPS, "cameras": CAMERAS, **layout}), skills=skills)


def reply(prompt: str, utterance: str = "All right.", scenario: str | None = None) -> str:
    types = {"scenario_type": scenario, "response_type": "confirmation"} if scenario else {}
    return json.dumps({"user_prompt": prompt, "robot_utterance": utterance, **types})


def judging(score: Callable[[Request], int], choice: str = "") -> FakeGenerator:
    """A judge that gives each dialogue the same score for everything, and chooses this skill where it is asked to."""

    def answer(request: Request) -> str:
        if "choice" in request.prompt.schema["properties"]:
            (number,) = re.findall(
                rf"^(\d+)\. {choice or request.sample.span.skill}$", request.prompt.text, re.MULTILINE
            )
            return json.dumps({"reason": "So it is.", "choice": int(number)})
        reasons = {f"{name}_reason": f"{name}: so so." for name in SCORES}
        return json.dumps({**reasons, **dict.fromkeys(SCORES, score(request))})

    return FakeGenerator(answer)


def run(
    out: Path,
    answer: Callable[[Request], Any] | str,
    episodes: int = 1,
    sink: Any = "jsonl",
    skills: Any = None,
    **options: Any,
) -> Path:
    """Run over made-up episodes; `answer` gives the reply of each request. Failures do not end the run."""
    source = FakeSource(*(make_episode(*(skills or SKILLS), index=index) for index in range(episodes)))
    generator = FakeGenerator(answer if callable(answer) else lambda request: answer, concurrency=64)
    defaults = {"prompt": "seed", "max_failures": 1.0, "attempts": 1}
    pgen.annotate(source, out, generator=generator, sink=sink, **{**defaults, **options})
    return out


def many(out: Path, samples: int = 2000) -> Path:
    """Write a page about many samples, twenty per episode, each with other words."""
    skills = [(f"skill {number}", float(number), float(number + 1)) for number in range(20)]

    def answer(request: Request) -> str:
        sample = request.sample
        return reply(f"Word{sample.moment.frame_index} of {sample.span.episode_id}: please {sample.span.skill} now.")

    return run(out, answer, samples // 20, ReportSink(), skills)


class Scripted(Segmenter):
    """Returns or raises the answer that a test gives it for each episode."""

    name = "scripted"

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self._answers = answers

    def segment(self, recording: Any) -> Any:
        answer = self._answers[recording.episode.index]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def provenance(self) -> dict[str, Any]:
        return {"vocabulary": ["reach the brick", "wave"], "changes": {"names made imperative": 3}}


def segmented(root: Path, out: Path, *answers: Any, **options: Any) -> Path:
    """Run a segmentation with these answers."""
    source = LeRobotSource(root=root, skills="task", views=0)
    with Job(SegmentOptions(output_dir=out, max_failures=1.0, **options), source, Scripted(*answers)) as job:
        list(job.execute())
    return out
