"""Who annotates which episode: each goes to whoever wants one, answers come back, deaths are made good.

An episode that two workers have died over is given to a third that has nothing else to do: if that one dies too, it
was the episode, and what is left of it fails.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from pgen.errors import SampleError
from pgen.inference.conversation import in_turn
from pgen.inference.pipeline import Emit, Pipeline
from pgen.records import Sample
from pgen_ray.cluster import Share
from pgen_ray.work_items import Episode
from pgen_ray.worker import News
from pgen_ray.worker_handle import Annotator
from pgen_ray.worker_pool import FATAL, Crew, log


class Annotating(Crew[Annotator]):
    """Workers that run the pipeline, each over what it is given."""

    def __init__(self, pipeline: Pipeline, hire: Callable[[], Any], share: Share, offers: str, patience: float) -> None:
        super().__init__(lambda: Annotator(hire()), share, offers, patience)
        self._pipeline = pipeline
        self._again: deque[Episode] = deque()
        self._condemned: deque[Episode] = deque()
        self._numbers = 0

    async def run(self, groups: Iterator[list[Sample]], emit: Emit, stop: asyncio.Event) -> None:
        self._groups, self._emit, self._exhausted = groups, emit, False
        waiting = asyncio.create_task(self._on(stop))
        try:
            await self.unless_failed(self._distribute(stop))
        finally:
            waiting.cancel()

    async def employ(self, member: Annotator) -> None:
        """Hear it to its end."""
        while not (news := await member.exchange()).ended:
            await self._heard(member, news)
        await self._heard(member, news)
        self._members.remove(member)
        self._changed.set()
        if news.error:
            raise news.error

    async def _heard(self, member: Annotator, news: News) -> None:
        for text in news.warnings:
            log.warning("%s", text)
        annotations = [(answer, member.arrived(answer)) for answer in news.answers]
        # At once, so that one commit holds them all. The worker takes the next `exchange` for its acknowledgement.
        await asyncio.gather(*(self._emit(annotation) for answer, annotation in annotations if not answer.known))
        for number in {answer.number for answer in news.answers}:
            member.settle(number)
        member.wants += news.wants
        self._changed.set()

    def bereave(self, member: Annotator) -> None:
        for episode in member.episodes.values():
            rest = episode.rest()
            if rest.samples:
                (self._again if rest.deaths < FATAL else self._condemned).append(rest)

    async def _on(self, stop: asyncio.Event) -> None:
        await stop.wait()
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

    async def _hand(self, member: Annotator) -> bool:
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

    def _retried(self, member: Annotator) -> Episode | None:
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
        said = episode.samples[0].question.turns
        for sample in episode.samples:
            turn = in_turn(sample, said) if episode.turns else sample
            await self._emit(await self._pipeline.annotate(turn, SampleError("generate", reason)))
