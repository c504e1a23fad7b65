"""The groups that a worker has and did not begin, and how many more it wants."""

import asyncio
from typing import Any

PREFETCH = 2
"""Groups that wait at a worker, beside those whose items are in progress."""


class GroupQueue:
    """An asynchronous iterator over groups as they arrive."""

    def __init__(self, changed: asyncio.Event) -> None:
        self._changed = changed
        self._queue: asyncio.Queue[list[Any] | None] = asyncio.Queue()
        self._waiting = self._requested = 0

    def __aiter__(self) -> "GroupQueue":
        return self

    async def __anext__(self) -> list[Any]:
        self._waiting += 1
        self._changed.set()
        try:
            group = await self._queue.get()
        finally:
            self._waiting -= 1
        if group is None:
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        return group

    @property
    def wanted(self) -> int:
        """Groups that are wanted and were not requested yet."""
        return PREFETCH + self._waiting - self._queue.qsize() - self._requested

    @property
    def starving(self) -> bool:
        """Whether the work waits for a group that was not requested yet."""
        return self._waiting > 0 and self.wanted > 0

    def request(self) -> int:
        """Return `wanted`, which counts as requested from now on."""
        wanted = max(0, self.wanted)
        self._requested += wanted
        return wanted

    def put(self, items: list[Any]) -> None:
        """Add a group that was requested."""
        self._requested -= 1
        self._queue.put_nowait(items)

    def end(self) -> None:
        """Add no more."""
        self._queue.put_nowait(None)
