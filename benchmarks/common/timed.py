"""A generator that answers immediately or after a time, and logs when it was asked."""

import asyncio
import os
from pathlib import Path
from random import uniform
from time import monotonic, process_time

from pgen.components import Generator, Options, tuning
from pgen.records import Reply, Request
from pgen.testing import plain_answer


class TimedOptions(Options):
    folder: Path | None = tuning(None)
    """Each process logs its requests in a file there: the time, and the CPU time of the process."""
    crowd: int = tuning(1)
    """Processes that must have such a file before the first of them answers."""
    latency: float = tuning(0.0)
    concurrency: int = tuning(64)


class Timed(Generator[TimedOptions]):
    """Answers after `latency` seconds, plus or minus up to half of them."""

    name = "timed"
    several = True

    @property
    def concurrency(self) -> int:
        return self.options.concurrency

    async def open(self) -> None:
        folder = self.options.folder
        self._log = (folder / f"{os.getpid()}.log").open("w") if folder else None
        self._complete = folder is None

    async def close(self) -> None:
        if self._log:
            self._log.close()

    async def generate(self, request: Request) -> Reply:
        while not self._complete and not self._is_complete():
            await asyncio.sleep(0.05)
        if self._log:
            print(monotonic(), process_time(), file=self._log)
        if self.options.latency:
            await asyncio.sleep(self.options.latency * uniform(0.5, 1.5))
        return Reply(plain_answer(request))

    def _is_complete(self) -> bool:
        assert self.options.folder
        self._complete = len(list(self.options.folder.glob("*.log"))) >= self.options.crowd
        return self._complete
