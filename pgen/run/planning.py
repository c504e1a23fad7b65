"""The samples of a run: the source's episodes, the sampler's frames, the skills of their spans."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

from pgen.components import PromptBuilder, Sampler, Source
from pgen.errors import InputError, PluginError
from pgen.inference.conversation import conversations, moments, repeated_turns
from pgen.labels import frame_ranges, phase_positions
from pgen.records import ClipFrame, Episode, Moment, Question, Sample, Scope, SpanContext


class Survey:
    """Counts the planned samples, episode by episode.

    `turns` is whether an episode is one conversation, `several` whether a request asks for all samples of a moment.
    """

    def __init__(self, turns: bool, several: bool) -> None:
        self._turns, self._several = turns, several
        self._counts: Counter[str] = Counter()
        self._longest = self._max_images = 0
        self._first: tuple[Sample, ...] = ()

    def add(self, episode: Episode, samples: list[Sample]) -> None:
        """Count an episode and its samples."""
        requests = self._split(samples)
        images = [len(request[0].moment.images) for request in requests]
        self._counts.update(episodes=1, frames=len(episode.timestamps), samples=len(samples), requests=len(requests))
        self._counts["images"] += sum(images)
        self._max_images = max([self._max_images, *images])
        self._first = self._first or (requests[0] if requests else ())
        if self._turns:
            held = [self._split(conversation) for conversation in conversations(samples, several=self._several)]
            self._counts.update(conversations=len(held), retold=sum(map(repeated_turns, held)))
            self._longest = max([self._longest, *map(len, held)])

    def _split(self, samples: list[Sample]) -> list[tuple[Sample, ...]]:
        return moments(samples) if self._several else [(sample,) for sample in samples]

    @property
    def sizes(self) -> dict[str, Any]:
        """The counts of a Plan, by the names of its fields."""
        return {**self._counts, "longest": self._longest, "max_images": self._max_images}

    def first(self, notes: Mapping[str, int]) -> tuple[Sample, ...]:
        """Return the samples of the first request. Raises InputError, with the source's `notes`, if there is none."""
        if not self._first:
            reasons = f" ({'; '.join(f'{count} {note}' for note, count in notes.items())})" if notes else ""
            raise InputError(f"the chosen episodes have no skill to request dialogue for{reasons}; check the skills.")
        return self._first


def samples_of(episode: Episode, source: Source, sampler: Sampler) -> list[Sample]:
    """Return the episode's samples in the order of their frames; a frame outside every span has none."""
    if episode.samples is not None:
        return list(episode.samples)
    chosen = sorted(set(sampler.frames(episode)))
    if chosen and not (chosen[0] >= 0 and chosen[-1] < len(episode.timestamps)):
        raise PluginError(
            f"sampler {sampler.name} chose frame {chosen[-1] if chosen[0] >= 0 else chosen[0]} of episode "
            f"{episode.index}, which has {len(episode.timestamps)} frames."
        )
    samples: list[Sample] = []
    for position, frames in enumerate(frame_ranges(episode)):
        if inside := chosen[bisect_left(chosen, frames.start) : bisect_left(chosen, frames.stop)]:
            samples += _span_samples(episode, source, sampler, position, frames.start, inside)
    return samples


def _span_samples(
    episode: Episode, source: Source, sampler: Sampler, position: int, start: int, frames: list[int]
) -> Iterator[Sample]:
    """Yield the samples of the span at `position`, which starts at the frame `start`."""
    names = [skill.name for skill in episode.skills]
    span = SpanContext(
        episode_index=episode.index,
        episode_id=episode.id,
        task=episode.task,
        skill_index=position,
        skill=names[position],
        history=tuple(names[:position]),
        future=tuple(names[position + 1 :]),
        elsewhere=episode.elsewhere,
        phases=phase_positions(episode),
        failed=tuple(place for place, skill in enumerate(episode.skills) if skill.failed),
    )
    for frame in frames:
        moment = Moment(
            frame_index=frame,
            timestamp=episode.timestamps[frame],
            cameras=episode.cameras,
            images=source.image_names(episode, frame),
            clip=_clip(episode, sampler, frame),
            running=round(episode.timestamps[frame] - episode.timestamps[start], 3),
        )
        yield Sample(span, moment)


def _clip(episode: Episode, sampler: Sampler, frame: int) -> tuple[ClipFrame, ...]:
    frames = list(sampler.clip(episode, frame))
    if not frames:
        return ()
    if not (frames[0] >= 0 and frames[-1] == frame and all(a < b for a, b in pairwise(frames))):
        raise PluginError(f"sampler {sampler.name}: the clip of frame {frame} does not ascend to it: {frames}.")
    return tuple(ClipFrame(index, episode.timestamps[index]) for index in frames) if len(frames) > 1 else ()


@dataclass(frozen=True, slots=True)
class Planner:
    """Chooses the samples of each episode: the source's or the sampler's moments, with the dialogues to request there.

    `variants` is the number of wordings of each dialogue, None for that of the prompt builder. No dialogue of a scope
    whose weight in `scopes` is 0 is requested. At most `limit` samples are planned in all.
    """

    source: Source
    sampler: Sampler
    prompts: PromptBuilder
    seed: int
    variants: int | None
    scopes: Mapping[Scope, float]
    limit: int | None = None

    def planned(self, episodes: Iterable[Episode]) -> Iterator[tuple[Episode, list[Sample]]]:
        """Yield each episode with its samples."""
        left = self.limit
        for episode in episodes:
            # Beyond the limit an episode has no samples, but is still part of the output.
            samples = [] if left == 0 else self._samples(episode)
            if left is not None:
                samples = samples[:left]
                left -= len(samples)
            yield episode, samples

    def _samples(self, episode: Episode) -> list[Sample]:
        chosen = samples_of(episode, self.source, self.sampler)
        whole = self.source.whole_episodes
        asked = self.prompts.questions(chosen, self.seed) if whole else [(Question(),) for _ in chosen]
        if len(asked) != len(chosen):
            raise PluginError(
                f"prompt {self.prompts.name} returned questions for {len(asked)} moments of episode {episode.index}, "
                f"which has {len(chosen)}."
            )
        variants = self.variants or (self.prompts.variants if whole else 1)
        return [
            Sample(sample.span, sample.moment, question)
            for sample, questions in zip(chosen, asked, strict=True)
            for question in self._wanted(episode, sample, questions, variants)
        ]

    def _wanted(
        self, episode: Episode, sample: Sample, questions: Sequence[Question], variants: int
    ) -> Iterator[Question]:
        """Yield the questions, with their variants, that the weights and the sampler admit."""
        frame = sample.moment.frame_index
        for question in questions:
            if self.scopes.get(question.scope):
                yield from (it for it in _wordings(question, variants) if self.sampler.admits(episode, frame, it))


@lru_cache(256)
def _wordings(question: Question, variants: int) -> tuple[Question, ...]:
    """Return the question for each variant; cached, as most moments of an episode have the same questions."""
    numbers = range(variants)
    return tuple(question if question.variant == it else replace(question, variant=it) for it in numbers)
