"""What a model is shown of an episode: windows of a few seconds, each camera as a clip, or a sheet of timed frames."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pgen.components import ImageReader
from pgen.errors import SampleError
from pgen.inference.scheduler import Pictures
from pgen.media.clips import grid, read_clips
from pgen.records import Clip, ClipFrame, Episode, Moment, Sample, SpanContext
from pgen_segment.spans.parse import FrameEdges

_SLACK = 1e-3
"""Seconds by which timestamps of float32 are late."""


def shown_frames(episode: Episode, rate: float) -> list[int]:
    """The first frame of each 1/rate seconds, and the last one."""
    times = episode.timestamps
    count = int((times[-1] - times[0]) * rate + _SLACK) + 1
    found = {bisect_left(times, times[0] + step / rate - _SLACK) for step in range(count)}
    return sorted(found | {len(times) - 1})


def windows(frames: Sequence[int], most: int, overlap: int) -> Iterator[Sequence[int]]:
    """Windows of `most` frames; `overlap` or more are shared by two that follow each other."""
    start = 0
    while start + most < len(frames):
        yield frames[start : start + most]
        start = min(start + most - overlap, len(frames) - most)
    yield frames[start:]


def window_sample(episode: Episode, frames: Sequence[int], images: tuple[str, ...] = ()) -> Sample:
    """The frames as a sample, whose moments are those of the window."""
    times = episode.timestamps
    span = SpanContext(episode.index, episode.id, episode.task, 0, episode.task, (), ())
    clip = tuple(ClipFrame(frame, times[frame]) for frame in frames)
    return Sample(span, Moment(frames[-1], times[frames[-1]], episode.cameras, images, clip))


def bounds(episode: Episode, frames: Sequence[int]) -> tuple[float, float]:
    """The seconds from which and up to which a window shows; the last one up to the episode's end."""
    edges = FrameEdges(episode)
    last = len(episode.timestamps) - 1
    return edges.time(frames[0]), edges.end if frames[-1] == last else edges.time(frames[-1])


def pictures(reader: ImageReader, sample: Sample, max_pixels: int, *, clips: bool) -> Pictures:
    """A clip or a sheet a camera; one that cannot be read is left out. Raises SampleError where none can be."""
    found: list[Clip] = []
    problem = SampleError("decode", "the dataset has no camera that can be shown.")
    for camera in sample.moment.cameras:
        try:
            found += read_clips(reader, replace(sample, moment=replace(sample.moment, cameras=(camera,))))
        except SampleError as error:
            problem = error
    if not found:
        raise problem
    if clips:
        return Pictures(clips=tuple(found))
    labels = [f"{moment.timestamp:.1f} s" for moment in sample.moment.clip]
    return Pictures(tuple(grid(clip.camera, clip.frames, labels, max_pixels) for clip in found))
