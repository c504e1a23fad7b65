"""From the samples of an episode to a label for each of its frames.

A sample's dialogue labels the frames from its own to the next answered sample of the same span; the
frames of the span before its first answered sample take that one. A label never crosses a span's edge:
no frame carries a dialogue that was made for another skill. The variants of one sample share its frames, in
runs of about the same length whose order their texts decide (and so the seed, and chance).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise

from pgen.labels.spans import frame_ranges
from pgen.records import Annotation, Episode
from pgen.seeds import derive


@dataclass(frozen=True, slots=True)
class Stretch:
    """The frames [start, stop) of an episode with one label; None where there is no dialogue."""

    start: int
    stop: int
    annotation: Annotation | None


def label(episode: Episode, annotations: Iterable[Annotation]) -> list[Stretch]:
    """Stretches that cover every frame of the episode once, in order."""
    answered: dict[int, list[Annotation]] = {}
    for annotation in annotations:
        if annotation.dialogue is not None:
            answered.setdefault(annotation.sample.span.skill_index, []).append(annotation)
    stretches: list[Stretch] = []
    for position, frames in enumerate(frame_ranges(episode)):
        stretches += _span(frames, answered.get(position, []))
    return _without_holes(stretches, len(episode.timestamps))


def _span(frames: range, annotations: list[Annotation]) -> list[Stretch]:
    if not annotations or not frames:
        return []
    ordered = sorted(annotations, key=_frame)
    groups = [list(group) for _, group in groupby(ordered, key=_frame)]
    starts = [frames.start, *(_frame(group[0]) for group in groups[1:]), frames.stop]
    return [
        stretch
        for edges, group in zip(pairwise(starts), groups, strict=True)
        for stretch in _shared(range(*edges), group)
    ]


def _frame(annotation: Annotation) -> int:
    return annotation.sample.moment.frame_index


def _shared(frames: range, variants: list[Annotation]) -> list[Stretch]:
    """The frames in a run for each variant; where they are fewer than the variants, the last ones have none."""
    if len(variants) > 1:
        variants = sorted(variants, key=_drawn)
    count = min(len(variants), len(frames))
    edges = [frames.start + len(frames) * part // count for part in range(count + 1)] if count else []
    return [Stretch(start, stop, one) for (start, stop), one in zip(pairwise(edges), variants, strict=False)]


def _drawn(annotation: Annotation) -> tuple[int, int]:
    sample, dialogue = annotation.sample, annotation.dialogue
    said = dialogue.task if dialogue else ""
    return derive(
        sample.moment.frame_index, sample.span.episode_id, sample.question.variant, said
    ), sample.question.variant


def _without_holes(stretches: list[Stretch], length: int) -> list[Stretch]:
    whole: list[Stretch] = []
    reached = 0
    for stretch in stretches:
        if stretch.start > reached:
            whole.append(Stretch(reached, stretch.start, None))
        whole.append(stretch)
        reached = stretch.stop
    if reached < length:
        whole.append(Stretch(reached, length, None))
    return whole
