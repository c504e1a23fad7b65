"""Distributes requests over servers: each goes to the least busy one, and one that keeps failing is set aside.

A server that was set aside is tried again later, with one request at a time until it answers. A server that names a
time to wait gets no request before it, and then not all of them at once.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

SLOW_ROUNDS = 8
"""Rounds of responses for each further request near the number that was too many: a failed trial costs most of a
round."""


@dataclass(slots=True)
class RateLimit:
    """A number of requests between 1 and `maximum`."""

    maximum: int
    _now: float = 0.0
    _wave: int = 0
    _too_many: float | None = None
    """The number at which the server was busy last."""

    def __post_init__(self) -> None:
        self._now = float(self.maximum)

    @property
    def allowed(self) -> int:
        return int(self._now)

    @property
    def wave(self) -> int:
        """The number of halvings so far. A request notes it at its start: those of an earlier wave halve nothing."""
        return self._wave

    def answered(self) -> None:
        """Raise the limit after a response."""
        if self._too_many is not None and self._now > self._too_many + 1:
            self._too_many = None
        self._now = min(self.maximum, self._now + self._step())

    def busy(self, wave: int) -> bool:
        """Halve the limit for a request that began in `wave`. Return whether it was halved."""
        if wave != self._wave:
            return False
        self._wave += 1
        self._too_many = self._now
        self._now = max(1.0, self._now / 2)
        return True

    def _step(self) -> float:
        if self._too_many is None:
            return 1 / self._now
        missing = self._too_many - 1 - self._now
        return min(1.0, missing) if missing > 0 else 1 / (SLOW_ROUNDS * self._now)


log = logging.getLogger("pgen.qwen_openai")

MAX_FAILURES = 3
"""Failures in a row after which a server is set aside."""

FIRST_BREAK, MAX_BREAK = 2.0, 60.0
"""Seconds for which it is set aside; doubled each time."""

FIRST_PAUSE, MAX_PAUSE = 0.5, 30.0
"""Seconds without a request, for a server that is too busy for one at a time; doubled each time."""

SPREAD, MIN_SPREAD = 0.5, 0.02
"""The share of a server's own waiting time over which requests return to it, and its minimum in seconds."""


@dataclass(slots=True, eq=False)
class Server:
    """A server's address and its state."""

    url: str
    limit: RateLimit
    in_flight: int = 0
    failures: int = 0
    pauses: int = 0
    aside_until: float = 0.0
    paused_until: float = 0.0

    @property
    def failing(self) -> bool:
        return self.failures >= MAX_FAILURES

    def has_room(self, *, only: bool) -> bool:
        """Whether it may have another request; a failing one has room for one, unless it is the only server."""
        return self.in_flight < (1 if self.failing and not only else self.limit.allowed)


class LoadBalancer:
    """Hands out servers. `clock` is a parameter for tests, which move the time themselves."""

    def __init__(self, urls: Sequence[str], concurrency: int, clock: Callable[[], float] = monotonic) -> None:
        self.all = [Server(url, RateLimit(concurrency)) for url in urls]
        self._clock = clock
        self._changed = asyncio.Condition()
        self._waiting = 0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Server]:
        """Reserve a place at the least busy server for one request, as soon as one has room."""
        # Those that wait go first.
        server = (self._choose() if not self._waiting else None) or await self._wait_for_room()
        server.in_flight += 1
        try:
            yield server
        finally:
            server.in_flight -= 1
            if self._waiting:
                async with self._changed:
                    self._changed.notify(2)  # the place, and perhaps one more by a risen limit

    def answered(self, server: Server) -> None:
        """Record a response, good or bad: the server is up."""
        if server.failing and len(self.all) > 1:
            log.info("%s answers again.", server.url)
        server.failures = server.pauses = 0
        server.limit.answered()

    def busy(self, server: Server, wave: int, seconds: float | None) -> None:
        """Record that the server wants fewer requests, or none before `seconds` have passed."""
        at_minimum = server.limit.allowed == 1
        if server.limit.busy(wave):
            log.info("%s is busy: %d at once from now on.", server.url, server.limit.allowed)
            if at_minimum and seconds is None:
                seconds = min(MAX_PAUSE, FIRST_PAUSE * 2 ** min(server.pauses, 10))
                server.pauses += 1
        server.paused_until = max(server.paused_until, self._clock() + (seconds or 0))

    def failed(self, server: Server) -> None:
        """Record that the server could not be reached, or failed with a request."""
        server.failures += 1
        if not server.failing:
            return
        pause = min(MAX_BREAK, FIRST_BREAK * 2 ** min(server.failures - MAX_FAILURES, 10))
        server.aside_until = self._clock() + pause
        if server.failures == MAX_FAILURES and len(self.all) > 1:
            log.warning("%s fails again and again; it is set aside for a while.", server.url)

    async def _wait_for_room(self) -> Server:
        self._waiting += 1
        try:
            async with self._changed:
                while (server := self._choose()) is None:
                    await self._wait()
                return server
        finally:
            self._waiting -= 1

    def _choose(self) -> Server | None:
        now = self._clock()
        ready = [server for server in self.all if server.paused_until <= now]
        # A server that is set aside is better than none.
        candidates = [server for server in ready if server.aside_until <= now] or ready
        free = [server for server in candidates if server.has_room(only=len(candidates) == 1)]
        return min(free, key=lambda server: (server.in_flight / server.limit.allowed, server.failures), default=None)

    async def _wait(self) -> None:
        """Wait until a request ends, or until a server's pause does: a little longer, at random, for each waiter."""
        now = self._clock()
        ends = [end - now for server in self.all for end in (server.paused_until, server.aside_until) if end > now]
        if not ends:
            await self._changed.wait()
            return
        delay = min(ends) + random.uniform(0, max(MIN_SPREAD, SPREAD * min(ends)))
        try:
            await asyncio.wait_for(self._changed.wait(), delay)
        except TimeoutError:
            return
