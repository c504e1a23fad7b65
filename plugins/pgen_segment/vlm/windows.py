"""What a model is shown of an episode, window by window, and the spans of overlapping windows joined."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from pgen.components import ImageReader
from pgen.errors import SampleError
from pgen.media import SampleImages, grid, read_clips
from pgen.records import Clip, ClipFrame, Episode, Moment, Sample, Skill, SpanContext
from pgen_segment.normalize import FrameEdges, parse_spans

_TOLERANCE = 1e-3
"""Seconds by which timestamps of float32 are late."""


def sampled_frames(episode: Episode, rate: float) -> list[int]:
    """Return the first frame of each 1/rate seconds, and the last one."""
    times = episode.timestamps
    count = int((times[-1] - times[0]) * rate + _TOLERANCE) + 1
    first = {bisect_left(times, times[0] + step / rate - _TOLERANCE) for step in range(count)}
    return sorted(first | {len(times) - 1})


def windows(frames: Sequence[int], size: int, overlap: int) -> Iterator[Sequence[int]]:
    """Yield windows of at most `size` frames; two that follow each other share `overlap` or more."""
    start = 0
    while start + size < len(frames):
        yield frames[start : start + size]
        start = min(start + size - overlap, len(frames) - size)
    yield frames[start:]


def window_sample(episode: Episode, frames: Sequence[int]) -> Sample:
    """Return the frames as a sample, whose clip they are."""
    times = episode.timestamps
    span = SpanContext(episode.index, episode.id, episode.task, 0, episode.task, (), ())
    clip = tuple(ClipFrame(frame, times[frame]) for frame in frames)
    return Sample(span, Moment(frames[-1], times[frames[-1]], episode.cameras, (), clip))


def bounds(episode: Episode, frames: Sequence[int]) -> tuple[float, float]:
    """Return the seconds from which and up to which a window shows; the last one up to the episode's end."""
    edges = FrameEdges(episode)
    last = len(episode.timestamps) - 1
    return edges.time(frames[0]), edges.end if frames[-1] == last else edges.time(frames[-1])


def read_images(reader: ImageReader, sample: Sample, max_pixels: int, *, clips: bool) -> SampleImages:
    """Read a clip or a sheet per camera, as `read_cameras` does."""
    read = read_cameras(reader, sample)
    if clips:
        return SampleImages(clips=tuple(read))
    labels = [f"{frame.timestamp:.1f} s" for frame in sample.moment.clip]
    return SampleImages(tuple(grid(clip.camera, clip.frames, labels, max_pixels) for clip in read))


def read_cameras(reader: ImageReader, sample: Sample) -> list[Clip]:
    """Read a clip per camera, without those that cannot be read. Raises SampleError where none can."""
    read: list[Clip] = []
    problem = SampleError("decode", "the dataset has no camera that can be shown.")
    for camera in sample.moment.cameras:
        try:
            read += read_clips(reader, replace(sample, moment=replace(sample.moment, cameras=(camera,))))
        except SampleError as error:
            problem = error
    if not read:
        raise problem
    return read


NEAR = 1.0
"""Seconds within which the edges of two windows are the same: the length of the shortest skills."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window from `start` to `stop` seconds, with its spans."""

    start: float
    stop: float
    spans: tuple[Skill, ...]


def window_spans(spans: Any, episode: Episode, start: float, stop: float, changes: Counter[str]) -> Window:
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
