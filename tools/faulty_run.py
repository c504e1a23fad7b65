"""Write a run with planted faults, without a model: a drawn dataset, its dialogue, and findings of every kind.

Usage: python tools/faulty_run.py OUT
       python tools/faulty_run.py OUT --samples 20000
       python tools/faulty_run.py OUT --samples 2000 --bricks 50

`OUT/data` is the dataset and `OUT/out` the run. About one sample in four is faulty. Above 500 samples, images are small
and of one colour.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from pgen import annotate
from pgen.errors import SampleError
from pgen.records import CONTRADICTION, SCORES, Request, Sample
from pgen.seeds import derive
from pgen.testing import FakeGenerator
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_demo.motion import state_at
from pgen_demo.scene import PINK, RED, VIEWS, Scene
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES
from pgen_dialogue.template.generator import reply_to

COLOURS = {"pink": PINK, "red": RED, "blue": (64, 108, 204), "green": (70, 160, 92)}
SKILLS = (
    "robot arm moves towards {} lego brick",
    "robot arm picks up {} lego brick",
    "robot arm moves towards transparent box",
    "robot arm releases {} lego brick into transparent box",
    "robot arm retracts from transparent box",
)
DRAWN = 500
"""The most samples for which the scene is drawn."""
BRICK_SAMPLES = 20
"""About how many samples of an episode are about one brick."""
FPS = 5

CONTRADICTED = 7
"""Which of 23 moments has images that contradict the labels."""

type Spans = list[tuple[str, float, float]]


def spans_of(number: int, bricks: list[str]) -> Spans:
    """Return the skills of an episode, with a gap after the first brick."""
    random, time, spans = Random(number), 0.0, []
    for place, colour in enumerate(bricks):
        time += 1.6 * (place == 1)
        for name in SKILLS:
            end = round(time + random.choice((0.8, 1.2, 1.8, 2.6, 4.2)), 1)
            spans.append((name.format(colour), time, end))
            time = end
    return spans


@lru_cache
def scene(camera: str) -> Scene:
    """Return the scene as a camera sees it."""
    return Scene(camera)


def draw(spans: Spans, bricks: list[str], camera: str, frame: int) -> Image.Image:
    """Return the image of a frame."""
    time = frame / FPS
    brick = max((at for at, (_, start, _) in enumerate(spans) if start <= time)) // len(SKILLS)
    times = [(start, end) for _, start, end in spans[brick * len(SKILLS) : (brick + 1) * len(SKILLS)]]
    return scene(camera).draw(state_at(time, times, (-0.5 + 0.1 * (brick % 3), 0.42, 0.0)), COLOURS[bricks[brick]])


def plain(number: int, camera: str, frame: int) -> Image.Image:
    """Return a small image of one colour."""
    return Image.new("RGB", (32, 24), (40 * (number % 6), (7 * frame) % 256, 200 * (camera == [*VIEWS][1])))


def write_data(root: Path, episodes: int, bricks_each: int, tiny: bool) -> Path:
    """Write the dataset."""
    described, recordings = {}, []
    for number in range(episodes):
        random = Random(f"bricks {number}")
        bricks = [colour for _ in range(ceil(bricks_each / 3)) for colour in random.sample([*COLOURS], 3)][:bricks_each]
        spans = spans_of(number, bricks)
        task = f"put the {', '.join(bricks[:2])} and {bricks[-1]} bricks into the box"
        picture: Callable[[str, int], Any] = partial(plain, number) if tiny else partial(draw, spans, bricks)
        recordings.append(Recording(length=round(spans[-1][2] * FPS) + 1, draw=picture, task=task))
        skills = [{"name": name, "start": start, "end": end} for name, start, end in spans]
        described[str(number)] = {"episode_index": number, "description": task, "skills": skills}
    layout = Layout(fps=FPS, cameras=tuple(VIEWS), codec="png" if tiny else "h264")
    return write_dataset(root, recordings, layout, skills={"coarse_description": "", "episodes": described})


def answer(request: Request) -> str | Exception:
    """Return the reply of the generator `template`, now and then with a fault."""
    sample, reply = request.sample, reply_to(request)
    random = Random(derive(request.seed, "fault"))
    if (3 * sample.span.episode_index + sample.span.skill_index) % 23 == CONTRADICTED:
        return SampleError("scene", f"{CONTRADICTION}an empty table; the gripper is outside the picture")
    kind = random.random()
    if kind < 0.02:
        return SampleError("refused", "the model declined to answer")
    if kind < 0.03:
        return SampleError("truncated", "the reply ends after 512 tokens")
    for fault, share in FAULTS:
        kind -= share
        if kind < 0.03:
            return json.dumps(reply | fault(request.sample, random))
    return json.dumps(reply)


def other_types(sample: Sample, random: Random) -> dict[str, str]:
    """Return other types than those that were planned."""
    scenarios, responses = sorted(SCENARIO_TYPES), sorted(RESPONSE_TYPES)
    return {"scenario_type": random.choice(scenarios), "response_type": random.choice(responses)}


def other_object(sample: Sample, random: Random) -> dict[str, str]:
    """Return a request for a brick of another colour."""
    colours = [colour for colour in COLOURS if colour not in sample.span.skill]
    return {"user_prompt": f"Could you pick up the {random.choice(colours)} lego brick, please?"}


def replaced(**values: str) -> Callable[[Sample, Random], dict[str, str]]:
    """Return a fault that puts these texts in the place of the reply's."""
    return lambda sample, random: values


FAULTS = (
    (other_types, 0.12),
    (other_object, 0.03),
    (replaced(user_prompt="As the image shows, carry on with the next skill of the dataset."), 0.02),
    (replaced(robot_utterance="I have already put it away."), 0.02),
    (replaced(user_prompt="Please go on with the brick."), 0.04),
    (replaced(robot_utterance="Sorry, I can't do that."), 0.01),
)
"""Changes of a reply, each with its share of the samples."""


def judge(request: Request) -> str:
    """Return a judge's reply: mostly good scores, and now and then another skill than the demonstrated one."""
    random = Random(derive(request.seed, "judge", request.sample.moment.frame_index, request.sample.question.variant))
    if "choice" in request.prompt.schema["properties"]:
        lines = [line for line in request.prompt.text.splitlines() if line[:1].isdigit()]
        right = next(n for n, line in enumerate(lines, 1) if line.endswith(request.sample.span.skill))
        choice = right if random.random() > 0.06 else random.randint(1, len(lines))
        return json.dumps({"reason": "The user asks for it.", "choice": choice})
    values = {name: random.choices((1, 2, 3, 4, 5), (2, 5, 15, 40, 38))[0] for name in SCORES}
    why = {1: "it speaks of what is not there", 2: "it does not fit what follows", 3: "a person would say it shorter"}
    reasons = {f"{name}_reason": f"{why.get(score, 'it fits')}." for name, score in values.items()}
    return json.dumps({**reasons, **values})


def write_run(folder: Path, samples: int, bricks: int = 3) -> Path:
    """Write the dataset and the run into a folder; return the run's."""
    root = write_data(folder / "data", ceil(samples / (BRICK_SAMPLES * bricks)), bricks, samples > DRAWN)
    annotate(
        root,
        folder / "out",
        generator=FakeGenerator(answer, concurrency=64),
        judge=FakeGenerator(judge, concurrency=64),
        judge_share=0.5,
        attempts=1,
        max_failures=1.0,
    )
    return folder / "out"


def main() -> Iterator[str]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=240, help="about how many samples  [default: 240]")
    parser.add_argument("--bricks", type=int, default=3, help="how many bricks an episode moves  [default: 3]")
    arguments = parser.parse_args()
    yield str(write_run(arguments.out, arguments.samples, arguments.bricks))


if __name__ == "__main__":
    for line in main():
        print(line)
