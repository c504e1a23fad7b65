"""The workers of a run, and who does what: episodes go to whoever wants one, answers come back, deaths are made good.

An episode that two workers have died over is given to a third that has nothing else to do: if that one dies too, it
was the episode, and what is left of it fails.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from ray.exceptions import RayError

from pgen.errors import ConfigError, PgenError, SampleError
from pgen.pipeline import Emit, Pipeline
from pgen.records import Sample
from pgen.turns import in_turn
from pgen_ray.cluster import Share
from pgen_ray.episodes import Episode
from pgen_ray.member import Member
from pgen_ray.presence import Presence
from pgen_ray.worker import News

FATAL = 3
"""Workers that die over one episode until it is the episode that is given up."""

TRIES = 3
"""Workers that die one after the other before they are open until no further one is asked for in their place."""

PARTING = 10.0
"""Seconds that workers have to close."""

_log = logging.getLogger("pgen.ray")


class _UnfitError(Exception):
    """A worker could not open what it needs; the others go on."""


class Crew:
    """`hire` asks Ray for a worker; `offers` says what the cluster has, for the case that it gives none."""

    model: str | None = None

    def __init__(self, pipeline: Pipeline, hire: Callable[[], Any], share: Share, offers: str, patience: float) -> None:
        self._pipeline, self._hire, self._workers = pipeline, hire, share.workers
        self._presence = Presence(share, offers, patience, self._fail)
        self.most = 0
        self.found: dict[str, Any] = {}
        self._members: list[Member] = []
        self._again: deque[Episode] = deque()
        self._condemned: deque[Episode] = deque()
        self._numbers = 0
        self._stopping = False

    @property
    def deaths(self) -> int:
        return self._presence.deaths

    async def open(self) -> None:
        """Returns with the first worker that is open; the others come as they can."""
        self._changed = asyncio.Event()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._presence.wait()
        self._places = [asyncio.create_task(self._place()) for _ in range(self._workers)]
        await self._unless_failed(self._first())

    async def run(self, groups: Iterator[list[Sample]], emit: Emit, stop: asyncio.Event) -> None:
        self._groups, self._emit, self._exhausted = groups, emit, False
        waiting = asyncio.create_task(self._on(stop))
        try:
            await self._unless_failed(self._distribute(stop))
        finally:
            waiting.cancel()

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

    async def _first(self) -> None:
        while not self._members:
            self._changed.clear()
            await self._changed.wait()

    async def _unless_failed(self, work: Coroutine[Any, Any, None]) -> None:
        """To its end, unless a worker's error ends it."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait([task, self._failed], return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            task.result()
        finally:
            task.cancel()

    async def _on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._changed.set()

    async def _place(self) -> None:
        """A worker, and the next one where it dies."""
        tries, first = 0, True
        try:
            while tries < TRIES and not self._stopping:
                member = Member(self._hire())
                try:
                    await self._welcome(member, first)
                    tries, first = 0, False
                    await self._employ(member)
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

    async def _welcome(self, member: Member, first: bool) -> None:
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

    async def _employ(self, member: Member) -> None:
        """Hear it to its end."""
        while not (news := await member.exchange()).ended:
            await self._heard(member, news)
        await self._heard(member, news)
        self._members.remove(member)
        self._changed.set()
        if news.error:
            raise news.error

    async def _heard(self, member: Member, news: News) -> None:
        for text in news.warnings:
            _log.warning("%s", text)
        for answer in news.answers:
            annotation = member.arrived(answer)
            if not answer.known:
                await self._emit(annotation)
            member.settle(answer.number)
        member.wants += news.wants
        self._changed.set()

    async def _distribute(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._changed.clear()
            while self._condemned:
                await self._bury(self._condemned.popleft())
            handed = [await self._hand(member) for member in list(self._members)]
            if any(handed):
                continue
            if self._exhausted and not self._left():
                return
            await self._changed.wait()
        self._stopping = True
        while self._members:
            self._changed.clear()
            for member in self._members:  # one that came only now is told, too
                member.stop()
            await self._changed.wait()

    def _left(self) -> bool:
        return bool(self._again or self._condemned or any(member.episodes for member in self._members))

    async def _hand(self, member: Member) -> bool:
        """An episode for a worker that wants one; whether there was one."""
        if member.wants <= 0 or member.alone:
            return False
        episode = self._retried(member) or await self._fresh()
        if episode is None:
            return False
        if member not in self._members:  # it died meanwhile
            self._again.append(episode)
            return True
        self._numbers += 1
        member.give(self._numbers, episode, self._pipeline.known, alone=episode.deaths == FATAL - 1)
        return True

    def _retried(self, member: Member) -> Episode | None:
        """What a dead worker has left; the suspicious only to one that has nothing else to do."""
        for _ in range(len(self._again)):
            episode = self._again.popleft()
            if episode.deaths < FATAL - 1 or not member.episodes:
                return episode
            self._again.append(episode)
        return None

    async def _fresh(self) -> Episode | None:
        while not self._exhausted:
            group = await asyncio.to_thread(next, self._groups, None)
            if group:
                return Episode(group, self._pipeline.turns)
            self._exhausted = group is None
        return None

    async def _bury(self, episode: Episode) -> None:
        """What is left of an episode that workers died over has failed."""
        reason = f"{episode.deaths} workers died over this episode"
        said = episode.samples[0].turns
        for sample in episode.samples:
            turn = in_turn(sample, said) if episode.turns else sample
            await self._emit(await self._pipeline.annotate(turn, SampleError("generate", reason)))

    def _lost(self, member: Member, error: Exception) -> None:
        told = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        _log.warning("a worker of Ray died: %s", told)
        if member in self._members:
            self._members.remove(member)
        for episode in member.episodes.values():
            rest = episode.rest()
            if rest.samples:
                (self._again if rest.deaths < FATAL else self._condemned).append(rest)
        member.kill()
        if not self._stopping:
            self._presence.died(member, told)
        self._changed.set()

    def _last_place(self) -> None:
        """No more is asked for here; the others go on, where there are any."""
        alive = [place for place in self._places if not place.done() and place is not asyncio.current_task()]
        if not alive and not self._stopping:
            raise self._presence.nobody()
