"""The spans of an episode as a person edits them: whole lists by frames, and the skills with times that they give.

A list is sorted, its spans are disjoint and have at least one frame. What was not edited keeps its recorded times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pgen.labels import SLACK, frame_ranges
from pgen.records import Episode, Skill
from pgen_review.events import Event

DIGITS = 6
"""Decimals of a time that is not a recorded one."""


class Span(NamedTuple):
    """A skill over the frames [start, stop). `failed` is whether the attempt did not succeed."""

    name: str
    start: int
    stop: int
    failed: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the span as a JSON object; `failed` only where it is true."""
        failed = {"failed": True} if self.failed else {}
        return {"name": self.name, "start": self.start, "stop": self.stop, **failed}


def spans_of(episode: Episode) -> list[Span]:
    """Return the spans of an episode; one without a frame is left out."""
    ranges = zip(episode.skills, frame_ranges(episode), strict=True)
    return [Span(skill.name, frames.start, frames.stop, skill.failed) for skill, frames in ranges if frames]


def from_json(spans: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Return the spans of JSON objects that `as_json` made."""
    return [Span(it["name"], it["start"], it["stop"], it.get("failed", False)) for it in spans]


def problem(spans: Sequence[Span], frames: int) -> str:
    """Return which rule a list breaks for an episode of so many frames, or ""."""
    end = 0
    for span in spans:
        if not end <= span.start < span.stop <= frames:
            return f"the span of {span.name!r} must have at least one of the frames {end} to {frames - 1}, as the next"
        end = span.stop
    return "" if spans else "an episode must have a span"


def is_whole(spans: Sequence[Span], frames: int) -> bool:
    """Return whether each frame of an episode of so many frames has a span."""
    return [0, *(span.stop for span in spans)] == [*(span.start for span in spans), frames]


def edited(original: Episode, event: Event | None) -> Episode:
    """Return an episode with the spans of an event; as it is without one. Phases are those of other spans."""
    if event is None:
        return original
    return replace(original, skills=skills_of(original, from_json(event.value["after"])), phases=())


def skills_of(original: Episode, spans: Sequence[Span]) -> tuple[Skill, ...]:
    """Return spans with their times in seconds; an edge that the episode has keeps its time."""
    edges = _Edges(original)
    last = len(spans) - 1
    return tuple(
        Skill(span.name, edges.start(span.start), edges.stop(span.stop, last=position == last), span.failed)
        for position, span in enumerate(spans)
    )


class _Edges:
    """The time of an edge at a frame."""

    def __init__(self, episode: Episode) -> None:
        self._times, self._fps = episode.timestamps, episode.fps
        ranges = [
            (skill, frames) for skill, frames in zip(episode.skills, frame_ranges(episode), strict=True) if frames
        ]
        self._starts = {frames.start: skill.start for skill, frames in ranges}
        self._stops = {frames.stop: skill.end for skill, frames in ranges}

    def start(self, frame: int) -> float:
        time = _rounded(self._times[frame])
        return self._starts.get(frame, max(time, self._stops.get(frame, time)))

    def stop(self, frame: int, *, last: bool) -> float:
        times = self._times
        if frame == len(times):
            return self._stops.get(frame, round(times[-1] + 1 / self._fps, DIGITS))
        time = self._stops.get(frame, self._starts.get(frame, _rounded(times[frame])))
        # The last span of an episode includes a frame at its end.
        if last and frame == len(times) - 1 and time >= times[-1] - min(SLACK, 0.1 / self._fps):
            return (times[-2] + times[-1]) / 2
        return time


def _rounded(time: float) -> float:
    """Round a time, never to more than the timestamp of its frame."""
    near = round(time, DIGITS)
    return near if near <= time else round(near - 10**-DIGITS, DIGITS)
