"""One more request about a dialogue, with what a person says is wrong with it, as `annotate` makes it after a check."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pgen.components import Recorder
from pgen.config import Parts, RunOptions
from pgen.inference.ask import Answer
from pgen.inference.conversation import as_turn, conversations, moments, turns_after
from pgen.inference.prompting import takes_moments
from pgen.inference.rollout import Decoded, RolloutContext
from pgen.labels import phase_positions
from pgen.records import Annotation, Failure, Reply, Request, Sample
from pgen.run.planning import Planner
from pgen.run.rounds import pipeline_of
from pgen.seeds import derive
from pgen_review.events import Key
from pgen_review.reviewed import ReviewedEpisode


def sample_about(episode: ReviewedEpisode, parts: Parts, options: RunOptions, key: Key, problem: str) -> Sample:
    """Return a dialogue's sample as the run planned it, about its present text."""
    position = episode.positions[key]
    original = episode.adapted[position]
    planner = Planner(parts.source, parts.sampler, parts.prompts, options.seed, options.variants, options.scopes)
    planned = {_key(sample): sample for _, samples in planner.planned([episode.episode]) for sample in samples}
    if key in planned:
        sample = planned[key]
    else:  # the run had other options than its manifest says, or a person changed the spans
        stored, failed = original.sample, [place for place, it in enumerate(episode.episode.skills) if it.failed]
        phases = phase_positions(episode.episode)
        span = replace(stored.span, elsewhere=episode.episode.elsewhere, phases=phases, failed=tuple(failed))
        sample = replace(stored, span=span)
    if options.in_turns:
        sample = _in_turns(episode, parts, sample, key)
    # A rejected dialogue is asked about by its text, which a person may have edited before.
    question = replace(sample.question, about=episode.dialogue(key), problem=problem)
    return replace(sample, question=question)


def _key(sample: Sample) -> Key:
    question = sample.question
    return Key(sample.span.episode_index, sample.moment.frame_index, question.scope, question.variant)


def _in_turns(episode: ReviewedEpisode, parts: Parts, sample: Sample, key: Key) -> Sample:
    """Return the sample as a turn after the dialogues of its conversation, as they are now."""
    of: Mapping[Sample, Annotation] = {it.sample: it for it in episode.annotations}
    own = episode.adapted[episode.positions[key]].sample
    several = takes_moments(parts.prompts, parts.generator)
    conversation = next(it for it in conversations(list(of), several=several) if own in it)
    turns = sample.question.turns
    for moment in moments(conversation):
        if own in moment:
            break
        turns = turns_after([replace(of[it], sample=as_turn(it, turns)) for it in moment])
    return as_turn(sample, turns)


class SecondRequest:
    """Requests about one sample; each number has a seed of its own."""

    def __init__(self, parts: Parts, options: RunOptions, sample: Sample) -> None:
        self._sample = sample
        self._pipeline = pipeline_of(replace(parts, checks=()), options)

    async def send(self, number: int) -> Annotation:
        """Return what the generator writes, or its failure."""
        context = _Context(self._pipeline.generator, self._sample, _Unrecorded(), asyncio.Event(), self._images)
        context.number = number
        (annotation,) = await self._pipeline.annotate([self._sample], context)
        return annotation

    async def _images(self, sample: Sample) -> Decoded:
        return await asyncio.to_thread(self._read, sample)

    def _read(self, sample: Sample) -> Decoded:
        with self._pipeline.reader() as reader:
            return self._pipeline.decode(reader, sample)


class _Context(RolloutContext):
    """Sends a request under a seed that depends on its number."""

    number = 0

    async def ask_each[T](
        self,
        request: Request,
        parse: Callable[[Reply, tuple[int, ...]], Mapping[int, T | Failure]],
        attempts: int,
        review: Callable[[T], str] = lambda value: "",
        narrow: Callable[[Request], Request] | None = None,
    ) -> list[Answer[T]]:
        seeded = replace(request, seed=derive(request.seed, "candidate", self.number))
        return await super().ask_each(seeded, parse, attempts, review, narrow)


class _Unrecorded(Recorder):
    """Records nothing: a candidate is stored by who asked for it."""

    def recall(self, key: Any) -> Any:
        return None

    async def record(self, item: Any, result: Any) -> None:
        pass

    async def finish(self, item: Any, result: Any) -> None:
        pass
