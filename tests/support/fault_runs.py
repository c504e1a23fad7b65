"""Runs in processes of their own that can be killed, and what is compared afterwards.

`Runs` forks them off a process that has imported everything: a run then starts in some hundredths of a second.
"""

import asyncio
import json
import multiprocessing
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fault_points import Points, kill
from output_files import contents, left_behind
from PIL import Image

from pgen.api import annotate
from pgen.components import Generator, Source
from pgen.errors import PgenError
from pgen.seeds import sample_key
from pgen.storage.workspace import Workspace
from pgen.testing import FakeGenerator
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_samplers.samplers import EveryFrame

EPISODES, FRAMES = 4, 50
SAMPLES = EPISODES * FRAMES
IN_FLIGHT = 64
SLOW = 0.15
"""Seconds until a response at most."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: of what, how slowly it is answered (seconds, at random below), and what is to happen to it.

    No answer comes before the file `gate` is there. Another `generator` answers in its own time, and logs nothing.
    """

    root: Path | Source
    out: Path
    log: Path
    slowness: float = 0.0
    seed: int = 0
    kill_at: int = -1
    side: str = "before"
    gate: Path | None = None
    generator: Generator | None = None
    options: dict[str, Any] = field(default_factory=dict)


class Logged(FakeGenerator):
    """Says what it is asked, and what it has answered, in a file that outlives it."""

    def __init__(self, job: Job) -> None:
        super().__init__(concurrency=IN_FLIGHT)
        self._job = job
        self._log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    async def generate(self, request):
        key = sample_key(request.sample)
        os.write(self._log, f"asked {key}\n".encode())
        while self._job.gate and not self._job.gate.exists():
            await asyncio.sleep(0.01)
        if self._job.slowness:
            await asyncio.sleep(random.Random(f"{self._job.seed} {key}").uniform(0.2, 1) * self._job.slowness)
        reply = await super().generate(request)
        os.write(self._log, f"answered {key}\n".encode())
        return reply


def make_dataset(root: Path, **layout: Any) -> Path:
    """Small pictures in the data, three skills an episode."""
    spans = [("reach the brick", 0.0, 1.5), ("lift the brick", 1.5, 3.0), ("place the brick", 3.0, 5.0)]
    told = [{"name": name, "start": start, "end": end} for name, start, end in spans]
    episodes = {str(i): {"episode_index": i, "description": "tidy up", "skills": told} for i in range(EPISODES)}
    recordings = [Recording(length=FRAMES, draw=_draw, task="tidy up") for _ in range(EPISODES)]
    settings = {"fps": 10, "cameras": ("observation.images.top",), "codec": "png", "episodes_per_data_file": 2}
    skills = {"coarse_description": "tidy up", "episodes": episodes}
    return write_dataset(root, recordings, Layout(**{**settings, **layout}), skills=skills, readme="# A dataset\n")


def _draw(camera: str, frame: int) -> Image.Image:
    return Image.new("RGB", (16, 16), (frame * 5, 90, 160))


def work(job: Job) -> None:
    """The run itself, in this process."""
    options = {"sampler": EveryFrame(), "prompt": "seed", **job.options}
    annotate(job.root, job.out, generator=job.generator or Logged(job), **options)


def _child(job: Job) -> None:
    errors = os.open(job.log.with_suffix(".errors"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(errors, 2)
    points = Points(job.kill_at, job.side, kill)
    points.begun = False
    stage = Workspace.stage

    def begin(self: Workspace) -> Path:
        points.begun = True
        return stage(self)

    Workspace.stage = begin
    try:
        with points.installed():
            work(job)
    except PgenError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(error.exit_code)
    job.log.with_suffix(".points").write_text(json.dumps(points.names))


class Process:
    """A run that was started. Any number of threads may each watch one of their own."""

    def __init__(self, process: multiprocessing.Process, lock: threading.Lock) -> None:
        self._process, self._lock, self.pid = process, lock, process.pid

    @property
    def code(self) -> int | None:
        """The exit code, negative where a signal killed it; None while it runs."""
        with self._lock:  # multiprocessing collects other threads' processes too
            return self._process.exitcode

    def wait(self, there: Callable[[], bool] = lambda: False) -> int | None:
        """Until it is there, or the process has ended; its exit code."""
        while (code := self.code) is None and not there():
            time.sleep(0.003)
        return code

    def send(self, number: int) -> None:
        """A signal, where there is still somebody to get it."""
        if self.code is None:
            os.kill(self.pid, number)


class Runs:
    """Starts runs in processes of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["fault_runs", "fault_server", "pgen.cli.text", "pgen_lerobot.write.sink"])

    def start(self, job: Job) -> Process:
        process = self._context.Process(target=_child, args=(job,))
        with self._lock:
            process.start()
        return Process(process, self._lock)

    def finish(self, job: Job) -> int:
        """The run's exit code; negative where a signal killed it."""
        return self.start(job).wait()


def asked(log: Path) -> Counter[str]:
    return _said(log, "asked ")


def in_flight(log: Path) -> int:
    return asked(log).total() - _said(log, "answered ").total()


def errors(job: Job) -> str:
    path = job.log.with_suffix(".errors")
    return path.read_text() if path.exists() else ""


def points(job: Job) -> list[str]:
    """The operations of a run's writing, in order."""
    names: list[str] = json.loads(job.log.with_suffix(".points").read_text())
    return names


def _said(log: Path, word: str) -> Counter[str]:
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(line.removeprefix(word) for line in lines if line.startswith(word))


def killed(runs: Runs, job: Job, after: int, number: int = signal.SIGKILL) -> int | None:
    """Send a signal once that many requests were sent; return the exit code."""
    process = runs.start(job)
    process.wait(lambda: asked(job.log).total() >= after)
    process.send(number)
    return process.wait()


def resumed(runs: Runs, job: Job, undisturbed: dict[str, str], samples: int = SAMPLES) -> int:
    """Start again and compare with an undisturbed run; return how many requests were repeated."""
    again = Job(job.root, job.out, job.log, options=job.options)
    code = runs.finish(again)
    assert code == 0 or "exists already" in errors(again), errors(again)
    assert contents(job.out) == undisturbed
    assert left_behind(job.out) == []
    counts = asked(job.log)
    assert len(counts) == samples
    return counts.total() - samples


def copied(prepared: Job, place: Path, name: str) -> Job:
    """Copy the working folder of a run with all results to an output of another name."""
    out = place / name
    shutil.copytree(prepared.out.with_name(f".{prepared.out.name}.pgen"), out.with_name(f".{name}.pgen"))
    shutil.copyfile(prepared.log, place / f"{name}.log")
    return Job(prepared.root, out, place / f"{name}.log")


def answered(runs: Runs, root: Path, place: Path) -> tuple[Job, list[str]]:
    """Kill a run as it begins to write; return it, and the operations that were still to come."""
    job = Job(root, place / "answered", place / "answered.log", kill_at=0)
    assert runs.finish(job) == -signal.SIGKILL
    whole = copied(job, place, "whole")
    assert runs.finish(whole) == 0
    return job, points(whole)
