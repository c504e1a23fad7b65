"""Asks a generator about samples: pictures decoded ahead, many requests in flight, nothing in batches.

As one request ends the next begins; what is decoded and not yet answered is bounded. A sample that fails
becomes an annotation with its stage and reason. The order of the answers is not that of the samples.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import monotonic

from pgen.components import Generator, ImageReader, PromptBuilder, Source
from pgen.errors import PgenError, SampleError
from pgen.parsing import parse
from pgen.records import Annotation, Dialogue, Failure, Image, Repair, Reply, Request, Sample, Usage
from pgen.seeds import derive, sample_key

DECODERS = 2
"""Threads that decode, each with a reader of its own and an episode at a time: decoding releases the GIL."""

AHEAD = 16
"""Samples that are decoded before a request is free to take them."""

_ASK_AGAIN = frozenset({"truncated", "parse", "schema"})

Emit = Callable[[Annotation], Awaitable[None]]
Images = tuple[Image, ...] | SampleError


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The parts of a run between planning and the journal. `attempts` bounds how often one sample is asked."""

    source: Source
    prompts: PromptBuilder
    generator: Generator
    seed: int
    attempts: int
    max_pixels: int

    async def run(self, groups: Iterator[list[Sample]], emit: Emit, stop: asyncio.Event) -> None:
        """Ask about every sample of `groups` (samples of one episode each); ends early once `stop` is set."""
        with ThreadPoolExecutor(DECODERS, "decode") as pool:
            stream = _Stream(self, groups, emit, stop, pool)
            try:
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(DECODERS):
                        tasks.create_task(stream.decode(tasks))
            except BaseExceptionGroup as group:
                raise reason_of(group) from None

    async def annotate(self, sample: Sample, images: Images) -> Annotation:
        """One sample to its end: asked until a reply fits, at most `attempts` times."""
        seed = derive(self.seed, sample_key(sample))
        prompt = self.prompts.build(sample, seed)
        if isinstance(images, SampleError):
            return Annotation(sample, prompt.plan, Failure(images.stage, _line(images.reason)), Usage(attempts=0))
        request = Request(sample, prompt, images, seed)
        usage = Usage(attempts=0)
        for attempt in range(1, self.attempts + 1):
            outcome, text, used = await self._ask(request)
            usage += used
            if isinstance(outcome, Dialogue) or outcome.stage not in _ASK_AGAIN:
                break
            request = replace(request, seed=derive(seed, attempt), repair=Repair(text, outcome.reason))
        return Annotation(sample, prompt.plan, outcome, usage)

    async def _ask(self, request: Request) -> tuple[Dialogue | Failure, str, Usage]:
        started, reply = monotonic(), Reply("")
        outcome: Dialogue | Failure
        try:
            reply = await self.generator.generate(request)
            outcome = parse(reply, request.prompt)
        except SampleError as error:
            outcome = Failure(error.stage, _line(error.reason))
        except PgenError:
            raise
        except Exception as error:  # a generator may raise anything: it costs this sample, not the run
            outcome = Failure("generate", _line(f"{type(error).__name__}: {error}"))
        used = Usage(reply.tokens_in, reply.tokens_out, monotonic() - started, 1, reply.retries)
        return outcome, reply.text, used


class _Stream:
    """One run of the pipeline: the samples on their way, and what bounds them."""

    def __init__(
        self,
        parts: Pipeline,
        groups: Iterator[list[Sample]],
        emit: Emit,
        stop: asyncio.Event,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._parts, self._groups, self._emit, self._stop, self._pool = parts, groups, emit, stop, pool
        self._turn = asyncio.Lock()
        self._flights = asyncio.Semaphore(parts.generator.concurrency)
        self._slots = asyncio.Semaphore(parts.generator.concurrency + AHEAD)

    async def decode(self, tasks: asyncio.TaskGroup) -> None:
        """Read the pictures of one episode after the other, and send each sample off as it is read."""
        loop = asyncio.get_running_loop()
        with self._parts.source.reader(self._parts.max_pixels) as reader:
            while not self._stop.is_set():
                async with self._turn:
                    group = await loop.run_in_executor(self._pool, next, self._groups, None)
                if group is None:
                    return
                for sample in group:
                    await self._slots.acquire()
                    if self._stop.is_set():
                        return
                    images = await loop.run_in_executor(self._pool, _images, reader, sample)
                    tasks.create_task(self._fly(sample, images))

    async def _fly(self, sample: Sample, images: Images) -> None:
        async with self._flights:
            if not self._stop.is_set():
                await self._emit(await self._parts.annotate(sample, images))
        self._slots.release()


def _images(reader: ImageReader, sample: Sample) -> Images:
    try:
        return reader.images(sample)
    except SampleError as error:
        return error
    except PgenError:
        raise
    except Exception as error:  # a decoder may raise anything: it costs this sample, not the run
        return SampleError("decode", f"{type(error).__name__}: {error}")


def reason_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The reason a run ended, out of the group that asyncio wraps it in."""
    error = group.exceptions[0]
    return reason_of(error) if isinstance(error, BaseExceptionGroup) else error


def _line(reason: str, limit: int = 500) -> str:
    """A reason as one line of text that every file can hold."""
    printable = reason.encode("utf-8", "backslashreplace").decode()
    return " ".join(printable.split())[:limit] or "no reason was given"
