"""Spans as a segmenter or a model writes them, read as edges between frames.

A time may be seconds, a text such as "12.5 s" or "01:02.5", or a frame's number. What is no span is dropped
and counted; where nothing is left, the episode fails with the reason.
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
_FARTHEST = 1e12
_NEAR = 2e-3
"""Seconds within which two times are the same: many tools write edges to the millisecond."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A named part of an episode: the frames from `start` up to `stop`, which may lie outside of it."""

    name: str
    start: int
    stop: int


def read(raw: Any, episode: Episode, changes: Counter[str]) -> list[Stretch]:
    """The spans in the order given. Raises SampleError where there is none that can be read."""
    spans = raw.get("skills") if isinstance(raw, Mapping) else raw
    if not isinstance(spans, list | tuple):
        raise SampleError("schema", f"{first_error(validator('segments'), raw)}; expected a list of spans.")
    found, problem = [], "the list is empty."
    for span in spans:
        wrong = first_error(_one_span(), span)
        times = None if wrong else _times(span)
        if times is None:
            problem = wrong or f"{span['start']!r} to {span['end']!r}: these are no times."
            changes["spans without a name or usable times: dropped"] += 1
        else:
            found.append((" ".join(span["name"].split()), *times))
    if not found:
        raise SampleError("schema", f"there is no span: {problem}")
    return _as_frames(found, episode, changes)


@cache
def _one_span() -> "Validator":
    schema = load("segments")
    return compiled({**schema["items"], "$defs": schema["$defs"]})


type _Time = tuple[float, bool]
"""A number, and whether it counts frames."""


def _times(span: Mapping[str, Any]) -> tuple[_Time, _Time] | None:
    start, end = _time(span["start"]), _time(span["end"])
    return None if start is None or end is None else (start, end)


def _time(value: float | str) -> _Time | None:
    if not isinstance(value, str):
        return (float(value), False) if -_FARTHEST < value < _FARTHEST else None
    text = value.strip()
    if match := _FRAME.fullmatch(text):
        return float(match[1]), True
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = match.groups()
        return 3600 * int(hours or 0) + 60 * int(minutes) + float(seconds), False
    if match := _SECONDS.fullmatch(text):
        return float(match[1]), False
    return None


def _as_frames(found: list[tuple[str, _Time, _Time]], episode: Episode, changes: Counter[str]) -> list[Stretch]:
    edges = Edges(episode)
    bare = [number for _, *times in found for number, frames in times if not frames]
    counted = _count_frames(bare, edges)
    if counted:
        changes["episodes with times in frames: read as such"] += 1
    stretches = []
    for name, *times in found:
        start, stop = (_frame(number, frames or counted, edges, changes) for number, frames in times)
        stretches.append(Stretch(name, start, stop))
    return stretches


def _count_frames(numbers: list[float], edges: "Edges") -> bool:
    """Whether bare numbers count frames: whole ones beyond the end in seconds, and nearer to it in frames."""
    last = max(numbers, default=0.0)
    if not edges.end < last <= edges.frames or not all(number.is_integer() for number in numbers):
        return False
    return edges.frames / last < last / edges.end


def _frame(number: float, frames: bool, edges: "Edges", changes: Counter[str]) -> int:
    if frames:
        return int(min(number, edges.frames + 1))
    if number < -_NEAR or number > edges.end + _NEAR:
        return -1 if number < 0 else edges.frames + 1
    frame = edges.nearest(number)
    if frame and abs(edges.time(frame) - number) > _NEAR:
        changes["edges between frames: moved to a frame's time"] += 1
    return frame


class Edges:
    """Where an episode can be cut: before each of its frames, and at its end; edge 0 lies at 0 s."""

    def __init__(self, episode: Episode) -> None:
        self._times = episode.timestamps
        self.frames = len(episode.timestamps)
        self.end = episode.timestamps[-1] + 1.0 / episode.fps

    def time(self, edge: int) -> float:
        """The second at which an edge lies."""
        if edge <= 0:
            return 0.0
        return self._times[edge] if edge < self.frames else self.end

    def between(self, start: int, stop: int) -> float:
        """The seconds between two edges."""
        return self.time(stop) - self.time(start)

    def nearest(self, time: float) -> int:
        """The edge nearest to a second; of two equally near the earlier."""
        after = bisect_left(range(self.frames + 1), time, key=self.time)
        if after > self.frames:
            return self.frames
        return after if after == 0 or self.time(after) - time < time - self.time(after - 1) else after - 1
