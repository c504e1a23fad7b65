"""Samplers: they choose frames by the dataset's own timestamps, which may be uneven.

A clip shows what precedes a frame and never what follows: a policy at that moment has seen no more.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import count

from pydantic import Field

from pgen.components import Options, Sampler
from pgen.labels import frame_ranges
from pgen.records import Episode


class ClipOptions(Options):
    clip: float = Field(0.0, ge=0, allow_inf_nan=False)
    """Seconds of each camera to show before a sample; 0 shows one still image."""
    clip_frames: int = Field(8, ge=2, le=32)
    """Frames of a clip at most, evenly spread. (vLLM would drop what is beyond 32, the last ones first.)"""


class IntervalOptions(ClipOptions):
    interval: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Seconds between two samples."""


class SegmentsOptions(ClipOptions):
    interval: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Seconds between two samples of a span; by default 4, and one sample only in spans of up to 6 seconds."""


class UniformOptions(ClipOptions):
    count: int = Field(8, ge=1)
    """Samples an episode."""


class ClipSampler[OptionsT: ClipOptions](Sampler[OptionsT]):
    """A sampler with the options of clips."""

    @property
    def images_per_camera(self) -> int:
        return self.options.clip_frames if self.options.clip else 1

    def clip(self, episode: Episode, frame: int) -> list[int]:
        if not self.options.clip:
            return []
        times, steps = episode.timestamps, self.options.clip_frames - 1
        slack = 0.1 / episode.fps
        spread = (times[frame] - self.options.clip * (steps - step) / steps for step in range(steps))
        return sorted({frame, *(min(bisect_left(times, time - slack), frame) for time in spread)})


LONG, INTERVAL = 6.0, 4.0
"""Seconds of the longest span with one sample, and between the samples of longer ones, where no interval is set."""


class Segments(ClipSampler[SegmentsOptions]):
    """The first frame of each span, and further frames at regular intervals inside long spans."""

    name = "segments"

    def frames(self, episode: Episode) -> Iterator[int]:
        for skill, span in zip(episode.skills, frame_ranges(episode), strict=True):
            if self.options.interval is None and skill.end - skill.start <= LONG:
                yield from span[:1]
            else:
                yield from _every(episode, span, self.options.interval or INTERVAL)


class Interval(ClipSampler[IntervalOptions]):
    """A frame every `interval` seconds from the start of the episode, regardless of the spans."""

    name = "interval"

    def frames(self, episode: Episode) -> Iterator[int]:
        return _every(episode, range(len(episode.timestamps)), self.options.interval)


class Uniform(ClipSampler[UniformOptions]):
    """`count` evenly spaced frames per episode, including the first one."""

    name = "uniform"

    def frames(self, episode: Episode) -> Iterator[int]:
        length = len(episode.timestamps)
        samples = min(self.options.count, length)
        return (position * length // samples for position in range(samples))


class EveryFrame(ClipSampler[ClipOptions]):
    """Every frame. Expensive: a usual recording has 30 per second, each with a request."""

    name = "every-frame"

    def frames(self, episode: Episode) -> Iterator[int]:
        return iter(range(len(episode.timestamps)))


def _every(episode: Episode, frames: range, interval: float) -> Iterator[int]:
    """Yield the first frame, and the next one at or after each `interval` from it."""
    if not frames or interval * episode.fps <= 1:  # a shorter interval would yield frames twice
        yield from frames
        return
    times, first = episode.timestamps, episode.timestamps[frames.start]
    slack = 0.1 / episode.fps
    for step in count():
        frame = bisect_left(times, first + step * interval - slack, frames.start, frames.stop)
        if frame >= frames.stop:
            return
        yield frame
