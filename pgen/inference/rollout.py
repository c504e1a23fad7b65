"""What a rollout works with: the images of a sample, requests, results in the journal, and the end of the run.

A rollout sends one request at a time, records what it must not ask for again before it goes on, and returns its last
result. What it recalls is not requested, so that a rollout can be started anew at any point.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pgen.components import Generator, Recorder
from pgen.errors import SampleError
from pgen.inference.ask import Answer, ask, ask_each
from pgen.media import SampleImages
from pgen.records import Failure, Reply, Request, Sample

type Decoded = SampleImages | SampleError


class StoppedError(Exception):
    """Raised in a rollout that would begin a request once the run is to end; the item stays unfinished."""


class RolloutContext:
    """What one rollout uses. `read` returns the images of a sample."""

    __slots__ = ("_generator", "_item", "_read", "_recorder", "_stop")

    def __init__(
        self,
        generator: Generator,
        item: Any,
        recorder: Recorder,
        stop: asyncio.Event,
        read: Callable[[Sample], Awaitable[Decoded]],
    ) -> None:
        self._generator, self._item, self._recorder = generator, item, recorder
        self._stop, self._read = stop, read

    async def images(self, sample: Sample) -> SampleImages:
        """Return what a request about the sample shows. Raises SampleError where it cannot be read."""
        self._check_stop()
        images = await self._read(sample)
        if isinstance(images, SampleError):
            raise images
        return images

    async def ask[T](
        self,
        request: Request,
        parse: Callable[[Reply], T],
        attempts: int,
        review: Callable[[T], str] = lambda value: "",
    ) -> Answer[T]:
        """Send a request to completion, repairs included (`pgen.inference.ask`)."""
        self._check_stop()
        return await ask(self._generator, request, parse, attempts, review)

    async def ask_each[T](
        self,
        request: Request,
        parse: Callable[[Reply, tuple[int, ...]], Mapping[int, T | Failure]],
        attempts: int,
        review: Callable[[T], str] = lambda value: "",
        narrow: Callable[[Request], Request] | None = None,
    ) -> list[Answer[T]]:
        """Send a request for several values to completion."""
        self._check_stop()
        return await ask_each(self._generator, request, parse, attempts, review, narrow or (lambda request: request))

    async def recall(self, key: Any) -> Any:
        """Return the result that the journal has for a key, or None."""
        return await asyncio.to_thread(self._recorder.recall, key)

    async def record(self, result: Any) -> None:
        """Return once a result is committed that is not the rollout's last."""
        await self._recorder.record(self._item, result)

    async def record_all(self, results: Sequence[Any]) -> None:
        """Return once these results, in their order, are committed, and none of them is the rollout's last."""
        if results:
            await self._recorder.record_all(self._item, results)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise StoppedError
