"""Parse the spans that a segmenter or a model writes, as positions between frames.

A time may be seconds, a text such as "12.5 s" or "01:02.5", or a frame's number. Unusable spans are dropped and
counted; where none is left, the episode fails with the reason.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pgen.errors import SampleError
from pgen.formats.schemas import compiled, first_error, load, validator
from pgen.records import Episode

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

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
        raise SampleError("schema", f"{first_error(validator('segments'), raw)}; expected a list of spans.")
    usable: list[tuple[str, list[_Time]]] = []
    problem = "the list is empty."
    for span in spans:
        error = first_error(_span_validator(), span)
        times = [] if error else [time for key in ("start", "end") if (time := _parse_time(span[key]))]
        if len(times) == 2:
            usable.append((" ".join(span["name"].split()), times))
        else:
            problem = error or f"{span['start']!r} to {span['end']!r}: these are no times."
            changes["spans without a name or usable times: dropped"] += 1
    if not usable:
        raise SampleError("schema", f"there is no span: {problem}")
    edges = FrameEdges(episode)
    in_frames = _count_frames([number for _, times in usable for number, frames in times if not frames], edges)
    if in_frames:
        changes["episodes with times in frames: read as such"] += 1
    return [
        FrameSpan(name, *(_edge(number, frames or in_frames, edges, changes) for number, frames in times))
        for name, times in usable
    ]


@cache
def _span_validator() -> "Validator":
    schema = load("segments")
    return compiled({**schema["items"], "$defs": schema["$defs"]})


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
