"""Encodes pictures into the mp4 files of a dataset, the same bytes each time.

A file takes the frames of one episode after another at a constant rate, as LeRobot v3.0 keeps them.
"""

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image

CODECS = {
    "h264": ("libx264", {"preset": "ultrafast", "crf": "20"}),
    "av1": ("libsvtav1", {"preset": "12", "crf": "30", "svtav1-params": "lp=1"}),
    "mpeg4": ("mpeg4", {"qscale": "3"}),
}
"""The name that info.json carries, the encoder, and its options."""


class VideoFile:
    """One mp4 that grows by an episode at a time; `frames` is its length so far."""

    def __init__(self, path: Path, codec: str, fps: float, gop: int) -> None:
        encoder, options = CODECS[codec]
        if codec == "av1":  # else the encoder prints its banner, past every logging level
            os.environ.setdefault("SVT_LOG", "1")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.frames = 0
        self._container = av.open(str(path), "w", options={"movflags": "faststart", "fflags": "+bitexact"})
        rate = Fraction(fps).limit_denominator(10_000)
        settings = {**options, "g": str(gop)}
        stream: Any = self._container.add_stream(encoder, rate=rate, options=settings)
        self._stream = stream
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 1  # a picture is cut into as many slices as there are threads: other bytes
        context.flags |= av.codec.context.Flags.bitexact
        self._time_base = context.time_base = 1 / rate

    def write(self, pictures: Iterable[Image.Image]) -> None:
        from_image: Any = av.VideoFrame.from_image
        for picture in pictures:
            if self.frames == 0:
                self._stream.width, self._stream.height = picture.size
            frame = from_image(picture)
            frame.pts = self.frames
            frame.time_base = self._time_base
            self._container.mux(self._stream.encode(frame))
            self.frames += 1

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
