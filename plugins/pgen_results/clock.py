"""The times of an episode's frames: from the input, or from the times that its lines have."""

from itertools import pairwise

from pgen.records import Episode
from pgen_results.lines import Line, moment


class Clock:
    """Times of moments and frames, in seconds. Where the lines have no ascending times, moments are numbered instead.

    `timed` is whether times are seconds. Without the input, times of frames between those of the lines are
    interpolated.
    """

    def __init__(self, episode: Episode, lines: list[Line]) -> None:
        self._episode = episode
        times = [line["timestamp"] for line in lines]
        self.timed = all(time is not None for time in times) and all(a <= b for a, b in pairwise(times))
        self._numbers = {place: number for number, place in enumerate(dict.fromkeys(moment(line) for line in lines))}
        self._first, self._rate = _rate(lines) if self.timed else ((0, 0.0), None)

    def of_line(self, line: Line) -> float:
        """Return the time of a line's moment, or its number."""
        return float(line["timestamp"] if self.timed else self._numbers[moment(line)])

    def of_frame(self, frame: int) -> float | None:
        """Return the time at which a frame begins, or None where that is not known."""
        times = self._episode.timestamps
        if not self.timed:
            return None
        if times:
            end = times[-1] + 1 / self._episode.fps
            return round(times[frame] if 0 <= frame < len(times) else end, 3)
        if self._rate is None:
            return None
        place, time = self._first
        return round(time + (frame - place) * self._rate, 3)


def _rate(lines: list[Line]) -> tuple[tuple[int, float], float | None]:
    """Return the frame and the time of the first line, and the seconds of a frame."""
    if not lines:
        return (0, 0.0), None
    (place, time), (last, until) = ((line["frame_index"], float(line["timestamp"])) for line in (lines[0], lines[-1]))
    return (place, time), (until - time) / (last - place) if last > place else None
