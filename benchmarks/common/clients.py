"""Clients of a chat completions server to compare, pgen first.

A client is a function of a Task that warms up, sends the requests and returns the CPU seconds of sending them. The
server measures the wall-clock time, in the same way for each client.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any
from urllib.request import urlopen

from common.datasets import picture
from common.measure import cost
from common.server import DIALOGUES, Server


@dataclass(frozen=True, slots=True)
class Task:
    """`count` requests, `flight` of them in flight. With `encode` each image is encoded as a JPEG (otherwise all
    requests share one), and clients with a journal store each result durably."""

    url: str
    count: int
    flight: int
    encode: bool = False

    def warm_up(self) -> "Task":
        return replace(self, count=2 * self.flight)


def measured(ask: Callable[[Task], None], task: Task) -> float:
    """Run a client twice and return the CPU seconds of the second run, the one that the server measures."""
    ask(task.warm_up())
    urlopen(f"{task.url}/seen").close()
    busy = process_time()
    ask(task)
    return process_time() - busy


def pgen(task: Task) -> float:
    """Run pgen's pipeline and client, from samples to parsed dialogues, and to the journal."""
    return measured(_pgen, task)


VARIANTS = DIALOGUES
"""Dialogues of a request: as many wordings of a step as in a run with all defaults."""


@cache
def pictures() -> list[Any]:
    return [picture(shift * 50) for shift in range(16)]


@cache
def pixels() -> list[Any]:
    """Return the images as arrays, as a video decoder does."""
    import numpy as np

    return [np.asarray(picture) for picture in pictures()]


@cache
def ready() -> bytes:
    return jpeg(0)


def jpeg(number: int) -> bytes:
    from common.limits import jpeg

    return jpeg(pixels()[number % len(pixels())])


def _pgen(task: Task) -> None:
    from pgen.inference.pipeline import Pipeline
    from pgen.records import Annotation
    from pgen.run.commit_loop import generate
    from pgen.storage.journal import Journal
    from pgen.testing import MemoryRecorder
    from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
    from pgen_local.executor import Local
    from pgen_qwen_openai.generator import QwenOpenAIGenerator

    generator = QwenOpenAIGenerator(base_url=task.url, concurrency=task.flight)
    pipeline = Pipeline(_source(task), HiRobotPrompt(), generator, 0, 2, 1003520)
    done = 0

    def count(annotation: Annotation) -> None:
        nonlocal done
        done += annotation.dialogue is not None

    async def run() -> None:
        await generator.open()
        await pipeline.run(samples(task.count), MemoryRecorder(on_result=count), asyncio.Event())
        await generator.close()

    if task.encode:
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal(Path(folder) / "journal.sqlite")
            generate(Local(), pipeline, (samples(task.count),), journal, lambda _: False, count)
            journal.close()
    else:
        asyncio.run(run())
    assert done == VARIANTS * task.count, f"{done} of {VARIANTS * task.count} dialogues"


def _source(task: Task) -> Any:
    from contextlib import AbstractContextManager, nullcontext

    from pgen.components import ImageReader
    from pgen.media import encode_pixels
    from pgen.records import Image, Sample
    from pgen.testing import FakeSource

    class Images(ImageReader):
        def images(self, sample: Sample) -> tuple[Image, ...]:
            if not task.encode:
                return (Image("front", ready(), 640, 480),)
            return (encode_pixels(pixels()[sample.moment.frame_index % len(pixels())], "front"),)

    class Source(FakeSource):
        def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
            return nullcontext(Images())

    return Source()


def samples(count: int, an_episode: int = 100) -> Iterator[list[Any]]:
    """Yield the items of `count` requests, episode by episode."""
    from pgen.testing import make_episode, make_samples
    from pgen_samplers.samplers import EveryFrame

    for index, first in enumerate(range(0, count, an_episode)):
        episode = make_episode(("pick up the brick", 0.0, 5.0), ("put it into the box", 5.0, 10.0), index=index)
        yield [in_variants(sample) for sample in islice(make_samples(episode, EveryFrame()), count - first)]


def in_variants(sample: Any) -> tuple[Any, ...]:
    """Return the samples of a request: the wordings of one dialogue."""
    return tuple(replace(sample, question=replace(sample.question, variant=number)) for number in range(VARIANTS))


@dataclass(frozen=True, slots=True)
class Result:
    """Results of a client: the share of the ideal rate, and the answers."""

    share: float
    answered: int


def run_client(server: Server, client: Callable[[Task], float], task: Task, at_once: int | None = None) -> Result:
    """Run a client in a process of its own. In the ideal, `at_once` requests (default: `flight`) are at the server at
    every moment, each for the server's latency."""
    server.seen()
    cost(client, task)
    seen = server.seen()
    share = seen.waited / (at_once or task.flight) / seen.seconds
    return Result(share, seen.answered)
