"""What the tests of Ray run: components that travel to workers, and runs that are compared.

Generators here keep a log in a file: a line for each dialogue, as it is asked for, with the worker's process.
"""

import asyncio
import json
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pgen
from pgen import ConfigError, Options, Reply, tuning
from pgen.components import Generator
from pgen.testing import FakeSource, make_episode, plain_answer
from pgen_ray.executor import RayExecutor
from pgen_samplers.samplers import EveryFrame


class LoggedOptions(Options):
    log: Path = tuning(Path())
    lanes: int = tuning(4)
    seconds: float = tuning(0.0)
    deadly: str = tuning("")
    """`EPISODE-FRAME` at which the process ends: once, or each time with `always`."""
    always: bool = tuning(False)
    crowd: int = tuning(1)
    """How many workers have to have asked before the first of them goes on."""
    fail: tuple[str, ...] = tuning(())
    """`EPISODE-FRAME` of what cannot be answered."""


class Logged(Generator[LoggedOptions]):
    """Answers, and writes down what it was asked."""

    name = "logged"

    @property
    def concurrency(self):
        return self.options.lanes

    @property
    def model(self):
        return "logged-1"

    async def generate(self, request):
        options, place = self.options, f"{request.sample.span.episode_index}-{request.sample.moment.frame_index}"
        with options.log.open("a") as file:
            file.write(f"{place} {os.getpid()}\n" * len(request.numbers))
        if options.deadly == place:
            await self._die(len(request.numbers))
        while len({line.split()[1] for line in options.log.read_text().splitlines()}) < options.crowd:
            await asyncio.sleep(0.02)
        await asyncio.sleep(options.seconds)
        if place in options.fail:
            raise pgen.SampleError("refused", "not this one")
        return Reply(plain_answer(request))

    async def _die(self, in_flight):
        """Once all that was answered here is in the journal, so that it is known what is in flight."""
        options, once = self.options, self.options.log.with_suffix(".died")
        if once.exists() and not options.always:
            return
        asked = [line.split()[1] for line in options.log.read_text().splitlines()].count(str(os.getpid()))
        out = options.log.with_name("out")
        while not options.always and stored(out, os.getpid(), options.log) < asked - in_flight:
            await asyncio.sleep(0.02)
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class Moments(Logged):
    """Answers requests for all dialogues of a moment."""

    name = "moments"
    several = True


class Closed(Generator):
    """Cannot be opened."""

    name = "closed"

    async def open(self):
        raise ConfigError("closed: this generator never opens; take another.")

    async def generate(self, request):
        raise AssertionError("it never opens")


class Same(Logged):
    """Says the same of every sample."""

    name = "same"

    async def generate(self, request):
        await super().generate(request)
        return Reply(json.dumps({"user_prompt": "Please go on.", "robot_utterance": "I do."}))


class CuttingOptions(Options):
    log: Path = tuning(Path())
    deadly: str = tuning("")
    """`EPISODE-QUESTION` at which the process ends: once, or each time with `always`."""
    always: bool = tuning(False)
    refused: str = tuning("")
    """`EPISODE-QUESTION` that is not answered."""


class Cutting(Generator[CuttingOptions]):
    """Cuts whatever it is shown in the middle, and writes down what it was asked."""

    name = "cutting"

    async def generate(self, request):
        options, (question,) = self.options, request.prompt.schema["properties"]
        place = f"{request.sample.span.episode_index}-{question}"
        with options.log.open("a") as file:
            file.write(f"{place}\n")
        died = options.log.with_suffix(".died")
        if options.deadly == place and (options.always or not died.exists()):
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if options.refused == place:
            raise pgen.SampleError("refused", "not this one")
        end = request.sample.moment.clip[-1].timestamp
        spans = [
            {"name": "reach for it", "start": 0, "end": end / 2},
            {"name": "lift it", "start": end / 2, "end": end},
        ]
        return Reply(json.dumps({question: spans if question == "skills" else f"The arm moves in {place}."}))


class NamingSpans(Generator[CuttingOptions]):
    """Names each numbered span of an episode, or groups its skills; writes down about which episode it was asked."""

    name = "naming-spans"

    async def generate(self, request):
        from hybrid_helpers import pick

        episode = request.sample.span.episode_index
        with self.options.log.open("a") as file:
            file.write(f"{episode}\n")
        died = self.options.log.with_suffix(".died")
        if self.options.deadly == str(episode) and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if "phases" in request.prompt.schema["properties"]:
            phases = {"reach": [1], "go on": [2, 3]}
            return Reply(json.dumps({"phases": [{"numbers": it, "name": name} for name, it in phases.items()]}))
        return Reply(json.dumps(pick(request.prompt.text)))


class Named(Generator):
    """Says that another model answers in each process."""

    name = "named"

    @property
    def model(self):
        return f"model-{os.getpid()}"

    async def generate(self, request):
        await asyncio.sleep(0.2)
        return Reply(plain_answer(request))


class Judging(Generator):
    """Finds everything middling."""

    name = "judging"

    async def generate(self, request):
        fields = request.prompt.schema["properties"]
        return Reply(json.dumps({name: 3 if name[-7:] != "_reason" else "So it is." for name in fields}))


def stored(out: Path, process: int, log: Path) -> int:
    """How many answers the journal of a run holds of what that process was asked; those of others are in order."""
    journal = out.with_name(f".{out.name}.pgen") / "journal.sqlite"
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
        (count,) = db.execute("SELECT count(*) FROM samples").fetchone()
    others = sum(1 for line in log.read_text().splitlines() if line.split()[1] != str(process))
    return count - others


def source(episodes: int = 6, length: int = 24) -> FakeSource:
    spans = (("robot arm moves towards pink lego brick", 0.0, 1.2), ("robot arm picks up pink lego brick", 1.2, 2.4))
    return FakeSource(*(make_episode(*spans, index=index, length=length) for index in range(episodes)))


def annotate(out: Path, generator, executor="ray", **options):
    """A run over all frames of `source()`, by two workers where it is Ray's."""
    options = {"source": source(), "sampler": EveryFrame(), "prompt": "seed", **options}
    ray = RayExecutor(workers=2) if executor == "ray" else executor
    return pgen.annotate(options.pop("source"), out, generator=generator, executor=ray, **options)


def lines(out: Path) -> list[dict]:
    (file,) = out.rglob("syn_annotations.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def manifest(out: Path) -> dict:
    (file,) = out.rglob("manifest.json")
    return json.loads(file.read_text())


def asked(log: Path) -> Counter:
    return Counter(line.split()[0] for line in log.read_text().splitlines())


def files(out: Path) -> dict[str, bytes]:
    """Every file of an output; the manifest without its times and its executor."""
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (name,) = [name for name in found if name.endswith("manifest.json")]
    told = json.loads(found[name])
    del told["times"], told["executor"]
    return found | {name: json.dumps(told).encode()}
