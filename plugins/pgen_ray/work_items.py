"""Groups of items on their way: those queued at a worker, what has come back, and what is left if it dies."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pgen.components import Work

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


class Assignment(NamedTuple):
    """A group as it goes to a worker, with the results that its rollouts will recall."""

    number: int
    items: list[Any]
    recorded: dict[Any, Any]


class Outcome(NamedTuple):
    """A result of the item at `position` of a group; `last` ends its rollout."""

    number: int
    position: int
    result: Any
    last: bool


@dataclass(slots=True)
class Group:
    """Items that one worker has."""

    items: list[Any]
    deaths: int = 0
    """Workers that died while they had it."""
    _open: set[int] = field(init=False)
    _latest: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._open = set(range(len(self.items)))

    @property
    def done(self) -> bool:
        """Whether all rollouts have ended."""
        return not self._open

    def receive(self, outcome: Outcome) -> None:
        """Take note of a committed result."""
        if outcome.last:
            self._open.discard(outcome.position)
        else:
            self._latest[outcome.position] = outcome.result

    def rest(self, work: Work) -> "Group":
        """Return what another worker has to do after this one died."""
        left = [self._remaining(position, work) for position in sorted(self._open)]
        return Group([item for item in left if item is not None], self.deaths + 1)

    def _remaining(self, position: int, work: Work) -> Any:
        item = self.items[position]
        return work.remaining(item, self._latest[position]) if position in self._latest else item
