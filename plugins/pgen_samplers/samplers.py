"""Which frames to ask about. Times are the dataset's own, so uneven timestamps are met as they are.

A clip is what led up to a frame, never what follows: a policy that listens at that moment has seen no more.
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
    """Seconds that are shown of each camera up to a sample; 0 shows one still picture."""
    clip_frames: int = Field(8, ge=2, le=32)
    """Frames of a clip at most, evenly spread. (vLLM would drop what is beyond 32, the last ones first.)"""


class IntervalOptions(ClipOptions):
    interval: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Seconds between two samples."""


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
        times, last = episode.timestamps, self.options.clip_frames - 1
        slack = 0.1 / episode.fps
        wanted = (times[frame] - self.options.clip * (last - place) / last for place in range(last))
        return sorted({frame, *(min(bisect_left(times, time - slack), frame) for time in wanted)})


class Segments(ClipSampler[IntervalOptions]):
    """At the start of each skill span, and each `interval` seconds inside it, counted anew in every span."""

    name = "segments"

    def frames(self, episode: Episode) -> Iterator[int]:
        for span in frame_ranges(episode):
            yield from _every(episode, span, self.options.interval)


class Interval(ClipSampler[IntervalOptions]):
    """Each `interval` seconds from the episode's first frame on, wherever the spans lie."""

    name = "interval"

    def frames(self, episode: Episode) -> Iterator[int]:
        return _every(episode, range(len(episode.timestamps)), self.options.interval)


class Uniform(ClipSampler[UniformOptions]):
    """`count` frames an episode, evenly spread, the first frame among them."""

    name = "uniform"

    def frames(self, episode: Episode) -> Iterator[int]:
        length = len(episode.timestamps)
        wanted = min(self.options.count, length)
        return (position * length // wanted for position in range(wanted))


class EveryFrame(ClipSampler[ClipOptions]):
    """Every frame. Dear: a model is asked 30 times a second of recording."""

    name = "every-frame"

    def frames(self, episode: Episode) -> Iterator[int]:
        return iter(range(len(episode.timestamps)))


def _every(episode: Episode, frames: range, interval: float) -> Iterator[int]:
    """The frames at or just after the first one's time and each `interval` from there."""
    if not frames or interval * episode.fps <= 1:
        yield from frames
        return
    times, first = episode.timestamps, episode.timestamps[frames.start]
    slack = 0.1 / episode.fps
    for step in count():
        frame = bisect_left(times, first + step * interval - slack, frames.start, frames.stop)
        if frame >= frames.stop:
            return
        yield frame
