"""Which frames to ask about. Times are the dataset's own, so uneven timestamps are met as they are."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import count

from pydantic import Field

from pgen.components import Options, Sampler
from pgen.records import Episode
from pgen.spans import frame_ranges


class IntervalOptions(Options):
    interval: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Seconds between two samples."""


class UniformOptions(Options):
    count: int = Field(8, ge=1)
    """Samples an episode."""


class Segments(Sampler):
    """At the start of each skill span, and each `interval` seconds inside it, counted anew in every span."""

    name = "segments"
    Options = IntervalOptions
    options: IntervalOptions

    def frames(self, episode: Episode) -> Iterator[int]:
        for span in frame_ranges(episode):
            yield from _every(episode, span, self.options.interval)


class Interval(Sampler):
    """Each `interval` seconds from the episode's first frame on, wherever the spans lie."""

    name = "interval"
    Options = IntervalOptions
    options: IntervalOptions

    def frames(self, episode: Episode) -> Iterator[int]:
        return _every(episode, range(len(episode.timestamps)), self.options.interval)


class Uniform(Sampler):
    """`count` frames an episode, evenly spread, the first frame among them."""

    name = "uniform"
    Options = UniformOptions
    options: UniformOptions

    def frames(self, episode: Episode) -> Iterator[int]:
        length = len(episode.timestamps)
        wanted = min(self.options.count, length)
        return (position * length // wanted for position in range(wanted))


class EveryFrame(Sampler):
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
