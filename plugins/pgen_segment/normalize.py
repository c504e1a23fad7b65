"""Parse the spans of a segmenter or a model, and normalize them: without gaps and overlaps, edges on frame times.

A time may be seconds, a text such as "12.5 s" or "01:02.5", or a frame's number. Unusable spans are dropped; where none
is left, the episode fails. Where two spans overlap, the one that starts later wins, and the longer one continues after
it. A gap is closed in its middle. A span that is too short is merged into a neighbour. Every change is counted.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, pairwise
from typing import Any

from pgen.errors import SampleError
from pgen.formats.schemas import Validator, load, validator
from pgen.records import Episode, Skill

_CLOCK = re.compile(r"\A(?:(\d{1,6}):)?(\d{1,6}):(\d{1,6}(?:\.\d+)?)", re.ASCII)
_SECONDS = re.compile(r"\A([+-]?\d{1,12}(?:\.\d+)?)\s*(?:s|sec|secs|second|seconds)?", re.ASCII | re.IGNORECASE)
_FRAME = re.compile(r"\A(?:f|frame)\s*#?\s*(\d{1,12})", re.ASCII | re.IGNORECASE)
_LARGEST = 1e12
_TOLERANCE = 2e-3
"""Seconds within which two times are the same: many tools write edges to the millisecond."""

type _Time = tuple[float, bool]
"""A number, and whether it counts frames."""


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """A named half-open range of frames, which may reach beyond its episode."""

    name: str
    start: int
    stop: int
    failed: bool = False


class FrameEdges:
    """The positions at which an episode can be cut: before each frame, and its end; edge 0 is at 0 s."""

    def __init__(self, episode: Episode) -> None:
        self._times = episode.timestamps
        self.frames = len(episode.timestamps)
        self.end = episode.timestamps[-1] + 1.0 / episode.fps

    def time(self, edge: int) -> float:
        """Return the time of an edge, in seconds; the episode's end for one beyond it."""
        if edge <= 0:
            return 0.0
        return self._times[edge] if edge < self.frames else self.end

    def seconds(self, start: int, stop: int) -> float:
        """Return the seconds between two edges."""
        return self.time(stop) - self.time(start)

    def nearest(self, time: float) -> int:
        """Return the edge nearest to a time; of two equally near the earlier."""
        after = bisect_left(range(self.frames + 1), time, key=self.time)
        if after > self.frames:
            return self.frames
        return after if after == 0 or self.time(after) - time < time - self.time(after - 1) else after - 1


def parse_spans(raw: Any, episode: Episode, changes: Counter[str]) -> list[FrameSpan]:
    """Return the spans in their order. Raises SampleError where none is usable."""
    spans = raw.get("skills") if isinstance(raw, Mapping) else raw
    if not isinstance(spans, list | tuple):
        raise SampleError("schema", f"{validator('segments').first_error(raw)}; expected a list of spans.")
    usable: list[tuple[str, list[_Time], bool]] = []
    problem = "the list is empty."
    for span in spans:
        error = _span_validator().first_error(span)
        times = [] if error else [time for key in ("start", "end") if (time := _parse_time(span[key]))]
        if len(times) == 2:
            usable.append((" ".join(span["name"].split()), times, span.get("failed") is True))
        else:
            problem = error or f"{span['start']!r} to {span['end']!r}: these are no times."
            changes["spans without a name or usable times: dropped"] += 1
    if not usable:
        raise SampleError("schema", f"there is no span: {problem}")
    edges = FrameEdges(episode)
    in_frames = _count_frames([number for _, times, _ in usable for number, frames in times if not frames], edges)
    if in_frames:
        changes["episodes with times in frames: read as such"] += 1
    spans = []
    for name, times, failed in usable:
        start, stop = (_edge(number, frames or in_frames, edges, changes) for number, frames in times)
        spans.append(FrameSpan(name, start, stop, failed))
    return spans


@cache
def _span_validator() -> Validator:
    schema = load("segments")
    return Validator({**schema["items"], "$defs": schema["$defs"]})


def _parse_time(value: float | str) -> _Time | None:
    if not isinstance(value, str):
        return (float(value), False) if -_LARGEST < value < _LARGEST else None
    text = value.strip()
    if match := _FRAME.fullmatch(text):
        return float(match[1]), True
    if match := _CLOCK.fullmatch(text):
        return 3600 * int(match[1] or 0) + 60 * int(match[2]) + float(match[3]), False
    if match := _SECONDS.fullmatch(text):
        return float(match[1]), False
    return None


def _count_frames(numbers: list[float], edges: FrameEdges) -> bool:
    """Return whether bare numbers count frames: integers beyond the end in seconds, and nearer to it in frames."""
    last = max(numbers, default=0.0)
    if not edges.end < last <= edges.frames or not all(number.is_integer() for number in numbers):
        return False
    return edges.frames / last < last / edges.end


def _edge(number: float, frames: bool, edges: FrameEdges, changes: Counter[str]) -> int:
    if frames:
        return int(min(number, edges.frames + 1))
    if number < -_TOLERANCE or number > edges.end + _TOLERANCE:
        return -1 if number < 0 else edges.frames + 1
    edge = edges.nearest(number)
    if edge and abs(edges.time(edge) - number) > _TOLERANCE:
        changes["edges between frames: moved to a frame's time"] += 1
    return edge


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
    return tuple(Skill(span.name, edges.time(span.start), edges.time(span.stop), span.failed) for span in spans)


def _clip(spans: list[FrameSpan], edges: FrameEdges, changes: Counter[str]) -> list[FrameSpan]:
    """Return the spans sorted, start before stop, and inside the episode."""
    ordered = [replace(s, start=min(s.start, s.stop), stop=max(s.start, s.stop)) for s in spans]
    _count(changes, "spans that end before they start: turned round", sum(s.start > s.stop for s in spans))
    _count(changes, "episodes with spans out of order: sorted", ordered != sorted(ordered, key=_order))
    clipped = []
    for s in sorted(ordered, key=_order):
        start, stop = max(s.start, 0), min(s.stop, edges.frames)
        if start < stop:
            clipped.append(replace(s, start=start, stop=stop))
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
            parts.append((owner, replace(spans[owner], start=start, stop=stop)))
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
    stretched = [
        replace(s, start=left[1], stop=right[0]) for s, (left, right) in zip(spans, pairwise(closed), strict=True)
    ]
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
        spans[merged[0] : merged[-1] + 1] = [replace(spans[to], start=start, stop=stop)]
    return spans


def _count(changes: Counter[str], change: str, number: int) -> None:
    if number:
        changes[change] += number
