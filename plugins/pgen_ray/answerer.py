"""One worker that answers single questions: an actor of Ray with a generator of its own."""

import asyncio
import pickle
from typing import Any

from pgen.components import Generator
from pgen_ray.worker_protocol import Opened, Warnings, told, unpacked


class Answerer:
    """`work` is the pickled generator, `folder` the one that relative paths begin at."""

    def __init__(self, work: bytes, folder: str) -> None:
        self._work, self._folder = work, folder
        self._warnings: asyncio.Queue[str] = asyncio.Queue()

    async def here(self) -> None:
        """Answers once the actor has a place to run."""

    async def open(self) -> bytes:
        """An Opened, once the generator is open."""
        return await told(self._open)

    async def generate(self, request: bytes) -> bytes:
        """The Reply to a pickled Request."""
        return await told(lambda: self._generator.generate(pickle.loads(request)))

    async def warning(self) -> bytes:
        """The next warning, as soon as there is one."""
        return await told(self._warnings.get)

    async def close(self) -> bytes:
        """What the generator found out, once it is closed."""
        return await told(self._close)

    async def _open(self) -> Opened:
        Warnings(self._warnings.put_nowait)
        self._generator: Generator = unpacked(self._work, self._folder)
        await self._generator.open()
        return Opened(self._generator.model, self._generator.provenance())

    async def _close(self) -> dict[str, Any]:
        await self._generator.close()
        return self._generator.provenance()
