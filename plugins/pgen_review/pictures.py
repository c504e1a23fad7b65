"""The pictures of episodes: video files that a browser plays itself, and single frames of all other cameras.

Cameras and files are named by number; no path comes from a request.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from pgen.components import ImageReader
from pgen.errors import SampleError
from pgen.records import Moment, Sample, SpanContext
from pgen_lerobot.format import Cameras, EpisodeEntry
from pgen_lerobot.read import LeRobotSource

PIXELS = {320: 320 * 240, 640: 640 * 480, 1280: 1280 * 720}
"""The most pixels of a picture, by the width at which it is shown."""
LARGEST = max(PIXELS)
_TYPES = {"h264": "avc1.640033", "av1": "av01.0.08M.08", "vp9": "vp09.00.41.08"}
"""Codecs of videos that browsers play, as the parameter of their media type."""
_FORMATS = ("yuv420p", "yuvj420p")
NO_VIDEO = "no video of this episode"


class Video(NamedTuple):
    """A video file: its media type, "" where no browser plays it, and its frames per second."""

    type: str
    rate: float


class Pictures:
    """The cameras of a dataset, opened. Several threads may read frames."""

    def __init__(self, source: LeRobotSource) -> None:
        self._source = source
        self._dataset = source.dataset
        cameras = Cameras(self._dataset)
        self.cameras = [key for key in self._dataset.cameras if key not in cameras.left_out]
        self._left_out, self._sizes = cameras.left_out, cameras.sizes(tuple(self.cameras))
        self._has = lru_cache(None)(self._dataset.files.has)
        self._readers: dict[tuple[str, int], tuple[Lock, ImageReader]] = {}
        self._opened = ExitStack()
        self._opening = Lock()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Close the files at the end of the block that were opened in it."""
        with self._opened:
            yield

    def cameras_of(self, index: int) -> list[dict[str, Any]]:
        """Return the cameras of an episode as JSON: the video and where the episode begins in it, or a note."""
        entry = self._dataset.entry(index)
        usable = [self._camera(entry, number, key) for number, key in enumerate(self.cameras)]
        return usable + [{"name": key, "note": note.format(key)} for key, note in self._left_out.items()]

    def file(self, camera: int, number: int) -> Path | None:
        """Return a video file by its number, or None where there is none."""
        if not 0 <= camera < len(self.cameras):
            return None
        files = self._files[camera]
        return self._dataset.root / files[number] if 0 <= number < len(files) else None

    def frame(self, index: int, camera: int, frame: int, width: int = LARGEST) -> bytes:
        """Return a frame as JPEG, for one of the widths of PIXELS. Raises SampleError."""
        key = self.cameras[camera]
        span = SpanContext(index, "", "", 0, "", (), ())
        lock, reader = self._reader(key, width)
        with lock:
            (image,) = reader.images(Sample(span, Moment(frame, None, (key,), ())))
        return image.jpeg

    @cached_property
    def _files(self) -> list[list[str]]:
        """The video files of each camera, in the order of the episodes."""
        paths: list[dict[str, None]] = [{} for _ in self.cameras]
        for entry in self._dataset.entries():
            for camera, key in enumerate(self.cameras):
                if key in entry.clips and self._has(entry.clips[key].path):
                    paths[camera].setdefault(entry.clips[key].path)
        return [list(names) for names in paths]

    @cached_property
    def _numbers(self) -> list[dict[str, int]]:
        return [{name: number for number, name in enumerate(names)} for names in self._files]

    def _camera(self, entry: EpisodeEntry, number: int, key: str) -> dict[str, Any]:
        values: dict[str, Any] = {"name": key, "number": number}
        if key in self._sizes:
            values["size"] = self._sizes[key]
        if self._dataset.cameras[key] == "image":
            return values
        clip = entry.clips.get(key)
        if clip is None or not self._has(clip.path):
            return {"name": key, "note": NO_VIDEO}
        try:
            video = _probe(self._dataset.root / clip.path)
        except SampleError as error:
            return {"name": key, "note": str(error)}
        if not video.type:
            return values
        file = self._numbers[number][clip.path]
        return {**values, "type": video.type, "rate": video.rate, "from": clip.start, "file": file}

    def _reader(self, key: str, width: int) -> tuple[Lock, ImageReader]:
        with self._opening:
            if (key, width) not in self._readers:
                reader = self._opened.enter_context(self._source.reader(PIXELS[width], (key,)))
                self._readers[key, width] = Lock(), reader
            return self._readers[key, width]


@lru_cache(1024)
def _probe(path: Path) -> Video:
    """Return what a browser must know of a video. Raises SampleError where it does not open."""
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            codec, rate = stream.codec_context, stream.average_rate
            is_regular = rate is not None and rate == stream.base_rate and not stream.start_time
            parameter = _TYPES.get(codec.codec.canonical_name) if is_regular and codec.pix_fmt in _FORMATS else None
    except (av.FFmpegError, OSError, IndexError, ValueError) as error:
        raise SampleError("decode", f"{path.name} does not open as a video: {error}") from None
    return Video(f'video/mp4; codecs="{parameter}"' if parameter else "", float(rate or 0))
