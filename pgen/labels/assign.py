"""Assign the dialogues of an episode's samples to its frames.

A dialogue labels the frames from its sample to the next answered sample of the same span; the frames of the span
before its first answered sample take that one. A label never crosses the edge of a span: no frame has a dialogue that
was made for another skill. The variants of one sample divide its frames into runs of about the same length, whose
order depends on the texts (and so on the seed).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from pgen.labels.spans import frame_ranges
from pgen.records import Annotation, Episode
from pgen.seeds import derive


@dataclass(frozen=True, slots=True)
class Stretch:
    """The frames [start, stop) of an episode with one label; None if they have no dialogue."""

    start: int
    stop: int
    annotation: Annotation | None


def label(episode: Episode, annotations: Iterable[Annotation]) -> list[Stretch]:
    """Return stretches that cover every frame of the episode once, in order."""
    answered: dict[int, list[Annotation]] = {}
    for annotation in annotations:
        if annotation.dialogue is not None:
            answered.setdefault(annotation.sample.span.skill_index, []).append(annotation)
    stretches: list[Stretch] = []
    for position, frames in enumerate(frame_ranges(episode)):
        if frames and position in answered:
            stretches += _label_span(frames, answered[position])
    return list(_with_gaps(stretches, len(episode.timestamps)))


def _label_span(frames: range, annotations: list[Annotation]) -> Iterator[Stretch]:
    groups = [list(group) for _, group in groupby(sorted(annotations, key=_frame), key=_frame)]
    starts = [frames.start, *(_frame(group[0]) for group in groups[1:]), frames.stop]
    for (start, stop), group in zip(pairwise(starts), groups, strict=True):
        yield from _divide(range(start, stop), group)


def _frame(annotation: Annotation) -> int:
    return annotation.sample.moment.frame_index


def _divide(frames: range, variants: list[Annotation]) -> list[Stretch]:
    """Return a run of frames for each variant; with fewer frames than variants, the last variants get none."""
    count = min(len(variants), len(frames))
    edges = [frames.start + len(frames) * part // count for part in range(count + 1)] if count else []
    ordered = sorted(variants, key=_order) if len(variants) > 1 else variants
    return [Stretch(start, stop, variant) for (start, stop), variant in zip(pairwise(edges), ordered, strict=False)]


def _order(annotation: Annotation) -> tuple[int, int]:
    """Return the sort key of a variant: pseudo-random, as the text itself is."""
    frame, episode = _frame(annotation), annotation.sample.span.episode_id
    variant, text = annotation.sample.question.variant, annotation.dialogue.task if annotation.dialogue else ""
    return derive(frame, episode, variant, text), variant


def _with_gaps(stretches: list[Stretch], length: int) -> Iterator[Stretch]:
    """Yield the stretches, with one without a dialogue for each gap before, between and after them."""
    end = 0
    for stretch in [*stretches, Stretch(length, length, None)]:
        if stretch.start > end:
            yield Stretch(end, stretch.start, None)
        if stretch.stop > stretch.start:
            yield stretch
        end = stretch.stop
