"""From samples to annotations: the rollouts of dialogues and conversations.

An item is the samples of one moment that one request asks for, or with `turns` a conversation: the samples of an
episode in their order, where each request contains the dialogues before it. A sample that fails becomes an annotation
with its stage and reason. All results of a moment are committed together.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from pgen.components import Check, Context, Generator, ImageReader, PromptBuilder, Source
from pgen.errors import SampleError
from pgen.inference.ask import Answer, failure
from pgen.inference.checking import as_failure, checked, join_reasons
from pgen.inference.conversation import as_turn, moments, turns_after
from pgen.inference.parsing import parse
from pgen.inference.prompting import prompt_for, repair_for, takes_moments
from pgen.inference.replies import narrow, parse_dialogues
from pgen.inference.rollout import RolloutContext
from pgen.inference.scheduler import Rollouts
from pgen.media import SampleImages, read_sample
from pgen.records import Annotation, Dialogue, Failure, Plan, Reply, Request, Sample, Usage
from pgen.seeds import request_seed, sample_seed


@dataclass(frozen=True)
class SampleRollouts(Rollouts):
    """Rollouts about samples: what all of them need.

    `attempts` bounds the requests about one sample; `images_per_camera` is the most images per camera, whose pixels
    together are at most `max_pixels`.
    """

    source: Source
    prompts: PromptBuilder
    generator: Generator
    seed: int
    attempts: int
    max_pixels: int
    images_per_camera: int = 1

    @property
    def decodes_ahead(self) -> bool:
        return True

    def reader(self) -> AbstractContextManager[ImageReader]:
        return self.source.reader(self.max_pixels // self.images_per_camera)

    def read(self, reader: ImageReader, sample: Sample) -> SampleImages:
        return read_sample(reader, sample, self.max_pixels, clips=self.generator.takes_clips)

    def remaining(self, item: Any, last: Any) -> Any:
        # By moment and place in it, not by the sample, whose question has turns in a conversation.
        position = next(place for place, sample in enumerate(item) if _place(sample) == _place(last.sample))
        return item[position + 1 :] or None


def _place(sample: Sample) -> tuple[Any, ...]:
    return sample.moment, replace(sample.question, turns=(), turn_type=None)


@dataclass(frozen=True)
class Pipeline(SampleRollouts):
    """The components of a run between planning and the journal.

    A finding of the `checks` is sent back once, unless `on_check` is `keep`.
    """

    language: str = "en"
    turns: bool = False
    checks: tuple[Check, ...] = ()
    on_check: str = "retry"

    def open(self) -> None:
        super().open()
        self.prompts.open()

    @property
    def decodes_ahead(self) -> bool:
        return not self.turns

    async def rollout(self, item: Any, context: RolloutContext) -> None:
        if not self.turns:
            await context.record_all(await self.annotate(item, context))
            return
        turns = item[0].question.turns
        for samples in moments(item):
            turn = [as_turn(sample, turns) for sample in samples]
            recalled = {sample: await context.recall(sample) for sample in turn}
            if missing := [sample for sample in turn if not (recalled[sample] and recalled[sample].dialogue)]:
                annotations = await self._each(missing, context)
                await context.record_all(annotations)
                recalled.update(zip(missing, annotations, strict=True))
            turns = turns_after([recalled[sample] for sample in turn])

    async def _each(self, samples: Sequence[Sample], context: RolloutContext) -> list[Annotation]:
        """Return the annotations of a moment's samples, by as many requests as the generator needs."""
        groups = [samples] if takes_moments(self.prompts, self.generator) else [[sample] for sample in samples]
        return [annotation for group in groups for annotation in await self.annotate(group, context)]

    async def annotate(self, samples: Sequence[Sample], context: RolloutContext) -> list[Annotation]:
        """Return the dialogue of each of the samples of one request, or its failure."""
        first, several = samples[0], takes_moments(self.prompts, self.generator)
        moment = sample_seed(self.seed, first)
        prompt = prompt_for(self.prompts, samples, moment, self.language, several=several)
        planned = list(zip(samples, prompt.plans, strict=True))
        try:
            images = await context.images(first)
        except SampleError as error:
            return [Annotation(sample, plan, failure(error), Usage(attempts=0)) for sample, plan in planned]
        numbers = tuple(range(1, len(samples) + 1))
        request = Request(
            samples=tuple(samples),
            prompt=prompt,
            images=images.images,
            seed=request_seed(moment, first),
            repair=repair_for(first, several=several),
            clips=images.clips,
            numbers=numbers,
        )

        def read(reply: Reply, numbers: tuple[int, ...]) -> dict[int, Annotation | Failure]:
            dialogues = parse_dialogues(reply, prompt, numbers) if several else {1: parse(reply, prompt)}
            return {number: self._checked(*planned[number - 1], dialogues[number]) for number in numbers}

        answers = await context.ask_each(request, read, self.attempts, self._review, narrow if several else None)
        return [self._annotation(sample, plan, answer) for (sample, plan), answer in zip(planned, answers, strict=True)]

    def _checked(self, sample: Sample, plan: Plan, dialogue: Dialogue | Failure) -> Annotation | Failure:
        if isinstance(dialogue, Failure):
            return dialogue
        return checked(Annotation(sample, plan, dialogue), self.checks, Context(self.language))

    def _annotation(self, sample: Sample, plan: Plan, answer: Answer[Annotation]) -> Annotation:
        if isinstance(answer.outcome, Failure):
            return Annotation(sample, plan, answer.outcome, answer.usage)
        annotation = answer.outcome
        if annotation.checks and self.on_check == "fail":
            annotation = as_failure(annotation)
        return Annotation(sample, plan, annotation.outcome, answer.usage, annotation.checks)

    def _review(self, annotation: Annotation) -> str:
        """Return the findings that are worth another request; a sample that is asked about once more gets no third."""
        if self.on_check == "keep" or annotation.sample.question.problem:
            return ""
        return join_reasons(annotation.checks)

    def remaining(self, item: Any, last: Any) -> Any:
        left = super().remaining(item, last)
        if not self.turns or left is None:
            return left
        # From the latest moment on: what is recorded of it is recalled, and gives the turns after it.
        latest = next(place for place, sample in enumerate(item) if sample.moment == last.sample.moment)
        begun = replace(item[latest], question=replace(item[latest].question, turns=last.sample.question.turns))
        return [begun, *item[latest + 1 :]]
