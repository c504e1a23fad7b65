"""From the samples of an episode to a label for each of its frames.

A sample's dialogue labels the frames from its own to the next answered sample of the same span; the
frames of the span before its first answered sample take that one. A label never crosses a span's edge:
no frame carries a dialogue that was made for another skill.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from pgen.records import Annotation, Episode
from pgen.spans import frame_ranges


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
            answered.setdefault(annotation.sample.skill_index, []).append(annotation)
    stretches: list[Stretch] = []
    for position, frames in enumerate(frame_ranges(episode)):
        stretches += _span(frames, answered.get(position, []))
    return _without_holes(stretches, len(episode.timestamps))


def _span(frames: range, annotations: list[Annotation]) -> list[Stretch]:
    if not annotations or not frames:
        return []
    ordered = sorted(annotations, key=lambda annotation: annotation.sample.frame_index)
    starts = [frames.start, *(annotation.sample.frame_index for annotation in ordered[1:]), frames.stop]
    return [
        Stretch(start, stop, annotation) for (start, stop), annotation in zip(pairwise(starts), ordered, strict=True)
    ]


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
