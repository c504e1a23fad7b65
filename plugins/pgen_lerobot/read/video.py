"""Single frames of a video file by number or time, decoded from the closest keyframe before them.

Ascending order is fastest: a frame shortly after the last one is decoded from there, any other is sought. How
far ahead decoding beats seeking is learned from the distances of the keyframes and from where seeks end.
"""

from bisect import bisect_left
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import VideoFrame

from pgen.errors import SampleError
from pgen.media import check_size

if TYPE_CHECKING:
    from numpy.typing import NDArray


class VideoFile(AbstractContextManager["VideoFile"]):
    """An open video file. Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        try:
            self._container = av.open(str(path))
            self._stream = self._container.streams.video[0]
            check_size(self._stream.width, self._stream.height)
        except (av.FFmpegError, OSError, IndexError, ValueError) as error:
            raise SampleError("decode", f"{path} does not open as a video: {error}") from None
        # Frame threads would decode frames beyond the requested one; each process has several readers as it is.
        self._stream.thread_type = "SLICE"
        if self._stream.codec_context.name == "libdav1d":
            # Without low_delay dav1d starts the following frames too, which a seek then discards.
            self._stream.codec_context.flags |= Flags.low_delay
        self._path = path
        self._base: Fraction = self._stream.time_base or Fraction(1, 90000)
        self._origin = self._stream.start_time or 0
        self._frames = self._container.decode(self._stream)
        self._last: VideoFrame | None = None
        self._keyframe: int | None = None
        self._target = 0
        self._gop = 0

    def frame(self, start: float, number: int) -> VideoFrame:
        """Return frame `number` of the episode that begins `start` seconds into the file, at any frame rate.

        Raises SampleError("decode", …).
        """
        rate = self._stream.average_rate
        if rate is not None and rate == self._stream.base_rate:
            return self.at(start + number / float(rate), float(rate))
        # The rate is variable: frames are counted by their own times.
        first = self._nearest(round(start / self._base) + self._origin)
        if first + number >= len(self._times):
            raise SampleError("decode", f"{self._path} has no frame {number} from {start:.3f} s on.")
        return self._at(self._times[first + number], 0, start)

    def at(self, seconds: float, fps: float) -> VideoFrame:
        """Return the frame within half a frame of `seconds`. Raises SampleError("decode", …)."""
        return self._at(round(seconds / self._base) + self._origin, round(0.5 / fps / self._base), seconds)

    def close(self) -> None:
        self._container.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _times(self) -> list[int]:
        """The presentation times of all frames, ascending, read from the packets without decoding."""
        times: list[int] = []
        try:
            with av.open(str(self._path)) as container:
                packets = container.demux(container.streams.video[0])
                times += (packet.pts for packet in packets if packet.pts is not None)
        except (av.FFmpegError, OSError) as error:
            raise SampleError("decode", f"{self._path} cannot be read to its end: {error}") from None
        return sorted(times)

    def _nearest(self, pts: int) -> int:
        """Return the position of the frame whose time is closest to `pts`."""
        after = bisect_left(self._times, pts)
        around = range(max(after - 1, 0), min(after + 1, len(self._times)))
        return min(around, key=lambda position: abs(self._times[position] - pts), default=0)

    def _at(self, pts: int, tolerance: int, seconds: float) -> VideoFrame:
        try:
            if self._must_seek(pts, tolerance):
                self._seek_before(pts, tolerance)
            frame = self._decode_to(pts - tolerance)
        except (av.FFmpegError, OSError) as error:
            raise SampleError("decode", f"{self._path} at {seconds:.3f} s: {error}") from None
        if frame is None or frame.pts is None or frame.pts > pts + tolerance:
            raise SampleError("decode", f"{self._path} has no frame at {seconds:.3f} s.")
        return frame

    def _must_seek(self, pts: int, tolerance: int) -> bool:
        if self._last is None or self._last.pts is None:
            return pts > tolerance
        ahead = pts - self._last.pts
        return ahead < -tolerance or ahead > max(self._gop, 4 * tolerance)

    def _seek_before(self, pts: int, tolerance: int) -> None:
        """Seek to a keyframe from which the frame at `pts` is decoded.

        In an open group of pictures, frames before a keyframe are stored behind it, and are not decoded from it.
        """
        back = 0
        while True:
            self._seek(max(pts - back, 0))
            first = self._decode_next()
            if first is None or first.pts is None or first.pts <= pts + tolerance or back >= pts:
                return
            back = 2 * back or 2 * tolerance or 1

    def _seek(self, pts: int) -> None:
        self._container.seek(pts, stream=self._stream, backward=True)
        self._frames = self._container.decode(self._stream)
        self._last = self._keyframe = None
        self._target = pts

    def _decode_to(self, pts: int) -> VideoFrame | None:
        while self._last is None or self._last.pts is None or self._last.pts < pts:
            if self._decode_next() is None:
                return None
        return self._last

    def _decode_next(self) -> VideoFrame | None:
        frame = next(self._frames, None)
        if frame is not None:
            self._last = frame
            self._learn(frame)
        return frame

    def _learn(self, frame: VideoFrame) -> None:
        if frame.key_frame and frame.pts is not None:
            # The keyframe distance: from the last keyframe, or from where a seek ended to its target.
            distance = frame.pts - self._keyframe if self._keyframe is not None else self._target - frame.pts
            self._gop = max(self._gop, distance)
            self._keyframe = frame.pts


def pixels(frame: VideoFrame, width: int, height: int) -> "NDArray[np.uint8]":
    """Return the frame as RGB of the shape (height, width, 3), as PyAV's `to_image` does, without a copy."""
    plane = frame.reformat(width=width, height=height, format="rgb24").planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return lines[:height, : 3 * width].reshape(height, width, 3)
