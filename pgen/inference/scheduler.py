"""The samples of a run on their way: decoded a few at a time by threads, asked about as soon as a request is free.

What is decoded and not yet answered is bounded. A conversation is asked one sample after the other.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from pgen.components import ImageReader
from pgen.errors import SampleError
from pgen.inference.conversation import after, in_turn
from pgen.records import Annotation, Clip, Image, Moment, Sample

if TYPE_CHECKING:
    from pgen.inference.pipeline import Emit, Groups, Pipeline


def decoders(cores: int) -> int:
    """How many threads decode on a machine: half of its cores, from two to eight."""
    return max(2, min(8, cores // 2))


DECODERS = decoders(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Threads that decode, each with a reader of its own and an episode at a time: decoding releases the GIL."""

TOGETHER = 16
"""Samples that a thread decodes at once: to wake one, and to be woken by it, costs as much as to send a request."""


def ahead(decoders: int) -> int:
    """How many samples are decoded before a request is free to take them: half of them wait in line, and the rest,
    what each decoder has just read, for a place there."""
    return 2 * TOGETHER * decoders


@dataclass(frozen=True, slots=True)
class Pictures:
    """What a request shows: still pictures and sheets, or clips."""

    images: tuple[Image, ...] = ()
    clips: tuple[Clip, ...] = ()


class Stream:
    """One run of the pipeline: the samples on their way, and what bounds them."""

    def __init__(
        self,
        parts: "Pipeline",
        groups: "Groups",
        emit: "Emit",
        stop: asyncio.Event,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._parts, self._groups, self._emit, self._stop, self._pool = parts, groups, emit, stop, pool
        self._turn = asyncio.Lock()
        self._readers: asyncio.Queue[ImageReader] = asyncio.Queue()
        self._decoded: asyncio.Queue[tuple[Sample, Pictures | SampleError] | None] = asyncio.Queue(ahead(DECODERS) // 2)

    async def ask(self) -> None:
        """One request after the other, each about the next sample whose pictures are there."""
        while (decoded := await self._decoded.get()) is not None:
            if not self._stop.is_set():
                await self._emit(await self._parts.annotate(*decoded))
        await self._decoded.put(None)

    async def decode(self) -> None:
        """Read the pictures of one episode after the other, a few samples at once."""
        loop = asyncio.get_running_loop()
        with self._parts.reader() as reader:
            while not self._stop.is_set():
                group = await self._next()
                if group is None:
                    return
                decoder = _Decoder(self._parts, reader, self._stop)
                for some in batched(group, TOGETHER):
                    if self._stop.is_set():
                        return
                    for decoded in await loop.run_in_executor(self._pool, decoder.read, some):
                        await self._decoded.put(decoded)

    async def end(self) -> None:
        """Nothing more is decoded: who would ask goes home once the last sample is taken."""
        await self._decoded.put(None)

    async def converse(self) -> None:
        """One conversation after the other, each request told what was said before it."""
        while not self._stop.is_set():
            group = await self._next()
            if group is None:
                return
            said = group[0].question.turns if group else ()
            for sample in group:
                if self._stop.is_set():
                    return
                said = after(await self._say(in_turn(sample, said)))

    def share(self, readers: list[ImageReader]) -> None:
        """Readers that all conversations use: each would hold its videos open, and there may be hundreds."""
        for reader in readers:
            self._readers.put_nowait(reader)

    async def _next(self) -> list[Sample] | None:
        async with self._turn:
            if isinstance(self._groups, AsyncIterator):
                return await anext(self._groups, None)
            return await asyncio.get_running_loop().run_in_executor(self._pool, next, self._groups, None)

    async def _say(self, turn: Sample) -> Annotation:
        loop = asyncio.get_running_loop()
        # In a thread: the journal may be waiting for its disk.
        known = await loop.run_in_executor(self._pool, self._parts.known, turn)
        if known is not None and known.dialogue:
            return known
        reader = await self._readers.get()
        try:
            shown = await loop.run_in_executor(self._pool, self._parts.read, reader, turn)
        finally:
            self._readers.put_nowait(reader)
        annotation = await self._parts.annotate(turn, shown)
        await self._emit(annotation)
        return annotation


class _Decoder:
    """Reads what samples of one episode show, by one reader; the pictures of one moment once."""

    def __init__(self, parts: "Pipeline", reader: ImageReader, stop: asyncio.Event) -> None:
        self._parts, self._reader, self._stop = parts, reader, stop
        self._moment: Moment | None = None
        self._shown: Pictures | SampleError = Pictures()

    def read(self, samples: Sequence[Sample]) -> list[tuple[Sample, Pictures | SampleError]]:
        """The samples with what they show, up to where the run is stopped."""
        return [(sample, self._read(sample)) for sample in samples if not self._stop.is_set()]

    def _read(self, sample: Sample) -> Pictures | SampleError:
        if sample.moment != self._moment:
            self._moment, self._shown = sample.moment, self._parts.read(self._reader, sample)
        return self._shown
