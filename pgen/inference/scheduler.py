"""Runs rollouts: many at once, with images decoded ahead where an item is one moment.

Items come in groups, of one episode each. The scheduler has `generator.concurrency` slots; each runs one rollout after
the other, and a slot is free again once its result is committed. So a process that is killed has to repeat at most
`concurrency` requests.

Where `decodes_ahead` is set, items are samples of one moment. Threads decode its images, an episode each and BATCH
items at once, into a bounded queue that the slots empty. Other rollouts read their images as they need them, with
readers that all share.
"""

import asyncio
import os
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from itertools import batched
from typing import Any

from pgen.components import Groups, ImageReader, Recall, Recorder, Work
from pgen.errors import DeferredError, PgenError, SampleError, first_error
from pgen.inference.rollout import Decoded, RolloutContext, StoppedError
from pgen.inference.thread_turns import short_turns
from pgen.media import SampleImages
from pgen.records import Moment, Sample


def decoders(cores: int) -> int:
    """Return how many threads decode on a machine: half of its cores, from four to eight.

    On two cores four are a tenth faster than two: one decodes while others wait for the GIL or for the event loop.
    """
    return max(4, min(8, cores // 2))


DECODERS = decoders(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Threads that decode, each with a reader of its own: decoding releases the GIL."""

BATCH = 8
"""Samples that a thread decodes at once: waking a thread, and being woken by it, costs as much as sending a request."""


def decoded_ahead(decoders: int) -> int:
    """Return how many samples are decoded at most before a slot takes them.

    A third of them are in the queue. Of each decoder, a batch waits for room there while it decodes the next.
    """
    return 3 * BATCH * decoders


class Rollouts(Work):
    """Work that is defined by a coroutine for one item."""

    @property
    def decodes_ahead(self) -> bool:
        """Whether items are samples of one moment, whose images are decoded before a slot takes them."""
        return False

    @abstractmethod
    async def rollout(self, item: Any, context: RolloutContext) -> Any:
        """Return the last result of an item. A failure of the item is a result too."""

    @abstractmethod
    def reader(self) -> AbstractContextManager[ImageReader]:
        """Return a reader of images of the size that is to be sent."""

    @abstractmethod
    def read(self, reader: ImageReader, sample: Sample) -> SampleImages:
        """Return the sample's images in the form that the generator takes. Raises SampleError."""

    async def run(self, groups: Groups, recorder: Recorder, stop: asyncio.Event) -> None:
        # The threads end before the readers are closed: a video that is closed while it is decoded ends the process.
        with short_turns(), ExitStack() as stack, ThreadPoolExecutor(DECODERS, "decode") as pool:
            scheduler = _Scheduler(self, groups, recorder, stop, pool)
            readers = [stack.enter_context(self.reader()) for _ in range(DECODERS)]
            try:
                await (scheduler.run_decoded(readers) if self.decodes_ahead else scheduler.run(readers))
            except BaseExceptionGroup as group:
                raise first_error(group) from None

    async def recorded(self, item: Any, recall: Recall) -> dict[Any, Any]:
        if self.decodes_ahead:
            return {}
        results = _Recalled(recall)
        await self.fail(item, "not requested", results)
        return results.by_key

    async def give_up(self, item: Any, reason: str, recorder: Recorder) -> None:
        await recorder.finish(item, await self.fail(item, reason, recorder))

    async def fail(self, item: Any, reason: str, recorder: Recorder) -> Any:
        """Return what the rollout does where no request succeeds: results are recalled, and the rest fails."""

        async def unreadable(sample: Sample) -> Decoded:
            return SampleError("generate", reason)

        return await self.rollout(item, RolloutContext(self.generator, item, recorder, asyncio.Event(), unreadable))

    def decode(self, reader: ImageReader, sample: Sample) -> Decoded:
        """Return the sample's images, or why there are none."""
        try:
            return self.read(reader, sample)
        except SampleError as error:
            return error
        except PgenError:
            raise
        except Exception as error:  # a decoder may raise anything: it costs this sample, not the run
            return SampleError("decode", f"{type(error).__name__}: {error}")


class _Recalled(Recorder):
    """Collects what a rollout recalls, by key."""

    def __init__(self, recall: Recall) -> None:
        self._recall = recall
        self.by_key: dict[Any, Any] = {}

    def recall(self, key: Any) -> Any:
        result = self._recall(key)
        if result is not None:
            self.by_key[key] = result
        return result

    async def record(self, item: Any, result: Any) -> None:
        pass

    async def finish(self, item: Any, result: Any) -> None:
        pass


class _Scheduler:
    """One run of some work: the items on their way, and what bounds them."""

    def __init__(
        self, work: Rollouts, groups: Groups, recorder: Recorder, stop: asyncio.Event, pool: ThreadPoolExecutor
    ) -> None:
        self._work, self._groups, self._recorder, self._stop, self._pool = work, groups, recorder, stop, pool
        self._reading_groups = asyncio.Lock()
        self._readers: asyncio.Queue[ImageReader] = asyncio.Queue()
        self._decoded: asyncio.Queue[tuple[Any, Decoded] | None] = asyncio.Queue(BATCH * DECODERS)

    async def run(self, readers: Sequence[ImageReader]) -> None:
        """Run rollouts that read images with any of `readers`: each keeps videos open, and there may be many slots."""
        for reader in readers:
            self._readers.put_nowait(reader)
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._work.generator.concurrency):
                slots.create_task(self._run_groups())

    async def run_decoded(self, readers: Sequence[ImageReader]) -> None:
        """Run rollouts of samples that are decoded ahead, by a thread with each of `readers`."""
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._work.generator.concurrency):
                slots.create_task(self._run_decoded())
            async with asyncio.TaskGroup() as decoding:
                for reader in readers:
                    decoding.create_task(self._decode_groups(reader))
            await self._decoded.put(None)  # the end of input: slots exit once the queue is empty

    async def _run_groups(self) -> None:
        while not self._stop.is_set() and (group := await self._next_group()) is not None:
            for item in group:
                await self._run_item(item, self._read)

    async def _run_decoded(self) -> None:
        while (decoded := await self._decoded.get()) is not None:
            if not self._stop.is_set():  # else the queue is emptied, so that decoders that wait for room end
                await self._run_item(decoded[0], _Ready(decoded[1]))
        await self._decoded.put(None)

    async def _run_item(self, item: Any, read: Callable[[Sample], Awaitable[Decoded]]) -> None:
        try:
            context = RolloutContext(self._work.generator, item, self._recorder, self._stop, read)
            result = await self._work.rollout(item, context)
        except (StoppedError, DeferredError):
            return
        await self._recorder.finish(item, result)

    async def _decode_groups(self, reader: ImageReader) -> None:
        """Decode a batch while the one before it is put into the queue: the loop may be busy with replies."""
        loop = asyncio.get_running_loop()
        while not self._stop.is_set() and (group := await self._next_group()) is not None:
            decoder, ready = _Decoder(self._work, reader, self._stop), list[tuple[Any, Decoded]]()
            for batch in batched(group, BATCH):
                if self._stop.is_set():
                    return
                decoding = loop.run_in_executor(self._pool, decoder.decode, batch)
                await self._put(ready)
                ready = await decoding
            # Before the next group is awaited: it may be handed out only once this one has its results.
            await self._put(ready)

    async def _put(self, decoded: Sequence[tuple[Any, Decoded]]) -> None:
        for each in decoded:
            await self._decoded.put(each)

    async def _next_group(self) -> list[Any] | None:
        async with self._reading_groups:
            if isinstance(self._groups, AsyncIterator):
                return await anext(self._groups, None)
            return await asyncio.get_running_loop().run_in_executor(self._pool, next, self._groups, None)

    async def _read(self, sample: Sample) -> Decoded:
        reader = await self._readers.get()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._work.decode, reader, sample)
        finally:
            self._readers.put_nowait(reader)


class _Ready:
    """Reads images that are decoded already."""

    __slots__ = ("_images",)

    def __init__(self, images: Decoded) -> None:
        self._images = images

    async def __call__(self, sample: Sample) -> Decoded:
        return self._images


class _Decoder:
    """Decodes the samples of one episode with one reader; the images of a moment once for all its items."""

    def __init__(self, work: Rollouts, reader: ImageReader, stop: asyncio.Event) -> None:
        self._work, self._reader, self._stop = work, reader, stop
        self._moment: Moment | None = None
        self._images: Decoded = SampleImages()

    def decode(self, items: Sequence[Sequence[Sample]]) -> list[tuple[Sequence[Sample], Decoded]]:
        """Return the items with the images of their moments, up to where the run is stopped."""
        return [(samples, self._decode(samples[0])) for samples in items if not self._stop.is_set()]

    def _decode(self, sample: Sample) -> Decoded:
        if sample.moment != self._moment:
            self._moment, self._images = sample.moment, self._work.decode(self._reader, sample)
        return self._images
