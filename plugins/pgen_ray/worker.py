"""One worker: an actor of Ray with a source and a generator of its own, which runs the pipeline over what it is given.

It is asked by `exchange`, which waits until there is something to tell, and then tells all there is: a request
between two processes costs a hundred times what an answer does. Each `exchange` acknowledges that the answers of the
one before it are committed to the journal: until then the slots they came from send no other request, as in a run
without Ray. Errors are values, so that they arrive as they are.
"""

import asyncio
import pickle
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from pgen.inference.pipeline import Pipeline
from pgen.records import Annotation, Sample
from pgen_ray.queue import Feed
from pgen_ray.work_items import Answer, Given, unsaid
from pgen_ray.worker_protocol import Opened, Warnings, portable, told, unpacked

LINGER = 0.1
"""Seconds that answers wait at most for others to be told with, unless the worker has nothing left to do."""

LINGER_SHARE = 0.02
"""The share of the time of an answer's request that it waits at most: meanwhile its slot sends no other one."""


@dataclass(slots=True)
class News:
    """What a worker tells: answers, how many more episodes it wants, warnings, and whether it has ended, and why."""

    answers: list[Answer] = field(default_factory=list)
    wants: int = 0
    warnings: list[str] = field(default_factory=list)
    ended: bool = False
    error: BaseException | None = None


class Worker:
    """`work` is the pickled pipeline, `folder` the one that relative paths begin at."""

    def __init__(self, work: bytes, folder: str) -> None:
        self._work, self._folder = work, folder
        self._changed, self._stop = asyncio.Event(), asyncio.Event()
        # Set once the answers that were told by the latest `exchange`, and those for the next one, are committed.
        self._committed, self._next_committed = asyncio.Event(), asyncio.Event()
        self._linger = LINGER
        self._episodes = Feed(self._changed)
        self._places: dict[Sample, deque[tuple[int, int]]] = {}
        self._known: dict[int, dict[Sample, Annotation]] = {}
        self._left: dict[int, int] = {}
        self._news = News()
        self._running: asyncio.Task[None] | None = None

    async def here(self) -> None:
        """Answers once the actor has a place to run."""

    async def open(self) -> bytes:
        """An Opened, once the source and the generator are open."""
        return await told(self._open)

    async def give(self, given: bytes) -> None:
        """Take episodes."""
        for episode in pickle.loads(given):
            self._take(episode)

    async def exchange(self) -> bytes:
        """The News, as soon as there are some."""
        return await told(self._exchange)

    async def stop(self) -> None:
        """Ask no more; what is in flight is told before the end."""
        self._stop.set()
        self._episodes.end()

    async def close(self) -> bytes:
        """What the generator found out, once all is closed."""
        return await told(self._close)

    async def _open(self) -> Opened:
        Warnings(self._warn)
        pipeline: Pipeline = unpacked(self._work, self._folder)
        self._pipeline = replace(pipeline, known=self._recall)
        pipeline.source.open()
        pipeline.prompts.open()
        await pipeline.generator.open()
        self._running = asyncio.create_task(self._run())
        return Opened(pipeline.generator.model, pipeline.generator.provenance())

    def _take(self, episode: Given) -> None:
        self._left[episode.number] = len(episode.samples)
        for position, sample in enumerate(episode.samples):
            self._places.setdefault(unsaid(sample), deque()).append((episode.number, position))
        if episode.known:
            self._known[episode.number] = {annotation.sample: annotation for annotation in episode.known}
        self._episodes.put(episode.samples)

    def _recall(self, turn: Sample) -> Annotation | None:
        """What came along of this turn, which is then told like an answer: the next one builds on it."""
        number, _ = self._places[unsaid(turn)][0]
        annotation = self._known.get(number, {}).get(turn)
        if annotation is not None:
            self._tell(annotation, known=True)
        return annotation

    async def _run(self) -> None:
        try:
            await self._pipeline.run(self._episodes, self._emit, self._stop)
        except Exception as error:
            self._news.error = portable(error)
        finally:
            self._news.ended = True
            self._changed.set()

    def _warn(self, text: str) -> None:
        self._news.warnings.append(text)
        self._changed.set()

    async def _emit(self, annotation: Annotation) -> None:
        committed = self._next_committed
        self._linger = min(LINGER, LINGER_SHARE * annotation.usage.seconds)
        self._tell(annotation)
        await committed.wait()

    def _tell(self, annotation: Annotation, known: bool = False) -> None:
        key = unsaid(annotation.sample)
        number, position = self._places[key].popleft()
        if not self._places[key]:
            del self._places[key]
        self._left[number] -= 1
        if not self._left[number]:
            del self._left[number]
            self._known.pop(number, None)
        told = annotation.plan, annotation.outcome, annotation.usage, annotation.checks
        self._news.answers.append(Answer(number, position, *told, known))
        self._changed.set()

    async def _exchange(self) -> News:
        self._committed.set()
        while not (self._news.answers or self._news.warnings or self._news.ended or self._episodes.wants > 0):
            self._changed.clear()
            await self._changed.wait()
        if not (self._news.ended or self._episodes.idle):
            await asyncio.sleep(self._linger)
        news, self._news = self._news, News(ended=self._news.ended)
        news.wants = self._episodes.told()
        self._committed, self._next_committed = self._next_committed, asyncio.Event()
        return news

    async def _close(self) -> dict[str, Any]:
        pipeline, running = self._pipeline, self._running
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        await pipeline.generator.close()
        pipeline.source.close()
        return pipeline.generator.provenance()
