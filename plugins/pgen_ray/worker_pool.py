"""The workers of a run: each is hired, welcomed and heard to its end, and replaced where it dies.

What they work on is a subclass's: episodes (`pgen_ray.dispatch`), or single questions (`pgen_ray.answering`).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from ray.exceptions import RayError

from pgen.errors import ConfigError, PgenError
from pgen_ray.cluster import Share
from pgen_ray.liveness import Presence
from pgen_ray.worker_handle import Member

FATAL = 3
"""Workers that die over one episode or question until it is that which is given up."""

TRIES = 3
"""Workers that die one after the other before they are open until no further one is asked for in their place."""

PARTING = 10.0
"""Seconds that workers have to close."""

log = logging.getLogger("pgen.ray")


class _UnfitError(Exception):
    """A worker could not open what it needs; the others go on."""


class Crew[M: Member]:
    """`hire` asks Ray for a worker; `offers` says what the cluster has, for the case that it gives none."""

    model: str | None = None

    def __init__(self, hire: Callable[[], M], share: Share, offers: str, patience: float) -> None:
        self._hire, self._workers = hire, share.workers
        self._presence = Presence(share, offers, patience, self._fail)
        self.most = 0
        self.found: dict[str, Any] = {}
        self._members: list[M] = []
        self._stopping = False

    @property
    def deaths(self) -> int:
        return self._presence.deaths

    @property
    def places(self) -> int:
        """How many workers there are to be."""
        return self._workers

    async def open(self) -> None:
        """Returns with the first worker that is open; the others come as they can."""
        self._changed = asyncio.Event()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._presence.wait()
        self._places = [asyncio.create_task(self._place()) for _ in range(self._workers)]
        await self.unless_failed(self.somebody())

    async def employ(self, member: M) -> None:
        """What a worker does once it is open, to its end. Raises RayError where it dies."""
        raise NotImplementedError

    def bereave(self, member: M) -> None:
        """A worker died: what it leaves behind is for others."""

    async def close(self) -> None:
        """Workers close what they hold, if they do so in time; then they are gone in any case."""
        self._stopping = True
        self._presence.rest()
        for place in self._places:
            place.cancel()
        try:
            async with asyncio.timeout(PARTING):
                found = await asyncio.gather(
                    *(member.close() for member in self._presence.here), return_exceptions=True
                )
                for one in reversed(found):  # one that answered nothing found out less
                    self.found |= one if isinstance(one, dict) else {}
        except TimeoutError:
            pass
        finally:
            for member in self._presence.here:
                member.kill()
            if self._failed.done():
                self._failed.exception()

    async def somebody(self) -> None:
        """Returns once a worker is open."""
        while not self._members:
            self._changed.clear()
            await self._changed.wait()

    async def unless_failed(self, work: Coroutine[Any, Any, None]) -> None:
        """To its end, unless a worker's error ends it."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait([task, self._failed], return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            task.result()
        finally:
            task.cancel()

    async def _place(self) -> None:
        """A worker, and the next one where it dies."""
        tries, first = 0, True
        try:
            while tries < TRIES and not self._stopping:
                member = self._hire()
                try:
                    await self._welcome(member, first)
                    tries, first = 0, False
                    await self.employ(member)
                    return
                except (RayError, _UnfitError) as error:
                    tries += 1
                    self._lost(member, error)
            self._last_place()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    async def _welcome(self, member: M, first: bool) -> None:
        """Until it is open. An error of one that takes a dead one's place ends no run that has others."""
        await member.here()
        self._presence.came(member)
        try:
            opened = await member.open()
            if self.most and opened.model != self.model:
                raise ConfigError(f"two workers answer with different models, {self.model} and {opened.model}.")
        except PgenError as error:
            if first or not self._members:
                raise
            raise _UnfitError(str(error)) from error
        self.model, self.found = opened.model, self.found or opened.found
        self._members.append(member)
        self.most = max(self.most, len(self._members))
        self._changed.set()

    def _lost(self, member: M, error: Exception) -> None:
        told = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        log.warning("a worker of Ray died: %s", told)
        if member in self._members:
            self._members.remove(member)
        self.bereave(member)
        member.kill()
        if not self._stopping:
            self._presence.died(member, told)
        self._changed.set()

    def _last_place(self) -> None:
        """No more is asked for here; the others go on, where there are any."""
        alive = [place for place in self._places if not place.done() and place is not asyncio.current_task()]
        if not alive and not self._stopping:
            raise self._presence.nobody()
