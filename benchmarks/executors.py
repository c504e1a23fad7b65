"""The cost of the executors: the same job in this process, and on two Ray workers.

The generator answers immediately and samples have no image, so the rest is pgen: in this process the whole pipeline,
with Ray the part that stays in the run's own process, which limits the number of workers of one run. Each
answer has the three dialogues of a moment.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, process_time
from typing import Any, NamedTuple

from common.clients import VARIANTS, in_variants
from common.table import Row, main
from pgen.components import Executor, Generator
from pgen.inference.pipeline import Pipeline
from pgen.records import Reply, Request, Sample
from pgen.run.commit_loop import generate
from pgen.storage.journal import Journal
from pgen.testing import FakeSource, make_episode, plain_answer

EPISODE = 20
"""Moments of an episode."""


class Instant(Generator):
    """Answers immediately."""

    name = "instant"
    several = True

    @property
    def concurrency(self) -> int:
        return 64

    async def generate(self, request: Request) -> Reply:
        return Reply(plain_answer(request))


class Cost(NamedTuple):
    """Seconds and CPU seconds of this process per answer, from the first result on."""

    seconds: float
    cpu: float


def lines(tiny: bool = False) -> Iterator[Row]:
    from pgen_local.executor import Local
    from pgen_ray.executor import RayExecutor

    episodes = 20 if tiny else 1000
    local = measured(Local(), episodes)
    cpu, rate = ("not measured", "not measured")
    if find_spec("ray"):
        ray = measured(RayExecutor(workers=2), episodes)
        cpu, rate = f"{ray.cpu * 1e3:.2f} ms", f"{local.seconds / ray.seconds:.2f}"
    measure = "CPU of the run's own process for an answer of a worker of Ray"
    yield Row(measure, cpu, "", {"the whole pipeline in this process": f"{local.cpu * 1e3:.2f} ms"})
    yield Row("answers a second of two workers of Ray, times those of one process", rate, "")


def measured(executor: Executor, episodes: int) -> Cost:
    """Measure a run with a journal, from its first result to its last."""
    times: list[tuple[float, float]] = []
    with TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.sqlite")
        generate(executor, _pipeline(), (_groups(episodes),), journal, lambda _: False, lambda _: times.append(_now()))
        journal.close()
    (began, busy), (ended, done) = times[0], times[-1]
    answers = episodes * EPISODE
    assert len(times) == answers * VARIANTS
    return Cost((ended - began) / answers, (done - busy) / answers)


def _now() -> tuple[float, float]:
    return monotonic(), process_time()


def _pipeline() -> Pipeline:
    from pgen_dialogue.prompts.hi_robot import HiRobotPrompt

    return Pipeline(Blank(), HiRobotPrompt(), Instant(), 0, 2, 1003520)


class Blank(FakeSource):
    """Samples without an image."""

    name = "blank"

    def reader(self, max_pixels: int) -> Any:
        from contextlib import nullcontext

        return nullcontext(_NoImages())


class _NoImages:
    def images(self, sample: Sample) -> tuple[()]:
        return ()


def _groups(episodes: int) -> Iterator[list[tuple[Sample, ...]]]:
    from pgen.run.planning import samples_of
    from pgen_samplers.samplers import EveryFrame

    spans = (("robot arm moves towards pink lego brick", 0.0, 1.0), ("robot arm picks up pink lego brick", 1.0, 2.0))
    for index in range(episodes):
        episode = make_episode(*spans, index=index, length=EPISODE)
        yield [in_variants(sample) for sample in samples_of(episode, FakeSource(episode), EveryFrame())]


if __name__ == "__main__":
    main(lines)
