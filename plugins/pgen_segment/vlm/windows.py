"""What a model is shown of an episode: windows of a few seconds, each camera as a clip, or a sheet of timed frames."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pgen.components import ImageReader
from pgen.errors import SampleError
from pgen.media import SampleImages, grid, read_clips
from pgen.records import Clip, ClipFrame, Episode, Moment, Sample, SpanContext
from pgen_segment.spans.parse import FrameEdges

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
    """Read a clip or a sheet per camera, without those that cannot be read. Raises SampleError where none can."""
    read: list[Clip] = []
    problem = SampleError("decode", "the dataset has no camera that can be shown.")
    for camera in sample.moment.cameras:
        try:
            read += read_clips(reader, replace(sample, moment=replace(sample.moment, cameras=(camera,))))
        except SampleError as error:
            problem = error
    if not read:
        raise problem
    if clips:
        return SampleImages(clips=tuple(read))
    labels = [f"{frame.timestamp:.1f} s" for frame in sample.moment.clip]
    return SampleImages(tuple(grid(clip.camera, clip.frames, labels, max_pixels) for clip in read))
