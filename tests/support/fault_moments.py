"""Runs whose requests each ask for several dialogues of a moment, and the contents of their journals.

`recorded` and the logs name dialogues by their keys in the journal.
"""

import asyncio
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from fault_server import REPLY, SCHEMA

from pgen import Options, Reply, tuning
from pgen.components import Generator, MomentPromptBuilder
from pgen.inference.rollout import RolloutContext
from pgen.records import Plan, Prompt, Request, Sample
from pgen.seeds import journal_key
from pgen.testing import plain_answer


class MomentQuestion(MomentPromptBuilder):
    """A prompt that contains only the skill and the variants of its samples."""

    name = "moment-question"

    def build_moment(self, samples: Sequence[Sample], seed: int) -> Prompt:
        variants = " ".join(str(sample.question.variant) for sample in samples)
        plans = tuple(Plan() for _ in samples)
        return Prompt(f"Question: {samples[0].span.skill}: {variants}.", SCHEMA, plans=plans)

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        return REPLY

    def fingerprint(self) -> str:
        return "moment-question"


class MomentOptions(Options):
    log: Path = tuning(Path())
    lanes: int = tuning(4)
    seconds: float = tuning(0.0)
    between: int = tuning(0)
    """The number of the moment at which the process ends once, when only some of its dialogues are recorded."""
    missing: int = tuning(-1)
    """The variant that no reply contains."""


class MomentLog(Generator[MomentOptions]):
    """Logs each request with the dialogues that it asks for."""

    name = "moment-log"
    several = True

    @property
    def concurrency(self) -> int:
        return self.options.lanes

    async def open(self) -> None:
        died = self.options.log.with_suffix(".died")
        if self.options.between and not died.exists():
            _end_between(self.options.between, died)

    async def generate(self, request: Request) -> Reply:
        samples = [request.samples[number - 1] for number in request.numbers]
        keys = " ".join(journal_key(sample).hex() for sample in samples)
        with self.options.log.open("a") as file:
            file.write(f"{keys}\n")
        await asyncio.sleep(self.options.seconds)
        text = plain_answer(request)
        for number, sample in zip(request.numbers, samples, strict=True):
            if sample.question.variant == self.options.missing:
                text = text.replace(f'"number": {number}', '"number": 0')
        return Reply(text)


def _end_between(moment: int, died: Path) -> None:
    """End this process once all dialogues of a moment except the last are committed.

    A run commits them together; workers of Ray, and earlier versions, may not.
    """
    real, count = RolloutContext.record_all, 0

    async def record_all(context: RolloutContext, results: Sequence[Any]) -> None:
        nonlocal count
        count += len(results) > 1
        if count == moment and not died.exists():
            await real(context, results[:-1])
            with suppress(FileExistsError):  # another worker was first
                died.touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
            results = results[-1:]
        await real(context, results)

    RolloutContext.record_all = record_all  # type: ignore[method-assign]


def requests(log: Path) -> list[list[str]]:
    """Return the dialogues of each request."""
    return [line.split() for line in log.read_text().splitlines()]


def requested(log: Path) -> Counter[str]:
    """Return how often each dialogue was requested."""
    return Counter(key for request in requests(log) for key in request)


def recorded(out: Path) -> set[str]:
    """Return the dialogues in the journal of a run that was killed."""
    return {key for key, _ in _rows(out)}


def recorded_texts(out: Path) -> list[str]:
    """Return the rows of the dialogues in the journal of a run that was killed."""
    return [content for _, content in _rows(out)]


def _rows(out: Path) -> list[tuple[str, str]]:
    journal = out.with_name(f".{out.name}.pgen") / "journal.sqlite"
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
        rows: list[tuple[str, str]] = db.execute(
            "SELECT lower(hex(key)), content FROM samples WHERE ok AND episode >= 0"
        ).fetchall()
    return rows
