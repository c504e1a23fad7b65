"""From samples to annotations: the rollouts of dialogues, conversations and judgements.

An item is a sample, or with `turns` a conversation: the samples of an episode in their order, each of which the model
is told the dialogues before it. A sample that fails becomes an annotation with its stage and reason.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from pgen.components import Check, Context, Generator, ImageReader, PromptBuilder, Source
from pgen.errors import SampleError
from pgen.inference.ask import failure
from pgen.inference.checking import as_failure, checked, join_reasons
from pgen.inference.conversation import as_turn, turns_after
from pgen.inference.parsing import parse
from pgen.inference.prompting import prompt_for, repair_for
from pgen.inference.rollout import RolloutContext
from pgen.inference.scheduler import Rollouts
from pgen.media import SampleImages, read_sample
from pgen.records import Annotation, Dialogue, Failure, Judgement, Prompt, Reply, Request, Sample, Usage
from pgen.seeds import request_seed, sample_seed


@dataclass(frozen=True)
class Pipeline(Rollouts):
    """The components of a run between planning and the journal.

    `attempts` bounds the requests about one sample; `images_per_camera` is the most images per camera, whose pixels
    together are at most `max_pixels`. A finding of the `checks` is sent back once, unless `on_check` is `keep`.
    `parse` reads a reply.
    """

    source: Source
    prompts: PromptBuilder
    generator: Generator
    seed: int
    attempts: int
    max_pixels: int
    images_per_camera: int = 1
    language: str = "en"
    turns: bool = False
    checks: tuple[Check, ...] = ()
    on_check: str = "retry"
    parse: Callable[[Reply, Prompt], Dialogue | Judgement] = parse

    def open(self) -> None:
        super().open()
        self.prompts.open()

    @property
    def decodes_ahead(self) -> bool:
        return not self.turns

    async def rollout(self, item: Any, context: RolloutContext) -> Annotation | None:
        if not self.turns:
            return await self.annotate(item, context)
        turns = item[0].question.turns
        for sample in item:
            turn = as_turn(sample, turns)
            annotation = await context.recall(turn)
            if annotation is None or not annotation.dialogue:
                annotation = await self.annotate(turn, context)
                await context.record(annotation)
            turns = turns_after(annotation)
        return None

    def reader(self) -> AbstractContextManager[ImageReader]:
        return self.source.reader(self.max_pixels // self.images_per_camera)

    def read(self, reader: ImageReader, sample: Sample) -> SampleImages:
        return read_sample(reader, sample, self.max_pixels, clips=self.generator.takes_clips)

    async def annotate(self, sample: Sample, context: RolloutContext) -> Annotation:
        """Return the dialogue or judgement of one sample, or its failure."""
        moment = sample_seed(self.seed, sample)
        prompt = prompt_for(self.prompts, sample, moment, self.language)
        try:
            images = await context.images(sample)
        except SampleError as error:
            return Annotation(sample, prompt.plan, failure(error), Usage(attempts=0))
        seed = request_seed(moment, sample)
        request = Request(sample, prompt, images.images, seed, repair_for(sample), images.clips)

        def read(reply: Reply) -> Annotation:
            annotation = Annotation(sample, prompt.plan, self.parse(reply, prompt))
            return checked(annotation, self.checks, Context(self.language))

        answer = await context.ask(request, read, self.attempts, self._review)
        if isinstance(answer.outcome, Failure):
            return Annotation(sample, prompt.plan, answer.outcome, answer.usage)
        annotation = answer.outcome
        if annotation.checks and self.on_check == "fail":
            annotation = as_failure(annotation)
        return replace(annotation, usage=answer.usage)

    def _review(self, annotation: Annotation) -> str:
        """Return the findings that are worth another request; a sample that is asked about once more gets no third."""
        if self.on_check == "keep" or annotation.sample.question.problem:
            return ""
        return join_reasons(annotation.checks)

    def remaining(self, item: Any, last: Any) -> Any:
        if not self.turns:
            return None
        # Not by the sample, whose question now has turns: the moments of a conversation differ.
        position = next(place for place, sample in enumerate(item) if sample.moment == last.sample.moment)
        if not (left := item[position + 1 :]):
            return None
        return [replace(left[0], question=replace(left[0].question, turns=turns_after(last))), *left[1:]]
