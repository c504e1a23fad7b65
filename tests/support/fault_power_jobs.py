"""The commands whose power is cut. As a script: `fault_power_jobs.py NAME BASE INPUT LOG` runs one to its end."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fault_commands import answer

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
class Cut:
    """A command: by name, the folder in which it writes, its input, and the file in which it says what it does."""

    name: str
    base: Path
    source: Path
    log: Path

    @property
    def out(self) -> Path:
        return self.base / "out"


class Said(FakeGenerator):
    """Says what it is asked; answers come after a moment that differs, so that several groups are stored."""

    def __init__(self, log: int, names_of: Callable[[Request], Sequence[str]]) -> None:
        super().__init__(answer)
        self._log, self._names_of = log, names_of

    async def generate(self, request: Request) -> Any:
        names = self._names_of(request)
        os.write(self._log, "".join(f"asked {name}\n" for name in names).encode())
        await asyncio.sleep(Random(names[0]).uniform(0.001, 0.02))
        return await super().generate(request)


class SaidSeveral(Said):
    """Is asked for all dialogues of a moment at once."""

    several = True


def annotated(cut: Cut, log: int) -> None:
    in_place = "--in-place" in cut.name
    kind, prompt = (SaidSeveral, "hi-robot") if "moments" in cut.name else (Said, "seed")
    generator = kind(log, _keys)

    def done(annotation: Annotation) -> None:
        os.write(log, f"done {sample_key(annotation.sample)}\n".encode())

    named: dict[str, Any] = {
        "sampler": {"name": "segments", "interval": 1.0},
        "generator": {"name": generator.name},
        "prompt": {"name": prompt},
        "check": {"name": ["none"]},
    }
    root = cut.out if in_place else cut.source
    config = build({"output_dir": cut.out, "in_place": in_place, "source": {"root": str(root)}, **named})
    with Run(config.run, create(config, {"generator": generator})) as run:
        run.execute(lambda total, resumed: done)


def segmented(cut: Cut, log: int) -> None:
    generator = Said(log, lambda request: [f"episode {request.sample.span.episode_index}"])
    options = SegmentOptions(output_dir=cut.out, overwrite=True)
    job = Job(options, LeRobotSource(root=cut.source, skills="task"), Vlm(), generator)
    with job:
        for _ in job.execute(lambda total: lambda index: os.write(log, f"done episode {index}\n".encode())):
            pass


def repaired(cut: Cut, log: int) -> None:
    repair(cut.out)


def _keys(request: Request) -> list[str]:
    return [sample_key(request.samples[number - 1]) for number in request.numbers]


ANNOTATE = ("annotate", "annotate --in-place", "annotate moments", "annotate moments --in-place")
JOBS = {**dict.fromkeys(ANNOTATE, annotated), "repair": repaired, "segment": segmented}


def work(cut: Cut) -> None:
    """The command, in this process."""
    log = os.open(cut.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(os.open(cut.log.with_suffix(".errors"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), 2)
    try:
        JOBS[cut.name](cut, log)
    except PgenError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(error.exit_code)


if __name__ == "__main__":
    work(Cut(sys.argv[1], *map(Path, sys.argv[2:])))
