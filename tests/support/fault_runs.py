"""Runs in processes of their own, which can be killed and resumed."""

import asyncio
import json
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import fault_processes
from fault_points import Points, kill
from output_files import contents, leftovers
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
MAX_LATENCY = 0.15
"""The longest latency of a response, in seconds."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: its source, its output, the longest latency of a response in seconds (each is random), and a fault.

    No response is returned before the file `gate` exists. Another `generator` has its own latency and no log.
    """

    root: Path | Source
    out: Path
    log: Path
    max_latency: float = 0.0
    seed: int = 0
    kill_at: int = -1
    side: str = "before"
    gate: Path | None = None
    generator: Generator | None = None
    options: dict[str, Any] = field(default_factory=dict)


class Logged(FakeGenerator):
    """Logs each request and each response in a file that outlives the process."""

    def __init__(self, job: Job) -> None:
        super().__init__(concurrency=IN_FLIGHT)
        self._job = job
        self._log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    async def generate(self, request):
        key = sample_key(request.sample)
        os.write(self._log, f"requested {key}\n".encode())
        while self._job.gate and not self._job.gate.exists():
            await asyncio.sleep(0.01)
        if self._job.max_latency:
            await asyncio.sleep(random.Random(f"{self._job.seed} {key}").uniform(0.2, 1) * self._job.max_latency)
        reply = await super().generate(request)
        os.write(self._log, f"responded {key}\n".encode())
        return reply


def make_dataset(root: Path, **layout: Any) -> Path:
    """Write a dataset with small images in its data, and three skills in each episode."""
    skills = [("reach the brick", 0.0, 1.5), ("lift the brick", 1.5, 3.0), ("place the brick", 3.0, 5.0)]
    spans = [{"name": name, "start": start, "end": end} for name, start, end in skills]
    episodes = {str(i): {"episode_index": i, "description": "tidy up", "skills": spans} for i in range(EPISODES)}
    recordings = [Recording(length=FRAMES, draw=_draw, task="tidy up") for _ in range(EPISODES)]
    settings = {"fps": 10, "cameras": ("observation.images.top",), "codec": "png", "episodes_per_data_file": 2}
    annotations = {"coarse_description": "tidy up", "episodes": episodes}
    return write_dataset(root, recordings, Layout(**{**settings, **layout}), skills=annotations, readme="# A dataset\n")


def _draw(camera: str, frame: int) -> Image.Image:
    return Image.new("RGB", (16, 16), (frame * 5, 90, 160))


def work(job: Job) -> None:
    """Execute the run in this process."""
    options = {"sampler": EveryFrame(), "prompt": "seed", **job.options}
    annotate(job.root, job.out, generator=job.generator or Logged(job), **options)


def _child(job: Job) -> None:
    errors = os.open(job.log.with_suffix(".errors"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(errors, 2)
    points = Points(job.kill_at, job.side, kill)
    points.active = False
    stage = Workspace.stage

    def activate(self: Workspace) -> Path:
        points.active = True
        return stage(self)

    Workspace.stage = activate
    try:
        with points.installed():
            work(job)
    except PgenError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(error.exit_code)
    job.log.with_suffix(".points").write_text(json.dumps(points.names))


class Process:
    """A run that was started. Each thread may watch one."""

    def __init__(self, process: BaseProcess) -> None:
        self._process, self.pid = process, process.pid

    @property
    def code(self) -> int | None:
        """The exit code, negative if a signal killed the process; None while it runs."""
        with fault_processes.LOCK:
            return self._process.exitcode

    def wait(self, until: Callable[[], bool] = lambda: False) -> int | None:
        """Wait until a condition holds or the process has ended; return its exit code."""
        while (code := self.code) is None and not until():
            wait_for([self._process.sentinel], timeout=0.003)
        return code

    def send(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.code is None:
            os.kill(self.pid, number)


class Runs:
    """Starts runs in processes of their own."""

    def start(self, job: Job, target: Callable[..., None] | None = None, *arguments: Any) -> Process:
        """Start the run, or call the target with the run and the arguments."""
        return Process(fault_processes.start(target or _child, job, *arguments))

    def finish(self, job: Job) -> int:
        """Execute a run to its end; return its exit code, negative if a signal killed it."""
        return self.start(job).wait()


def request_counts(log: Path) -> Counter[str]:
    """Return how often each sample was requested."""
    return _logged(log, "requested ")


def requests_sent(log: Path) -> int:
    """Return the number of requests, in a way that is fast enough to wait for it."""
    return log.read_bytes().count(b"requested ") if log.exists() else 0


def in_flight(log: Path) -> int:
    """Return the number of requests without a response."""
    return request_counts(log).total() - _logged(log, "responded ").total()


def errors(job: Job) -> str:
    path = job.log.with_suffix(".errors")
    return path.read_text() if path.exists() else ""


def points(job: Job) -> list[str]:
    """Return the disk operations of a run while it writes its output, in order."""
    names: list[str] = json.loads(job.log.with_suffix(".points").read_text())
    return names


def _logged(log: Path, word: str) -> Counter[str]:
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(line.removeprefix(word) for line in lines if line.startswith(word))


def kill_after(runs: Runs, job: Job, after: int, number: int = signal.SIGKILL) -> int | None:
    """Send a signal once this many requests were sent; return the exit code."""
    process = runs.start(job)
    process.wait(lambda: requests_sent(job.log) >= after)
    process.send(number)
    return process.wait()


def resume(runs: Runs, job: Job, undisturbed: dict[str, str], samples: int = SAMPLES) -> int:
    """Start again and compare with an undisturbed run; return how many requests were repeated."""
    again = Job(job.root, job.out, job.log, options=job.options)
    code = runs.finish(again)
    assert code == 0 or "exists already" in errors(again), errors(again)
    assert contents(job.out) == undisturbed
    assert leftovers(job.out) == []
    counts = request_counts(job.log)
    assert len(counts) == samples
    return counts.total() - samples


def copy_of(prepared: Job, folder: Path, name: str) -> Job:
    """Copy the working folder of a run with all results to an output of another name."""
    out = folder / name
    shutil.copytree(prepared.out.with_name(f".{prepared.out.name}.pgen"), out.with_name(f".{name}.pgen"))
    shutil.copyfile(prepared.log, folder / f"{name}.log")
    return Job(prepared.root, out, folder / f"{name}.log")


def run_until_write(runs: Runs, root: Path, folder: Path) -> tuple[Job, list[str]]:
    """Kill a run when it begins to write its output; return it, and the operations that remained."""
    job = Job(root, folder / "answered", folder / "answered.log", kill_at=0)
    assert runs.finish(job) == -signal.SIGKILL
    complete = copy_of(job, folder, "whole")
    assert runs.finish(complete) == 0
    return job, points(complete)
