"""Asks a generator about samples: pictures decoded ahead, many requests in flight, nothing in batches.

As one request ends the next begins; what is decoded and not yet answered is bounded. A sample that fails
becomes an annotation with its stage and reason. The order of the answers is not that of the samples.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from time import monotonic

from pgen.components import Generator, ImageReader, PromptBuilder, Source
from pgen.components.check import Check, Context
from pgen.errors import PgenError, SampleError, first_error
from pgen.inference.checking import examined, failed, told
from pgen.inference.parsing import parse
from pgen.inference.prompting import prompt_for, repair_for
from pgen.inference.scheduler import DECODERS, Pictures, Stream
from pgen.media.clips import read_clips, sheet
from pgen.records import (
    Annotation,
    Dialogue,
    Failure,
    Judgement,
    Prompt,
    Repair,
    Reply,
    Request,
    Sample,
    Usage,
)
from pgen.safety.redaction import excerpt
from pgen.seeds import derive, request_seed, sample_seed

_ASK_AGAIN = frozenset({"truncated", "parse", "schema"})

Emit = Callable[[Annotation], Awaitable[None]]
Groups = Iterator[list[Sample]] | AsyncIterator[list[Sample]]
"""Samples of one episode each; read in a thread, or awaited."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The parts of a run between planning and the journal.

    `attempts` bounds how often one sample is asked; `pictures` is the most a sample shows of one camera, whose
    pixels all together are at most `max_pixels`. With `turns` the samples of a group wait for each other. What
    the `checks` find is asked about once more, unless `on_check` is `keep`. `parse` reads a reply. `known` gives what
    was answered before, of what turns out only in a conversation.
    """

    source: Source
    prompts: PromptBuilder
    generator: Generator
    seed: int
    attempts: int
    max_pixels: int
    pictures: int = 1
    language: str = "en"
    turns: bool = False
    checks: tuple[Check, ...] = ()
    on_check: str = "retry"
    parse: Callable[[Reply, Prompt], Dialogue | Judgement] = parse
    known: Callable[[Sample], Annotation | None] = lambda sample: None

    async def run(self, groups: Groups, emit: Emit, stop: asyncio.Event) -> None:
        """Ask about every sample of `groups` (samples of one episode each); ends early once `stop` is set."""
        with ExitStack() as readers, ThreadPoolExecutor(DECODERS, "decode") as pool:
            stream = Stream(self, groups, emit, stop, pool)
            try:
                async with asyncio.TaskGroup() as tasks:
                    if self.turns:
                        stream.share([readers.enter_context(self.reader()) for _ in range(DECODERS)])
                        for _ in range(self.generator.concurrency):
                            tasks.create_task(stream.converse())
                        return
                    for _ in range(self.generator.concurrency):
                        tasks.create_task(stream.ask())
                    async with asyncio.TaskGroup() as decoding:
                        for _ in range(DECODERS):
                            decoding.create_task(stream.decode())
                    await stream.end()
            except BaseExceptionGroup as group:
                raise first_error(group) from None

    def reader(self) -> AbstractContextManager[ImageReader]:
        """A reader of pictures of the size that is to be sent."""
        return self.source.reader(self.max_pixels // self.pictures)

    def read(self, reader: ImageReader, sample: Sample) -> Pictures | SampleError:
        """The sample's pictures in the form that the generator takes, or why there are none."""
        try:
            if not sample.moment.clip:
                return Pictures(reader.images(sample))
            clips = read_clips(reader, sample)
            if self.generator.takes_clips:
                return Pictures(clips=clips)
            return Pictures(tuple(sheet(clip, self.max_pixels) for clip in clips))
        except SampleError as error:
            return error
        except PgenError:
            raise
        except Exception as error:  # a decoder may raise anything: it costs this sample, not the run
            return SampleError("decode", f"{type(error).__name__}: {error}")

    async def annotate(self, sample: Sample, shown: Pictures | SampleError) -> Annotation:
        """One sample to its end: asked until a reply fits, at most `attempts` times."""
        moment = sample_seed(self.seed, sample)
        prompt, seed = prompt_for(self.prompts, sample, moment, self.language), request_seed(moment, sample)
        if isinstance(shown, SampleError):
            return Annotation(sample, prompt.plan, Failure(shown.stage, _line(shown.reason)), Usage(attempts=0))
        request = Request(sample, prompt, shown.images, seed, repair_for(sample), shown.clips)
        kept: Annotation | None = None
        usage = Usage(attempts=0)
        for attempt in range(1, self.attempts + 1):
            outcome, text, used = await self._ask(request)
            usage += used
            annotation = examined(Annotation(sample, prompt.plan, outcome, used), self.checks, Context(self.language))
            first_finding = kept is None or kept.failure is not None
            if first_finding or annotation.dialogue:
                kept = annotation
            problem = self._problem(annotation, first_finding)
            if problem is None:
                break
            request = replace(request, seed=derive(seed, attempt), repair=Repair(text, problem))
        assert kept is not None
        kept = failed(kept) if kept.checks and self.on_check == "fail" else kept
        return kept if kept.usage == usage else replace(kept, usage=usage)

    def _problem(self, annotation: Annotation, first_finding: bool) -> str | None:
        """Why a sample is to be asked again; for what checks find, only once."""
        if failure := annotation.failure:
            return failure.reason if failure.stage in _ASK_AGAIN else None
        once = first_finding and self.on_check != "keep" and not annotation.sample.question.problem
        return told(annotation.checks) if annotation.checks and once else None

    async def _ask(self, request: Request) -> tuple[Dialogue | Judgement | Failure, str, Usage]:
        started, reply = monotonic(), Reply("")
        outcome: Dialogue | Judgement | Failure
        try:
            reply = await self.generator.generate(request)
            outcome = self.parse(reply, request.prompt)
        except SampleError as error:
            outcome = Failure(error.stage, _line(error.reason))
        except PgenError:
            raise
        except Exception as error:  # a generator may raise anything: it costs this sample, not the run
            outcome = Failure("generate", _line(f"{type(error).__name__}: {error}"))
        used = Usage(reply.tokens_in, reply.tokens_out, monotonic() - started, 1, reply.retries)
        return outcome, reply.text, used


def _line(reason: str) -> str:
    """A reason as one line of text that every file can hold."""
    return excerpt(reason, 500) or "no reason was given"
