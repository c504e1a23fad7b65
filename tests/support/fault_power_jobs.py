"""The commands that a power cut interrupts. As a script: `fault_power_jobs.py NAME BASE INPUT LOG` executes one."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fault_commands import reply

from pgen.config.assembly import create
from pgen.config.runfile import build
from pgen.errors import PgenError
from pgen.records import Annotation, Request
from pgen.run.run import Run
from pgen.seeds import sample_key
from pgen.testing import FakeGenerator
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.repair import repair
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.vlm.segmenter import Vlm


@dataclass(frozen=True, slots=True)
class PowerJob:
    """A command: its name, the folder in which it writes, its input, and its log of requests and results."""

    name: str
    base: Path
    source: Path
    log: Path

    @property
    def out(self) -> Path:
        return self.base / "out"


class LoggedGenerator(FakeGenerator):
    """Logs its requests; each response has another delay, so that results are stored in several groups."""

    def __init__(self, log: int, names_of: Callable[[Request], Sequence[str]]) -> None:
        super().__init__(reply)
        self._log, self._names_of = log, names_of

    async def generate(self, request: Request) -> Any:
        names = self._names_of(request)
        os.write(self._log, "".join(f"requested {name}\n" for name in names).encode())
        await asyncio.sleep(Random(names[0]).uniform(0.001, 0.02))
        return await super().generate(request)


class LoggedMoments(LoggedGenerator):
    """Receives one request for all dialogues of a moment."""

    several = True


def run_annotate(job: PowerJob, log: int) -> None:
    in_place = "--in-place" in job.name
    kind, prompt = (LoggedMoments, "hi-robot") if "moments" in job.name else (LoggedGenerator, "seed")
    generator = kind(log, _keys)

    def log_result(annotation: Annotation) -> None:
        os.write(log, f"done {sample_key(annotation.sample)}\n".encode())

    components: dict[str, Any] = {
        "sampler": {"name": "segments", "interval": 1.0},
        "generator": {"name": generator.name},
        "prompt": {"name": prompt},
        "check": {"name": ["none"]},
    }
    root = job.out if in_place else job.source
    config = build({"output_dir": job.out, "in_place": in_place, "source": {"root": str(root)}, **components})
    with Run(config.run, create(config, {"generator": generator})) as run:
        run.execute(lambda total, resumed: log_result)


def run_segment(job: PowerJob, log: int) -> None:
    generator = LoggedGenerator(log, lambda request: [f"episode {request.sample.span.episode_index}"])
    options = SegmentOptions(output_dir=job.out, overwrite=True)
    segment_job = Job(options, LeRobotSource(root=job.source, skills="task"), Vlm(), generator)
    with segment_job:
        for _ in segment_job.execute(lambda total: lambda index: os.write(log, f"done episode {index}\n".encode())):
            pass


def run_repair(job: PowerJob, log: int) -> None:
    repair(job.out)


def _keys(request: Request) -> list[str]:
    return [sample_key(request.samples[number - 1]) for number in request.numbers]


ANNOTATE = ("annotate", "annotate --in-place", "annotate moments", "annotate moments --in-place")
JOBS = {**dict.fromkeys(ANNOTATE, run_annotate), "repair": run_repair, "segment": run_segment}


def work(job: PowerJob) -> None:
    """Execute the command in this process."""
    log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(os.open(job.log.with_suffix(".errors"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), 2)
    try:
        JOBS[job.name](job, log)
    except PgenError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(error.exit_code)


if __name__ == "__main__":
    work(PowerJob(sys.argv[1], *map(Path, sys.argv[2:])))
