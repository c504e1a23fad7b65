"""The samples of a run: the source's episodes, the sampler's frames, the skills of their spans."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from pgen.components import Sampler, Source
from pgen.errors import InputError, PluginError
from pgen.inference.conversation import repeated_turns
from pgen.labels import frame_ranges
from pgen.records import ClipFrame, Episode, Moment, Question, Sample, SpanContext


class Survey:
    """Counts the planned samples, episode by episode."""

    def __init__(self, turns: bool) -> None:
        self._turns = turns
        self._counts: Counter[str] = Counter()
        self._longest = self._max_images = 0
        self._first: Sample | None = None

    def add(self, episode: Episode, samples: list[Sample]) -> None:
        """Count an episode and its samples."""
        self._counts.update(episodes=1, frames=len(episode.timestamps), samples=len(samples))
        self._counts["images"] += sum(len(sample.moment.images) for sample in samples)
        self._max_images = max([self._max_images, *(len(sample.moment.images) for sample in samples)])
        self._first = self._first or (samples[0] if samples else None)
        if self._turns:
            turns = Counter(sample.question.variant for sample in samples)
            self._counts.update(conversations=len(turns), retold=sum(map(repeated_turns, turns.values())))
            self._longest = max([self._longest, *turns.values()])

    @property
    def sizes(self) -> dict[str, Any]:
        """The counts of a Plan, by the names of its fields."""
        return {**self._counts, "longest": self._longest, "max_images": self._max_images}

    def sample(self, notes: Mapping[str, int]) -> Sample:
        """Return the first sample. Raises InputError, with the source's `notes`, if there is none."""
        if self._first is None:
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
        inside = chosen[bisect_left(chosen, frames.start) : bisect_left(chosen, frames.stop)]
        samples += _span_samples(episode, source, sampler, position, inside)
    return samples


def _span_samples(
    episode: Episode, source: Source, sampler: Sampler, position: int, frames: list[int]
) -> Iterator[Sample]:
    names = [skill.name for skill in episode.skills]
    span = SpanContext(
        episode_index=episode.index,
        episode_id=episode.id,
        task=episode.task,
        skill_index=position,
        skill=names[position],
        history=tuple(names[:position]),
        future=tuple(names[position + 1 :]),
    )
    for frame in frames:
        moment = Moment(
            frame_index=frame,
            timestamp=episode.timestamps[frame],
            cameras=episode.cameras,
            images=source.image_names(episode, frame),
            clip=_clip(episode, sampler, frame),
        )
        yield Sample(span, moment)


def _clip(episode: Episode, sampler: Sampler, frame: int) -> tuple[ClipFrame, ...]:
    frames = list(sampler.clip(episode, frame))
    if not frames:
        return ()
    if not (frames[0] >= 0 and frames[-1] == frame and all(a < b for a, b in pairwise(frames))):
        raise PluginError(f"sampler {sampler.name}: the clip of frame {frame} does not ascend to it: {frames}.")
    return tuple(ClipFrame(index, episode.timestamps[index]) for index in frames) if len(frames) > 1 else ()


def planned(
    source: Source,
    sampler: Sampler,
    limit: int | None,
    variants: int = 1,
    episodes: Iterable[Episode] | None = None,
) -> Iterator[tuple[Episode, list[Sample]]]:
    """Yield each chosen episode with its samples, `variants` of each moment, up to `limit` samples in all.

    `episodes` replaces the source's own, where they have been recorded.
    """
    left = limit
    questions = [Question(variant=number) for number in range(variants)]
    for episode in source.episodes() if episodes is None else episodes:
        # Beyond the limit an episode has no samples, but is still part of the output.
        samples = [] if left == 0 else samples_of(episode, source, sampler)
        if variants > 1:
            samples = [replace(sample, question=question) for sample in samples for question in questions]
        if left is not None:
            samples = samples[:left]
            left -= len(samples)
        yield episode, samples
