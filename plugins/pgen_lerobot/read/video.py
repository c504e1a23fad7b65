"""Single frames of a video file by number or time, decoding no more than the way from the last keyframe.

Frames are best asked for in ascending order: a wish a little ahead of the last frame decodes on, any
other seeks. How far "a little" reaches is learnt from the keyframes that pass by, and from how far before
its aim a seek lands.
"""

from bisect import bisect_left
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import VideoFrame

from pgen.errors import SampleError
from pgen.media.images import check_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AHEAD = "libdav1d"
"""Begins the frames behind the one that is asked for, unless told not to: after a seek, they are decoded in vain."""


class VideoFile:
    """An open video file. Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        try:
            self._container = av.open(str(path))
            self._stream = self._container.streams.video[0]
            check_size(self._stream.width, self._stream.height)
        except (av.FFmpegError, OSError, IndexError, ValueError) as error:
            raise SampleError("decode", f"{path} does not open as a video: {error}") from None
        self._stream.thread_type = "SLICE"
        if self._stream.codec_context.name == _AHEAD:
            self._stream.codec_context.flags |= Flags.low_delay
        self._path = path
        self._base: Fraction = self._stream.time_base or Fraction(1, 90000)
        self._origin = self._stream.start_time or 0
        self._frames = self._container.decode(self._stream)
        self._last: VideoFrame | None = None
        self._keyframe: int | None = None
        self._aim = 0
        self._gop = 0

    def frame(self, start: float, number: int) -> VideoFrame:
        """Frame `number` of what begins `start` seconds into the file, whatever the file's rate and however steady.

        Raises SampleError("decode", …).
        """
        rate = self._stream.average_rate
        if rate is not None and rate == self._stream.base_rate:
            return self.at(start + number / float(rate), float(rate))
        first = self._nearest(round(start / self._base) + self._origin)
        if first + number >= len(self._times):
            raise SampleError("decode", f"{self._path} has no frame {number} from {start:.3f} s on.")
        return self._at(self._times[first + number], 0, start)

    def at(self, seconds: float, fps: float) -> VideoFrame:
        """The frame whose time is within half a frame of `seconds`. Raises SampleError("decode", …)."""
        return self._at(round(seconds / self._base) + self._origin, round(0.5 / fps / self._base), seconds)

    def close(self) -> None:
        self._container.close()

    def __enter__(self) -> "VideoFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def _times(self) -> list[int]:
        """When each frame is shown, in order: read from the packets, without decoding any."""
        times: list[int] = []
        try:
            with av.open(str(self._path)) as container:
                packets = container.demux(container.streams.video[0])
                times += (packet.pts for packet in packets if packet.pts is not None)
        except (av.FFmpegError, OSError) as error:
            raise SampleError("decode", f"{self._path} cannot be read to its end: {error}") from None
        return sorted(times)

    def _nearest(self, pts: int) -> int:
        """The position of the frame that is shown closest to `pts`."""
        after = bisect_left(self._times, pts)
        around = range(max(after - 1, 0), min(after + 1, len(self._times)))
        return min(around, key=lambda position: abs(self._times[position] - pts), default=0)

    def _at(self, wish: int, half: int, seconds: float) -> VideoFrame:
        try:
            if self._must_seek(wish, half):
                self._seek(max(wish, 0))
            frame = self._decode_to(wish - half)
        except (av.FFmpegError, OSError) as error:
            raise SampleError("decode", f"{self._path} at {seconds:.3f} s: {error}") from None
        if frame is None or frame.pts is None or frame.pts > wish + half:
            raise SampleError("decode", f"{self._path} has no frame at {seconds:.3f} s.")
        return frame

    def _must_seek(self, wish: int, half: int) -> bool:
        if self._last is None or self._last.pts is None:
            return wish > half
        ahead = wish - self._last.pts
        return ahead < -half or ahead > max(self._gop, 4 * half)

    def _seek(self, pts: int) -> None:
        self._container.seek(pts, stream=self._stream, backward=True)
        self._frames = self._container.decode(self._stream)
        self._last = self._keyframe = None
        self._aim = pts

    def _decode_to(self, pts: int) -> VideoFrame | None:
        while self._last is None or self._last.pts is None or self._last.pts < pts:
            frame = next(self._frames, None)
            if frame is None:
                return None
            self._last = frame
            self._learn(frame)
        return self._last

    def _learn(self, frame: VideoFrame) -> None:
        if frame.key_frame and frame.pts is not None:
            seen = frame.pts - self._keyframe if self._keyframe is not None else self._aim - frame.pts
            self._gop = max(self._gop, seen)
            self._keyframe = frame.pts


def pixels(frame: VideoFrame, width: int, height: int) -> "NDArray[np.uint8]":
    """The frame as RGB of the shape (height, width, 3): those of PyAV's `to_image`, without a copy."""
    plane = frame.reformat(width=width, height=height, format="rgb24").planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return lines[:height, : 3 * width].reshape(height, width, 3)
