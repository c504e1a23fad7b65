"""Runs that block permanently at one point, or that stop there until the test continues them."""

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
"""The number of requests before the block."""
FOREVER = 3600


def forever() -> None:
    time.sleep(FOREVER)


def hold_the_interpreter() -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")


def _block(job: Job, block: Callable[[], Any]) -> Any:
    with job.log.open("a") as file:
        file.write("blocked\n")
    return block()


def _request_blocked(job: Job, block: Callable[[], Any]) -> Any:
    """Block at a request."""
    generate_reply, count = Logged.generate, iter(range(1_000_000))

    async def generate(self: Logged, request: Any) -> Any:
        if next(count) == AFTER:
            await asyncio.sleep(0.5)  # meanwhile the results of other requests are stored
            if waits := _block(job, block):
                await waits
        return await generate_reply(self, request)

    return patch.object(Logged, "generate", generate)


def _read_blocked(job: Job) -> Any:
    read, count = Pipeline.read, iter(range(1_000_000))

    def blocked(self: Pipeline, *args: Any) -> Any:
        return _block(job, forever) if next(count) == 3 * AFTER else read(self, *args)

    return patch.object(Pipeline, "read", blocked)


BLOCKS: dict[str, Callable[[Job], Any]] = {
    "the event loop": lambda job: _request_blocked(job, forever),
    "a generator's thread": lambda job: _request_blocked(job, lambda: asyncio.to_thread(forever)),
    "the interpreter": lambda job: _request_blocked(job, lambda: asyncio.to_thread(hold_the_interpreter)),
    "a decoder's thread": _read_blocked,
    "the write-out": lambda job: patch.object(Workspace, "stage", lambda self: _block(job, forever)),
    "the publication": lambda job: patch.object(Workspace, "publish", lambda self, _: _block(job, forever)),
}


def blocked(job: Job, name: str) -> None:
    """Execute a run that blocks, in this process."""
    with BLOCKS[name](job):
        _child(job)


def on_host(job: Job, host: str, reached: Path | None = None) -> None:
    """Run as a process on that host, on a file system without locks.

    With `reached`, the process creates that file before it publishes, and waits for the file `resumed` beside it.
    """
    publish = Workspace.publish

    def waiting(self: Workspace, summary: Any = None) -> None:
        if reached:
            reached.touch()
            while not reached.with_name("resumed").exists():
                time.sleep(0.01)
        publish(self, summary)

    with (
        patch.object(holders, "host_name", lambda: host),
        patch.object(locking, "_flock", lambda *_: None),
        patch.object(Workspace, "publish", waiting),
    ):
        _child(job)
