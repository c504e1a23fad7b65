"""The servers that share the work: the least busy one is next, one that keeps failing is set aside.

A server that was set aside is tried again later, with one request at a time until it answers. One that
names a time to wait gets nothing before that, and then not everything at the same instant.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import monotonic

from pgen_qwen_openai.rate_limit import Limit

log = logging.getLogger("pgen.qwen_openai")

PATIENCE = 3
"""Failures in a row after which a server is set aside."""

FIRST_BREAK, LONGEST_BREAK = 2.0, 60.0
"""Seconds that it stays there; doubled each time."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds without any request, for a server that is too busy for one at a time; doubled each time."""

SPREAD, LEAST_SPREAD = 0.5, 0.02
"""The share of a server's own waiting time over which requests return to it, and the least of it in seconds."""


@dataclass(slots=True, eq=False)
class Endpoint:
    """A server's address and what is known of it."""

    url: str
    limit: Limit
    in_flight: int = 0
    failures: int = 0
    pauses: int = 0
    aside_until: float = 0.0
    quiet_until: float = 0.0

    @property
    def suspect(self) -> bool:
        return self.failures >= PATIENCE

    def free(self, *, alone: bool) -> bool:
        """Whether it may have one more request; the only server is not put on trial."""
        return self.in_flight < (1 if self.suspect and not alone else self.limit.allowed)


class Endpoints:
    """Hands out servers. The time is a parameter, so that tests need not wait."""

    def __init__(self, urls: Sequence[str], most: int, clock: Callable[[], float] = monotonic) -> None:
        self.all = [Endpoint(url, Limit(most)) for url in urls]
        self._clock = clock
        self._changed = asyncio.Condition()
        self._waiting = 0

    def take(self) -> AbstractAsyncContextManager[Endpoint]:
        """The least busy server, once one is free."""
        return _Taken(self)

    async def taken(self) -> Endpoint:
        """The same, until it is given back."""
        chosen = self._choose() if not self._waiting else None
        if chosen is None:
            chosen = await self._chosen_later()
        chosen.in_flight += 1
        return chosen

    async def given_back(self, endpoint: Endpoint) -> None:
        """Its request has ended, however: one that waits for a server may have it."""
        endpoint.in_flight -= 1
        if self._waiting:
            async with self._changed:
                self._changed.notify(2)

    def answered(self, endpoint: Endpoint) -> None:
        """It gave an answer, good or bad: it is up."""
        if endpoint.suspect and len(self.all) > 1:
            log.info("%s answers again.", endpoint.url)
        endpoint.failures = endpoint.pauses = 0
        endpoint.limit.answered()

    def busy(self, endpoint: Endpoint, wave: int, seconds: float | None) -> None:
        """It asks for fewer requests, or for none before `seconds` have passed."""
        least = endpoint.limit.allowed == 1
        if endpoint.limit.busy(wave):
            log.info("%s is busy: %d at once from now on.", endpoint.url, endpoint.limit.allowed)
            if least and seconds is None:
                seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(endpoint.pauses, 10))
                endpoint.pauses += 1
        endpoint.quiet_until = max(endpoint.quiet_until, self._clock() + (seconds or 0))

    def failed(self, endpoint: Endpoint) -> None:
        """It could not be reached, or broke down over a request."""
        endpoint.failures += 1
        if not endpoint.suspect:
            return
        pause = min(LONGEST_BREAK, FIRST_BREAK * 2 ** min(endpoint.failures - PATIENCE, 10))
        endpoint.aside_until = self._clock() + pause
        if endpoint.failures == PATIENCE and len(self.all) > 1:
            log.warning("%s fails again and again; it is set aside for a while.", endpoint.url)

    async def _chosen_later(self) -> Endpoint:
        self._waiting += 1
        try:
            async with self._changed:
                while (chosen := self._choose()) is None:
                    await self._wait()
                return chosen
        finally:
            self._waiting -= 1

    def _choose(self) -> Endpoint | None:
        now = self._clock()
        if len(self.all) == 1:
            (only,) = self.all
            return only if only.quiet_until <= now and only.free(alone=True) else None
        awake = [one for one in self.all if one.quiet_until <= now]
        # Being aside is a preference: where all are, each is better than none.
        trusted = [one for one in awake if one.aside_until <= now] or awake
        free = [one for one in trusted if one.free(alone=len(trusted) == 1)]
        return min(free, key=lambda one: (one.in_flight / one.limit.allowed, one.failures), default=None)

    async def _wait(self) -> None:
        """Until a request ends, or the time comes that a server named; a little later for each who waits."""
        left = [until - self._clock() for one in self.all for until in (one.quiet_until, one.aside_until)]
        ahead = [seconds for seconds in left if seconds > 0]
        if not ahead:
            await self._changed.wait()
            return
        soonest = min(ahead)
        delay = soonest + random.uniform(0, max(LEAST_SPREAD, SPREAD * soonest))
        try:
            await asyncio.wait_for(self._changed.wait(), delay)
        except TimeoutError:
            return


class _Taken(AbstractAsyncContextManager[Endpoint]):
    """A server for one request; a plain class, as there is one for each."""

    __slots__ = ("_all", "_endpoint")

    def __init__(self, endpoints: Endpoints) -> None:
        self._all = endpoints

    async def __aenter__(self) -> Endpoint:
        self._endpoint = await self._all.taken()
        return self._endpoint

    async def __aexit__(self, *reason: object) -> None:
        await self._all.given_back(self._endpoint)
