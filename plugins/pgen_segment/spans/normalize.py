"""Normalize the spans of an episode: from 0 to its end, without gaps and overlaps, edges on frame times.

Where two spans overlap, the one that starts later wins, and the longer one continues after it. A gap is closed in its
middle. A span that is too short is merged into a neighbour. Every change is counted.
"""

from collections import Counter
from itertools import groupby, pairwise
from typing import Any

from pgen.errors import SampleError
from pgen.records import Episode, Skill
from pgen_segment.spans.parse import FrameEdges, FrameSpan, parse_spans

SHORTEST = 0.3
"""Seconds: shorter than any skill of an arm, and than a person needs to see what is done."""
LONG_GAP = 1.0
"""Seconds from which a gap may be a pause rather than imprecise edges: the length of the shortest skills."""
IDLE = "idle"
_ROUNDING = 1e-3
"""Seconds by which float32 timestamps can shorten a span."""


def normalize_spans(raw: Any, episode: Episode, changes: Counter[str], *, keep_idle: bool = False) -> tuple[Skill, ...]:
    """Return the episode's spans from raw ones (schema `segments`, or an object with them under `skills`).

    Changes are added to `changes`; `keep_idle` names long gaps `idle`. Raises SampleError for an episode without
    frames, or without a readable span.
    """
    if not episode.timestamps:
        raise SampleError("decode", "the episode has no frames.")
    edges = FrameEdges(episode)
    spans = _clip(parse_spans(raw, episode, changes), edges, changes)
    spans = _cut_overlaps(spans, edges, changes)
    spans = _close_gaps(spans, edges, keep_idle, changes)
    spans = _merge_short(spans, edges, changes)
    return tuple(Skill(span.name, edges.time(span.start), edges.time(span.stop)) for span in spans)


def _clip(spans: list[FrameSpan], edges: FrameEdges, changes: Counter[str]) -> list[FrameSpan]:
    """Return the spans sorted, start before stop, and inside the episode."""
    ordered = [FrameSpan(s.name, min(s.start, s.stop), max(s.start, s.stop)) for s in spans]
    _count(changes, "spans that end before they start: turned round", sum(s.start > s.stop for s in spans))
    _count(changes, "episodes with spans out of order: sorted", ordered != sorted(ordered, key=_order))
    clipped = []
    for s in sorted(ordered, key=_order):
        start, stop = max(s.start, 0), min(s.stop, edges.frames)
        if start < stop:
            clipped.append(FrameSpan(s.name, start, stop))
            _count(changes, "spans reaching beyond their episode: clipped", (start, stop) != (s.start, s.stop))
    _count(changes, "spans outside their episode or empty: dropped", len(spans) - len(clipped))
    if not clipped:
        raise SampleError("schema", "no span lies inside the episode.")
    return clipped


def _order(span: FrameSpan) -> tuple[int, int, str]:
    return span.start, -span.stop, span.name


def _cut_overlaps(spans: list[FrameSpan], edges: FrameEdges, changes: Counter[str]) -> list[FrameSpan]:
    """Give each frame to the span that starts last of those that cover it; of several, to the shortest."""
    owners = [-1] * edges.frames
    for i, span in enumerate(spans):
        owners[span.start : span.stop] = [i] * (span.stop - span.start)
    parts, start = [], 0
    for owner, frames in groupby(owners):
        stop = start + len(list(frames))
        if owner >= 0:
            parts.append((owner, FrameSpan(spans[owner].name, start, stop)))
        start = stop
    _count(changes, "overlapping spans: cut", sum(span not in parts for span in enumerate(spans)))
    return [part for _, part in parts]


def _close_gaps(spans: list[FrameSpan], edges: FrameEdges, keep_idle: bool, changes: Counter[str]) -> list[FrameSpan]:
    """Close gaps in their middle, and those at an end of the episode by the span beside them."""
    bounds = [FrameSpan("", 0, 0), *spans, FrameSpan("", edges.frames, edges.frames)]
    gaps = [(left.stop, right.start) for left, right in pairwise(bounds)]
    pauses = {gap for gap in gaps if keep_idle and edges.seconds(*gap) >= LONG_GAP}
    _count(changes, "long gaps: named idle", len(pauses))
    _count(changes, "gaps: closed", sum(start < stop for start, stop in gaps) - len(pauses))
    closed = [gap if gap in pauses else _close(*gap, edges) for gap in gaps]
    stretched = [FrameSpan(s.name, left[1], right[0]) for s, (left, right) in zip(spans, pairwise(closed), strict=True)]
    return sorted([*stretched, *(FrameSpan(IDLE, *pause) for pause in pauses)], key=_order)


def _close(start: int, stop: int, edges: FrameEdges) -> tuple[int, int]:
    if start == 0:
        return 0, 0
    edge = stop if stop == edges.frames else edges.nearest((edges.time(start) + edges.time(stop)) / 2)
    return edge, edge


def _merge_short(spans: list[FrameSpan], edges: FrameEdges, changes: Counter[str]) -> list[FrameSpan]:
    """Merge the shortest span into a neighbour of its own name, or the longer one, until none is too short."""
    spans = list(spans)
    while len(spans) > 1:
        lengths = [edges.seconds(s.start, s.stop) for s in spans]
        short = min(range(len(spans)), key=lengths.__getitem__)
        if lengths[short] >= SHORTEST - _ROUNDING:
            break
        changes[f"spans under {SHORTEST} s: merged into a neighbour"] += 1
        beside = [i for i in (short - 1, short + 1) if 0 <= i < len(spans)]
        to = max(beside, key=lambda i: (spans[i].name == spans[short].name, spans[i].name != IDLE, lengths[i], -i))
        merged = sorted([short, *(i for i in beside if i == to or spans[i].name == spans[to].name)])
        start, stop = spans[merged[0]].start, spans[merged[-1]].stop
        spans[merged[0] : merged[-1] + 1] = [FrameSpan(spans[to].name, start, stop)]
    return spans


def _count(changes: Counter[str], change: str, number: int) -> None:
    if number:
        changes[change] += number
