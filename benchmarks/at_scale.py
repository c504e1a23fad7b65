"""Estimate DROID and ten times that: requests, hours on 1, 8 and 64 GPUs, and the stage that limits the rate.

The costs of pgen are measured in a few seconds; the throughput of a GPU is an assumption from a published benchmark. A
simulation of the pipeline turns them into hours. `--write PAGE` puts the tables into the page.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.costs import Costs, measured
from common.simulation import Machine, Outcome, simulate
from common.table import END, START
from pgen.inference.scheduler import decoders

HOUR, GB = 3600.0, 1e9
GPUS = (1, 8, 64)
WORKERS = 8
GPU_REQUESTS, GPU_TOKENS = 3.1, 23 * 17 + 128 + 128
"""Requests per second, and tokens of each (an image of 640x480, text, reply): Qwen2.5-VL-7B-Instruct on one H100 by
vLLM 0.7.2, from the model card of neuralmagic/Qwen2.5-VL-7B-Instruct-quantized.w4a16, the row of the unquantized
model. Nothing of it was measured here."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """Assumptions about the dataset, the model and the servers; each has a flag."""

    picture: tuple[int, int] = (320, 180)
    patch: int = 28
    skills: int = 5
    characters: float = 4.0
    gpu_tokens: float = GPU_REQUESTS * GPU_TOKENS
    in_flight: int = 64
    cores: int = 16


@dataclass(frozen=True, slots=True)
class Job:
    """A dataset and the number of its samples."""

    name: str
    episodes: int
    frames: int
    fps: float
    cameras: int
    requests: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one request. An image has a token per square of `patch` pixels, and two around them."""

    images: int
    text: int
    reply: int

    @classmethod
    def of(cls, assumed: Assumed, costs: Costs, cameras: int) -> "Tokens":
        width, height = (max(2, round(side / assumed.patch)) for side in assumed.picture)
        text = costs.prompt_characters / assumed.characters
        return cls(cameras * (width * height + 2), round(text), round(costs.reply_characters / assumed.characters))

    @property
    def read(self) -> int:
        return self.images + self.text


def droid(times: int, skills: int) -> Iterator[Job]:
    """Yield `times` DROID with a sample each second, and with one at the start of each skill."""
    episodes, frames = times * 95_600, times * 27_000_000
    name = "DROID" if times == 1 else f"{times} times DROID"
    seconds = frames / 15
    yield Job(f"{name}, a sample a second", episodes, frames, 15, 3, round(seconds + episodes / 2))
    yield Job(f"{name}, a sample a skill", episodes, frames, 15, 3, skills * episodes)


def lines(tiny: bool = False, assumed: Assumed | None = None) -> Iterator[str]:
    assumed = assumed or Assumed()
    costs = measured(tiny)
    jobs = [job for times in (1, 10) for job in droid(times, assumed.skills)]
    tokens = Tokens.of(assumed, costs, 3)
    yield from _inputs(costs, assumed, tokens)
    yield ""
    yield from _requests(jobs, costs, tokens)
    yield ""
    yield from _hours(jobs, costs, assumed, tokens, 400 if tiny else 20_000)


def machine(costs: Costs, assumed: Assumed, tokens: Tokens, gpus: int, processes: int) -> Machine:
    """Return `gpus` servers, each saturated by `in_flight` requests, and the decoders of a machine's cores."""
    rate = assumed.gpu_tokens / (tokens.read + tokens.reply)
    decode = 3 * (costs.decode + costs.encode)
    latency = assumed.in_flight / rate
    threads = decoders(assumed.cores)
    per_request = costs.request, latency, costs.commit, costs.store
    return Machine(processes, gpus, assumed.in_flight, decode, *per_request, threads)


def _inputs(costs: Costs, assumed: Assumed, tokens: Tokens) -> Iterator[str]:
    width, height = assumed.picture
    pictures = f"{width}x{height} pixels, {assumed.patch} a token's side"
    yield from _head("input", "value", "where from")
    for name, seconds in (
        ("decoding a picture of 640x480 (AV1, GOP 2), a second apart", costs.decode),
        ("encoding it as a JPEG", costs.encode),
        ("a request, from its prompt to its parsed reply", costs.request),
        ("a commit of the journal", costs.commit),
        ("the dialogues of a request in it", costs.store),
    ):
        yield _row(name, f"{1000 * seconds:.2f} ms", "measured")
    yield _row("writing out a frame", f"{1e6 * costs.sink:.1f} µs", "measured")
    yield _row("the dialogues of a request in the journal", f"{costs.journal_bytes:.0f} bytes", "measured")
    yield _row("the dialogues of a request in the dataset", f"{costs.line_bytes:.0f} bytes", "measured")
    yield _row("what is held of them while the dataset is written", f"{costs.held_bytes:.0f} bytes", "measured")
    yield _row("a request's pictures", f"{tokens.images} tokens", f"{pictures}, and two around each")
    texts = f"{tokens.text}, {tokens.reply} tokens"
    yield _row(
        "a request's text, its reply", texts, f"their length; {assumed.characters:g} characters a token, assumed"
    )
    yield _row("what a GPU reads and writes", f"{assumed.gpu_tokens:.0f} tokens a second", "assumed: see above")
    yield _row("requests in flight a GPU", str(assumed.in_flight), "pgen's default for a server")
    threads = f"{decoders(assumed.cores)} on {assumed.cores} cores"
    yield _row("threads that decode, each process", threads, "the cores are assumed")


def _requests(jobs: list[Job], costs: Costs, tokens: Tokens) -> Iterator[str]:
    columns = ("tokens read", "written", "journal", "added to the dataset", "held while it is written", "writing out")
    yield from _head("job", "requests", "images", *columns)
    for job in jobs:
        n = job.requests
        yield _row(
            job.name,
            f"{n / 1e6:.2f} M",
            f"{n * job.cameras / 1e6:.1f} M",
            f"{n * tokens.read / 1e9:.2f} G",
            f"{n * tokens.reply / 1e9:.2f} G",
            f"{n * costs.journal_bytes / GB:.1f} GB",
            f"{(n * costs.line_bytes + 8 * job.frames) / GB:.1f} GB",
            f"{n * costs.held_bytes / GB:.1f} GB",
            f"{job.frames * costs.sink / HOUR:.2f} h",
        )


def _hours(jobs: list[Job], costs: Costs, assumed: Assumed, tokens: Tokens, requests: int) -> Iterator[str]:
    """Yield the hours of each job, by GPUs and by processes that decode and send."""
    stages = ("full first", "decoding, event loop, servers, journal: busy", "cores")
    yield from _head(
        "GPUs", "decoding and asking", "requests a second", *(f"{job.name}: hours" for job in jobs), *stages
    )
    for gpus in GPUS:
        for processes in (1, WORKERS):
            simulated = machine(costs, assumed, tokens, gpus, processes)
            # Enough requests to fill the servers and have a steady middle of the run.
            outcome = simulate(simulated, max(requests, 8 * gpus * assumed.in_flight))
            who = "the coordinator" if processes == 1 else f"{processes} Ray workers"
            hours = (f"{job.requests / outcome.rate / HOUR:.1f}" for job in jobs)
            busy = ", ".join(f"{share:.0%}" for share in outcome.busy.values())
            yield _row(
                str(gpus),
                who,
                f"{outcome.rate:.1f}",
                *hours,
                outcome.fullest,
                busy,
                f"{_cores(simulated, outcome):.2f}",
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
    parser.add_argument("--picture", default="320x180", metavar="WxH", help="pixels that the model sees")
    parser.add_argument("--patch", type=int, default=defaults.patch, help="pixels of a token's side: 28, Qwen3-VL 32")
    parser.add_argument("--skills", type=int, default=defaults.skills, help="skills an episode")
    parser.add_argument("--characters", type=float, default=defaults.characters, help="characters a token")
    parser.add_argument("--gpu-tokens", type=float, default=defaults.gpu_tokens, help="tokens a second a GPU")
    parser.add_argument("--cores", type=int, default=defaults.cores, help="cores of each process's machine")
    parser.add_argument("--in-flight", type=int, default=defaults.in_flight, help="requests in flight a GPU")
    options = vars(parser.parse_args())
    tiny, page = options.pop("tiny"), options.pop("write")
    options["picture"] = tuple(map(int, options["picture"].split("x")))
    tables = []
    for line in lines(tiny, Assumed(**options)):
        print(line, flush=True)
        tables.append(line)
    if page:
        _written(page, tables)


if __name__ == "__main__":
    main()
