"""Samples in any number, runs of the pipeline over them, and single requests to servers."""

import asyncio
from collections.abc import Callable
from typing import Any

from pgen.components import Generator, PromptBuilder
from pgen.inference.pipeline import Pipeline
from pgen.records import Annotation, Episode, Prompt, Reply, Request, Sample
from pgen.testing import FakeSource, MemoryRecorder, make_episode, make_samples
from pgen_dialogue.prompts.reply_schema import typed_schema
from pgen_qwen_openai.generator import QwenOpenAIGenerator

SCHEMA = typed_schema()


class NumberedPrompt(PromptBuilder):
    """Names its sample and nothing else."""

    name = "numbered"

    def build(self, sample: Sample, seed: int) -> Prompt:
        return Prompt(sample.span.skill, SCHEMA, "You write dialogue.")

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        return {"user_prompt": "Go on.", "robot_utterance": "Sure."}

    def fingerprint(self) -> str:
        return "numbered"


def numbered(count: int) -> FakeSource:
    """Samples `step 0`, `step 1` …, twenty an episode."""
    episodes: list[Episode] = []
    for first in range(0, count, 20):
        numbers = range(first, min(count, first + 20))
        spans = ((f"step {number}", float(place), place + 1.0) for place, number in enumerate(numbers))
        episodes.append(make_episode(*spans, index=len(episodes)))
    return FakeSource(*episodes)


def annotate(
    generator: Generator, source: FakeSource, attempts: int = 2, each: Callable[[Annotation], Any] = lambda _: None
) -> list[Annotation]:
    """Return the annotation of every sample, in the order in which they end."""
    recorder = MemoryRecorder(on_result=each)

    async def run() -> None:
        await generator.open()
        try:
            pipeline = Pipeline(source, NumberedPrompt(), generator, 0, attempts, 10**6)
            groups = ([(sample,) for sample in make_samples(episode)] for episode in source.episodes())
            await pipeline.run(groups, recorder, asyncio.Event())
        finally:
            await generator.close()

    asyncio.run(run())
    return recorder.results


def a_request(**changes: Any) -> Request:
    """One request for a first sample."""
    (sample, *_) = make_samples()
    fields = {"samples": (sample,), "prompt": Prompt("step 0", SCHEMA), "images": (), "seed": 7}
    return Request(**{**fields, **changes})


def replies(
    servers: Any, *requests: Request, images: int = 1, **options: Any
) -> tuple[QwenOpenAIGenerator, list[Reply]]:
    """Open a generator for one or several servers, with short waits, and send the requests one after the other."""
    urls = [server.url for server in (servers if isinstance(servers, list | tuple) else [servers])]
    generator = QwenOpenAIGenerator(
        **{"base_url": urls, "max_retries": 3, "retry_wait": 0.001, "timeout": 20, **options}
    )
    generator.max_images = images

    async def run() -> list[Reply]:
        await generator.open()
        try:
            return [await generator.generate(request) for request in requests]
        finally:
            await generator.close()

    return generator, asyncio.run(run())
