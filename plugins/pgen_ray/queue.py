"""What a worker was given and has yet to begin, and how much more it wants."""

import asyncio

from pgen.records import Sample

AHEAD = 2
"""Episodes that wait at a worker, beside those whose samples are on their way."""

_ENDED = None


class Feed:
    """Episodes for the pipeline, as they are given. `wants` counts those that nobody was told of yet."""

    def __init__(self, changed: asyncio.Event) -> None:
        self._changed = changed
        self._queue: asyncio.Queue[list[Sample] | None] = asyncio.Queue()
        self._waiting = self._promised = 0

    def __aiter__(self) -> "Feed":
        return self

    async def __anext__(self) -> list[Sample]:
        self._waiting += 1
        self._changed.set()
        try:
            group = await self._queue.get()
        finally:
            self._waiting -= 1
        if group is _ENDED:
            self._queue.put_nowait(_ENDED)
            raise StopAsyncIteration
        return group

    @property
    def wants(self) -> int:
        return AHEAD + self._waiting - self._queue.qsize() - self._promised

    @property
    def idle(self) -> bool:
        """Whether the pipeline waits, and somebody has to be told."""
        return self._waiting > 0 and self.wants > 0

    def told(self) -> int:
        """`wants`, which somebody is told of now."""
        wants = max(0, self.wants)
        self._promised += wants
        return wants

    def put(self, samples: list[Sample]) -> None:
        self._promised -= 1
        self._queue.put_nowait(samples)

    def end(self) -> None:
        self._queue.put_nowait(_ENDED)
