"""The whole job: 20 episodes of 20 s at 30 fps, two cameras of 640x480 (AV1, GOP 2), a request each second.

A request asks for all dialogues of its moment. The model answers immediately, so the rest is pgen: reading, decoding,
encoding, journal, output. The limit is a bare loop of PyAV, simplejpeg and pyarrow in two threads that writes the same
column; the comparison iterates over `dataset[i]` of lerobot, measured on one episode and scaled. Imports are part of
the times of pgen and of the limit. Run it on two cores (`taskset -c 0,1`): pgen uses all that it has.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from common import limits
from common.datasets import filmed
from common.measure import MB, cost, in_folder, ratio, rounds
from common.table import Row, main

FPS = 30


def lines(tiny: bool = False) -> Iterator[Row]:
    episodes, times = (2, 1) if tiny else (20, 5)
    root = filmed(2, 2) if tiny else filmed(20, 20)
    contenders: dict[str, Callable[..., Any]] = {"pgen": pgen, "limit": limit, "without": unencoded, "one": one_thread}
    results = rounds(times, {name: in_folder(work, root) for name, work in contenders.items()})
    seconds = {name: [each.seconds for each in costs] for name, costs in results.items()}
    others = {
        "the same without JPEG": f"{ratio(seconds['without'], seconds['limit']):.2f}",
        "the same in one thread": f"{ratio(seconds['one'], seconds['limit']):.2f}",
    }
    name = "lerobot's dataset[i] over all frames"
    if find_spec("lerobot"):
        walk = [cost(lerobot_walk, root).result * episodes for _ in range(1 if tiny else 3)]
        others[f"{name} (one episode measured)"] = f"{median(walk) / median(seconds['limit']):.0f}"
    else:
        others[name] = "not measured"
    yield Row(
        "the whole job, times the limit in two threads", f"{ratio(seconds['pgen'], seconds['limit']):.2f}", "1", others
    )
    peaks = {name: f"{median(each.peak for each in costs) / MB:.0f} MB" for name, costs in results.items()}
    yield Row("the whole job, most memory held", peaks["pgen"], peaks["limit"])


def pgen(root: Path, out: Path) -> None:
    """Run pgen.annotate with a generator that answers immediately."""
    from pgen import Generator, Reply, Request, annotate
    from pgen.testing import plain_answer
    from pgen_samplers.samplers import Segments

    class Instant(Generator):
        name = "instant"
        concurrency = 64
        several = True

        async def generate(self, request: Request) -> Reply:
            return Reply(plain_answer(request))

    annotate(root, out / "annotated", generator=Instant(), sampler=Segments(interval=1.0))


def limit(root: Path, out: Path) -> None:
    limits.job(root, out, FPS, threads=2)


def unencoded(root: Path, out: Path) -> None:
    limits.job(root, out, FPS, threads=2, with_jpeg=False)


def one_thread(root: Path, out: Path) -> None:
    limits.job(root, out, FPS)


def lerobot_walk(root: Path) -> float:
    """Return the seconds of a pass over the first episode, decoded by PyAV, which needs no system libraries."""
    limits.quiet_lerobot()
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    dataset = LeRobotDataset("bench/walk", root=root, episodes=[0], video_backend="pyav")
    dataset[0]
    began = perf_counter()
    for position in range(len(dataset)):
        dataset[position]
    return perf_counter() - began


if __name__ == "__main__":
    main(lines)
