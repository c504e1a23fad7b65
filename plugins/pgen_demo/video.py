"""The mp4 files of a dataset, encoded to the same bytes each time.

A file takes the frames of one episode after another at a constant rate, as in LeRobot v3.0.
"""

import os
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image

from pgen_demo.layout import Layout, Place

CODECS = {
    "h264": ("libx264", {"preset": "ultrafast", "crf": "20"}),
    "av1": ("libsvtav1", {"preset": "12", "crf": "30", "svtav1-params": "lp=1"}),
    "mpeg4": ("mpeg4", {"qscale": "3"}),
}
"""The name in info.json, the encoder, and its options."""


class Videos:
    """The video files of one camera, several episodes a file."""

    def __init__(self, root: Path, camera: str, layout: Layout) -> None:
        self._root, self._camera, self._layout = root, camera, layout
        self._episodes = 0
        self._place: Place | None = None
        self._file: VideoFile | None = None

    def write(self, draw: Callable[[str, int], Image.Image], length: int) -> dict[str, Any]:
        """Append an episode's images; return the columns of meta/episodes that locate them."""
        layout, camera = self._layout, self._camera
        place = Place.of(self._episodes, layout.episodes_per_video_file, layout.chunks_size)
        if place != self._place or self._file is None:
            self.close()
            path = place.path(self._root, layout.video_path, video_key=camera)
            self._place, self._file = place, VideoFile(path, layout.codec, layout.fps, layout.gop)
        start = self._file.frames
        self._file.write(draw(camera, frame) for frame in range(length))
        self._episodes += 1
        times = {"from_timestamp": start / layout.fps, "to_timestamp": self._file.frames / layout.fps}
        return place.columns(f"videos/{camera}") | {f"videos/{camera}/{key}": time for key, time in times.items()}

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class VideoFile:
    """An mp4 file that grows by an episode at a time; `frames` is its length so far."""

    def __init__(self, path: Path, codec: str, fps: float, gop: int) -> None:
        encoder, options = CODECS[codec]
        if codec == "av1":  # else the encoder prints its banner, past every logging level
            os.environ.setdefault("SVT_LOG", "1")
        self.frames = 0
        self._container = av.open(str(path), "w", options={"movflags": "faststart", "fflags": "+bitexact"})
        rate = Fraction(fps).limit_denominator(10_000)
        stream: Any = self._container.add_stream(encoder, rate=rate, options={**options, "g": str(gop)})
        self._stream = stream
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 1  # an image has as many slices as there are threads, which changes the bytes
        context.flags |= av.codec.context.Flags.bitexact
        self._time_base = context.time_base = 1 / rate

    def write(self, images: Iterable[Image.Image]) -> None:
        from_image: Any = av.VideoFrame.from_image
        for image in images:
            if self.frames == 0:
                self._stream.width, self._stream.height = image.size
            frame = from_image(image)
            frame.pts = self.frames
            frame.time_base = self._time_base
            self._container.mux(self._stream.encode(frame))
            self.frames += 1

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
