"""Runs that are blocked for good at some place, or stopped there by the system, and say so in their log."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fault_runs import Job, Logged, _child

from pgen.inference.pipeline import Pipeline
from pgen.storage import lock_holder as holders
from pgen.storage import locking
from pgen.storage.workspace import Workspace

AFTER = 24
"""Questions that are answered before."""
FOREVER = 3600


def forever() -> None:
    time.sleep(FOREVER)


def hold_the_interpreter() -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")


def _said(job: Job, block: Callable[[], Any]) -> Any:
    with job.log.open("a") as file:
        file.write("blocked\n")
    return block()


def _asking(job: Job, block: Callable[[], Any]) -> Any:
    """Blocks at a question."""
    answer, count = Logged.generate, iter(range(1_000_000))

    async def generate(self: Logged, request: Any) -> Any:
        if next(count) == AFTER:
            await asyncio.sleep(0.5)  # the answers of the others are stored meanwhile
            if waits := _said(job, block):
                await waits
        return await answer(self, request)

    return patch.object(Logged, "generate", generate)


def _decoding(job: Job) -> Any:
    read, count = Pipeline.read, iter(range(1_000_000))

    def blocked(self: Pipeline, *args: Any) -> Any:
        return _said(job, forever) if next(count) == 3 * AFTER else read(self, *args)

    return patch.object(Pipeline, "read", blocked)


PLACES: dict[str, Callable[[Job], Any]] = {
    "the event loop": lambda job: _asking(job, forever),
    "a generator's thread": lambda job: _asking(job, lambda: asyncio.to_thread(forever)),
    "the interpreter": lambda job: _asking(job, lambda: asyncio.to_thread(hold_the_interpreter)),
    "a decoder's thread": _decoding,
    "the write-out": lambda job: patch.object(Workspace, "stage", lambda self: _said(job, forever)),
    "the publication": lambda job: patch.object(Workspace, "publish", lambda self, _: _said(job, forever)),
}


def blocked(job: Job, place: str) -> None:
    """The run, in this process."""
    with PLACES[place](job):
        _child(job)


def on_host(job: Job, host: str, reached: Path | None = None) -> None:
    """Run as a process on that host, on a file system without locks.

    The process waits for its gate before it answers. Where `reached` is given, it creates that file before it
    publishes, and waits for the file `resumed` beside it.
    """
    publish = Workspace.publish

    def waiting(self: Workspace, told: Any = None) -> None:
        if reached:
            reached.touch()
            while not reached.with_name("resumed").exists():
                time.sleep(0.01)
        publish(self, told)

    with (
        patch.object(holders, "host_name", lambda: host),
        patch.object(locking, "_flock", lambda *_: None),
        patch.object(Workspace, "publish", waiting),
    ):
        _child(job)
