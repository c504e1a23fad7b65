"""Estimate DROID and ten times that: requests, GPU hours, dollars, and the stage that limits the rate.

The requests are built for drawn episodes of DROID's length, as a run would send them; a server computes the tokens that
are not in its prefix cache, and writes the reply. The costs of pgen are measured in a few seconds; the throughput of a
GPU is published. A simulation of the pipeline turns them into hours. `--write PAGE` puts the tables into the page.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gpu_cost
import tokens
from common.costs import Costs, measured
from common.datasets import stills
from common.gpu import DOLLARS, HOUR, RATE, Work
from common.simulation import Machine, Outcome, simulate
from common.table import END, START
from pgen.components import Patches
from pgen.inference.scheduler import decoders
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt

GB = 1e9
GPUS = (1, 8, 64)
WORKERS = 8
EPISODES, FRAMES, FPS, CAMERAS = 95_600, 27_000_000, 15, 3
"""Of DROID."""
DRAWN = 8
"""Episodes whose requests are built."""
FORMS = {"default run": tokens.FORMS["default"], "a moment each second": tokens.Form(HiRobotPrompt(), 1.0)}


@dataclass(frozen=True, slots=True)
class Assumed:
    """Assumptions about the dataset, the model and the servers; each has a flag."""

    image: tuple[int, int] = (320, 180)
    patch: int = 28
    skills: int = 5
    gpu_tokens: float = RATE
    in_flight: int = 64
    cores: int = 16


@dataclass(frozen=True)
class Job:
    """`times` DROID, with what each episode costs in a form of run."""

    form: str
    times: int
    work: Work

    @property
    def name(self) -> str:
        return f"{'DROID' if self.times == 1 else f'{self.times} times DROID'}, {self.form}"

    @property
    def episodes(self) -> int:
        return self.times * EPISODES

    @property
    def frames(self) -> int:
        return self.times * FRAMES

    @property
    def requests(self) -> float:
        return self.episodes * self.work.requests

    @property
    def dialogues(self) -> float:
        return self.episodes * self.work.dialogues


def works(assumed: Assumed, tiny: bool) -> dict[str, Work]:
    """Return the work of an episode in each form of run."""
    root = stills(1 if tiny else DRAWN, FRAMES // EPISODES, cameras=CAMERAS, fps=FPS, skills=assumed.skills)
    patches, (source,) = Patches(assumed.patch, gpu_cost.PATCHES.least), tokens.sources([root])
    return {name: gpu_cost.of_pgen(form, source, assumed.image, patches) for name, form in FORMS.items()}


def lines(tiny: bool = False, assumed: Assumed | None = None) -> Iterator[str]:
    assumed = assumed or Assumed()
    costs, each = measured(tiny), works(assumed, tiny)
    jobs = [Job(form, times, work) for times in (1, 10) for form, work in each.items()]
    yield from _inputs(costs, assumed)
    yield ""
    yield from _episodes(each)
    yield ""
    yield from _jobs(jobs, costs, assumed)
    yield ""
    yield from _hours(each, jobs, costs, assumed, 400 if tiny else 20_000)


def machine(costs: Costs, assumed: Assumed, work: Work, gpus: int, processes: int) -> Machine:
    """Return `gpus` servers, each saturated by `in_flight` requests, and the decoders of a machine's cores."""
    latency = assumed.in_flight * work.tokens / work.requests / assumed.gpu_tokens
    decode = CAMERAS * (costs.decode + costs.encode)
    per_request = costs.request, latency, costs.commit, costs.store * work.dialogues / work.requests
    return Machine(
        processes, gpus, assumed.in_flight, decode, *per_request, min(decoders(assumed.cores), assumed.cores)
    )


def _inputs(costs: Costs, assumed: Assumed) -> Iterator[str]:
    yield from _head("input", "value", "where from")
    for name, seconds in (
        ("decoding an image of 640x480 (AV1, GOP 2), a second apart", costs.decode),
        ("encoding it as a JPEG", costs.encode),
        ("a request, from its prompt to its parsed reply", costs.request),
        ("a commit of the journal", costs.commit),
        ("a dialogue in it", costs.store),
    ):
        yield _row(name, f"{1000 * seconds:.2f} ms", "measured")
    yield _row("writing out a frame", f"{1e6 * costs.sink:.1f} µs", "measured")
    yield _row("a dialogue in the journal", f"{costs.journal_bytes:.0f} bytes", "measured")
    yield _row("a dialogue in the dataset", f"{costs.line_bytes:.0f} bytes", "measured")
    yield _row("a dialogue in memory while the dataset is written", f"{costs.held_bytes:.0f} bytes", "measured")
    width, height = assumed.image
    tokens_of_image = Patches(assumed.patch, gpu_cost.PATCHES.least).tokens(width, height)
    where = f"{width}x{height} pixels; a token for each square of {assumed.patch} pixels, and two around them"
    yield _row("an image", f"{tokens_of_image} tokens", where)
    yield _row("what a GPU computes and writes", f"{assumed.gpu_tokens:.0f} tokens per second", "published: see above")
    yield _row("requests in flight per GPU", str(assumed.in_flight), "pgen's default for a server")
    threads = f"{decoders(assumed.cores)} on {assumed.cores} cores"
    yield _row("threads that decode, in each process", threads, "the cores are assumed")


def _episodes(each: dict[str, Work]) -> Iterator[str]:
    yield from _head("an episode", "requests", "dialogues", "tokens computed", "tokens written", "tokens per dialogue")
    for form, work in each.items():
        counts = work.requests, work.dialogues, work.computed, work.written, work.tokens / work.dialogues
        yield _row(form, *(f"{count:,.{1 if count < 100 else 0}f}" for count in counts))


def _jobs(jobs: list[Job], costs: Costs, assumed: Assumed) -> Iterator[str]:
    columns = "GPU hours", "dollars", "journal", "added to the dataset", "memory while it is written", "writing out"
    yield from _head("job", "requests", "dialogues", "images", *columns)
    for job in jobs:
        hours = job.episodes * job.work.tokens / assumed.gpu_tokens / HOUR
        yield _row(
            job.name,
            f"{job.requests / 1e6:.2f} M",
            f"{job.dialogues / 1e6:.2f} M",
            f"{job.requests * CAMERAS / 1e6:.1f} M",
            f"{hours:,.0f}",
            f"{hours * DOLLARS:,.0f}",
            f"{job.dialogues * costs.journal_bytes / GB:.1f} GB",
            f"{(job.dialogues * costs.line_bytes + 8 * job.frames) / GB:.1f} GB",
            f"{job.dialogues * costs.held_bytes / GB:.1f} GB",
            f"{job.frames * costs.sink / HOUR:.2f} h",
        )


def _hours(each: dict[str, Work], jobs: list[Job], costs: Costs, assumed: Assumed, requests: int) -> Iterator[str]:
    """Yield the hours of each job, by GPUs and by processes that decode and send; the rest is of the first form."""
    stages = ("limited by", "decoding, event loop, servers, journal: busy", "cores")
    yield from _head(
        "GPUs", "decoding and sending", "requests per second", *(f"{job.name}: hours" for job in jobs), *stages
    )
    for gpus in GPUS:
        for processes in (1, WORKERS):
            machines = {form: machine(costs, assumed, work, gpus, processes) for form, work in each.items()}
            # Enough requests to fill the servers and have a steady middle of the run.
            count = max(requests, 8 * gpus * assumed.in_flight)
            outcomes = {form: simulate(simulated, count) for form, simulated in machines.items()}
            form = next(iter(outcomes))
            outcome = outcomes[form]
            yield _row(
                str(gpus),
                "the main process" if processes == 1 else f"{processes} Ray workers",
                f"{outcome.rate:.1f}",
                *(f"{job.requests / outcomes[job.form].rate / HOUR:,.1f}" for job in jobs),
                outcome.fullest,
                ", ".join(f"{share:.0%}" for share in outcome.busy.values()),
                f"{_cores(machines[form], outcome):.2f}",
            )


def _head(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|---" * len(cells) + "|"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cores(machine: Machine, outcome: Outcome) -> float:
    """Return the CPU seconds per second of all processes that decode and send."""
    return outcome.rate * (machine.decode + machine.request + machine.store)


def _written(page: Path, tables: list[str]) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{START}{'\n'.join(tables)}\n{END}{after}", encoding="utf-8")


def main() -> None:
    defaults = Assumed()
    parser = argparse.ArgumentParser(description="Estimate DROID and ten times that.")
    parser.add_argument("--tiny", action="store_true", help="only check that it runs")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    parser.add_argument("--image", default="320x180", metavar="WxH", help="pixels that the model sees")
    parser.add_argument("--patch", type=int, default=defaults.patch, help="pixels of a token's side: 28, Qwen3-VL 32")
    parser.add_argument("--skills", type=int, default=defaults.skills, help="skills of an episode")
    parser.add_argument("--gpu-tokens", type=float, default=defaults.gpu_tokens, help="tokens per second and GPU")
    parser.add_argument("--cores", type=int, default=defaults.cores, help="cores of each process's machine")
    parser.add_argument("--in-flight", type=int, default=defaults.in_flight, help="requests in flight per GPU")
    options = vars(parser.parse_args())
    tiny, page = options.pop("tiny"), options.pop("write")
    options["image"] = tuple(map(int, options["image"].split("x")))
    tables = []
    for line in lines(tiny, Assumed(**options)):
        print(line, flush=True)
        tables.append(line)
    if page:
        _written(page, tables)


if __name__ == "__main__":
    main()
