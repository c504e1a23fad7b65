"""Join the spans of overlapping windows; times that count from a window's own start are moved."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from pgen.records import Episode, Skill
from pgen_segment.spans.parse import FrameEdges, parse_spans

NEAR = 1.0
"""Seconds within which the edges of two windows are the same: the length of the shortest skills."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window from `start` to `stop` seconds, with its spans."""

    start: float
    stop: float
    spans: tuple[Skill, ...]


def window(spans: Any, episode: Episode, start: float, stop: float, changes: Counter[str]) -> Window:
    """Return the spans (schema `segments`) of one window, clipped to it. Raises SampleError where there is none."""
    edges = FrameEdges(episode)
    timed = []
    for span in parse_spans(spans, episode, changes):
        low, high = sorted((_second(span.start, edges), _second(span.stop, edges)))
        timed.append((span.name, low, high))
    moved = [(name, low + start, high + start) for name, low, high in timed]
    if _covered(moved, start, stop) > _covered(timed, start, stop):
        changes["windows with times from their own start: moved"] += 1
        timed = moved
    skills = [Skill(name, max(low, start), min(high, stop)) for name, low, high in sorted(timed, key=lambda s: s[1])]
    return Window(start, stop, tuple(skill for skill in skills if skill.start < skill.end))


def stitched(left: Window, right: Window) -> Window:
    """Join two windows that overlap, at an edge that both have, else in the middle of the overlap."""
    own_seam, seam, agreed = _seam(left, right)
    before = [
        replace(span, end=seam if span.end >= own_seam else span.end) for span in left.spans if span.start < own_seam
    ]
    after = [replace(span, start=max(span.start, seam)) for span in right.spans if span.end > seam]
    if before and after and not agreed and before[-1].name == after[0].name:
        after[0] = replace(after[0], start=before.pop().start)
    return Window(left.start, right.stop, (*before, *after))


def _seam(left: Window, right: Window) -> tuple[float, float, bool]:
    """Return the seam in the times of the left window and of the right one, and whether both have an edge there."""
    low, high = right.start, left.stop
    edges = product(_edges(left.spans, low, high), _edges(right.spans, low, high))
    near = min(edges, key=lambda pair: (abs(pair[0] - pair[1]), pair), default=None)
    if near is not None and abs(near[0] - near[1]) <= NEAR:
        return *near, True
    middle = (low + high) / 2
    return middle, middle, False


def _edges(spans: Sequence[Skill], low: float, high: float) -> list[float]:
    return sorted({time for span in spans for time in (span.start, span.end) if low < time < high})


def _second(edge: int, edges: FrameEdges) -> float:
    return edges.time(edge) if edge <= edges.frames else edges.end


def _covered(spans: Sequence[tuple[str, float, float]], start: float, stop: float) -> float:
    return sum(max(0.0, min(high, stop) - max(low, start)) for _, low, high in spans)
