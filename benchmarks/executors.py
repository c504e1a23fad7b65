"""Ray workers compared with as many processes of pgen: decoding three cameras, with a model that answers immediately.

The processes annotate different `--episodes` of the dataset, each into a folder of its own. Their starts are no part
of the rates. The last row is the CPU time of the run's own process, which limits the number of workers: where results
come one by one, as from many slow workers, and where it has so much to do that reports contain many results.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, NamedTuple

from common.clients import VARIANTS, in_variants
from common.datasets import filmed
from common.measure import cost, ratio, rounds
from common.table import Row, main
from common.timed import Timed
from pgen.inference.scheduler import DECODERS, decoded_ahead
from pgen.records import Sample
from pgen.testing import FakeSource, make_episode

WORKERS = 2
LATENCY, FEW, MANY = 0.1, 8, 64
"""Of the model in seconds, and requests in flight of a worker, in the row about the run's own process."""
EPISODE = 20
"""Moments of an episode in that row."""
AHEAD = decoded_ahead(DECODERS) + Timed().concurrency
"""Samples that a process decodes at most before the first reply."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second of all processes, and CPU seconds of one per request."""

    requests: float
    cpu: float


class _Request(NamedTuple):
    time: float
    cpu: float


def lines(tiny: bool = False) -> Iterator[Row]:
    values = dict.fromkeys(("rate", "cpu", "few", "many"), "not measured")
    if find_spec("ray"):
        root = filmed(8, 1, cameras=3, fps=10) if tiny else filmed(24, 5, cameras=3)
        results = rounds(1 if tiny else 3, {work: lambda work=work: rate_of(work, root) for work in (ray, processes)})
        rates, cpus = (
            ratio([getattr(it, of) for it in results[ray]], [getattr(it, of) for it in results[processes]])
            for of in ("requests", "cpu")
        )
        few, many = (own_cpu(10 if tiny else 100, in_flight) for in_flight in (FEW, MANY))
        own = {"few": f"{few * 1e3:.2f} ms", "many": f"{many * 1e3:.2f} ms"}
        values = {"rate": f"{rates:.2f}", "cpu": f"{cpus:.2f}", **own}
    measure = f"{WORKERS} workers of Ray that decode three cameras, times as many processes: samples per second"
    yield Row(measure, values["rate"], "", {"CPU per sample": values["cpu"]})
    measure = "CPU of the run's own process for a result of a worker of Ray"
    yield Row(measure, values["many"], "", {"where results come one by one": values["few"]})


def rate_of(work: Callable[[Path, Path], object], root: Path) -> Rate:
    """Run the work, whose processes log their requests, and return its rate."""
    with TemporaryDirectory(dir=root.parent) as folder:
        work(root, Path(folder))
        every = [_requests(path) for path in Path(folder).glob("*.log")]
    logs = [log for log in every if len(log) > 1]  # of few episodes, one worker may have all
    rates = [(len(log) - 1) / (log[-1].time - log[0].time) for log in logs]
    return Rate(sum(rates), sum(log[-1].cpu - log[0].cpu for log in logs) / sum(map(len, logs)))


def _requests(path: Path) -> list[_Request]:
    """Return the requests of a process, without those whose images it had decoded before the others were ready."""
    requests = [_Request(*map(float, line.split())) for line in path.read_text().splitlines()]
    return requests[min(AHEAD, len(requests) // 2) :]


def ray(root: Path, folder: Path) -> None:
    cost(annotate, root, folder, None)


def processes(root: Path, folder: Path) -> None:
    episodes = int(root.name.split("-")[2].partition("x")[0])
    ranges = [f"{n * episodes // WORKERS}-{(n + 1) * episodes // WORKERS - 1}" for n in range(WORKERS)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda part: cost(annotate, root, folder, part), ranges))


def annotate(root: Path, folder: Path, episodes: str | None) -> None:
    """Annotate some episodes in this process, or all of them by Ray."""
    # Else Ray gives its workers a low priority, and other load on the machine would affect only them.
    os.environ |= {"RAY_worker_niceness": "0"}
    import pgen
    from pgen_lerobot.read import LeRobotSource
    from pgen_ray.executor import RayExecutor
    from pgen_samplers.samplers import Interval

    source, generator = LeRobotSource(root=root, episodes=episodes), Timed(folder=folder, crowd=WORKERS)
    executor = None if episodes else RayExecutor(workers=WORKERS)
    options: dict[str, Any] = {"variants": 1, "scopes": {"step": 1.0}, "sampler": Interval(interval=0.1)}
    pgen.annotate(source, folder / f"out-{episodes}", generator=generator, executor=executor, **options)


def own_cpu(episodes: int, in_flight: int) -> float:
    """Return the CPU seconds of this process per result, of a run with a journal, from its first result to its last."""
    from pgen.inference.pipeline import Pipeline
    from pgen.run.commit_loop import generate
    from pgen.storage.journal import Journal
    from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
    from pgen_ray.executor import RayExecutor

    generator = Timed(latency=LATENCY, concurrency=in_flight)
    pipeline, busy = Pipeline(Blank(), HiRobotPrompt(), generator, 0, 2, 1003520), list[float]()
    with TemporaryDirectory() as folder:
        journal, executor = Journal(Path(folder) / "journal.sqlite"), RayExecutor(workers=WORKERS)
        generate(
            executor, pipeline, (_groups(episodes),), journal, lambda _: False, lambda _: busy.append(process_time())
        )
        journal.close()
    assert len(busy) == episodes * EPISODE * VARIANTS
    return (busy[-1] - busy[0]) / (episodes * EPISODE)


class Blank(FakeSource):
    """Samples without an image."""

    name = "blank"

    def reader(self, max_pixels: int) -> Any:
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
