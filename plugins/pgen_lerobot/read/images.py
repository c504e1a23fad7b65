"""The pictures of samples: of video files through one open file a camera, of parquet rows through a cursor."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import PIL.Image
import pyarrow as pa

from pgen.components import ImageReader
from pgen.errors import InputError, SampleError
from pgen.media.images import encode, encode_pixels, fitted
from pgen.records import Image, Sample
from pgen_lerobot.format import Dataset, EpisodeEntry, episode_column, runs
from pgen_lerobot.read.video import VideoFile, pixels

_BATCH = 16
"""Rows read at a time where pictures lie in the parquet: a row may hold a megabyte."""

_BROKEN = (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning)


class LeRobotImages(ImageReader):
    """Reads samples with some of a dataset's cameras; holds one video file a camera and one parquet file open."""

    def __init__(self, dataset: Dataset, cameras: tuple[str, ...], max_pixels: int) -> None:
        self._dataset = dataset
        self._stored = [key for key in cameras if dataset.cameras[key] == "image"]
        self._max_pixels = max_pixels
        self._videos: dict[str, tuple[str, VideoFile]] = {}
        self._rows: RowCursor | None = None
        self._entry: EpisodeEntry | None = None

    def __enter__(self) -> "LeRobotImages":
        return self

    def __exit__(self, *_: object) -> None:
        for _path, video in self._videos.values():
            video.close()
        if self._rows:
            self._rows.close()

    def images(self, sample: Sample) -> tuple[Image, ...]:
        entry = self._find(sample.span.episode_index)
        # A sample may come out of a file; a shard and a video go on with the next episode.
        if sample.moment.frame_index >= entry.length:
            raise SampleError("decode", f"episode {entry.index} has no frame {sample.moment.frame_index}.")
        return tuple(self._image(entry, camera, sample.moment.frame_index) for camera in sample.moment.cameras)

    def _image(self, entry: EpisodeEntry, camera: str, frame_index: int) -> Image:
        if camera not in self._dataset.cameras:
            raise SampleError("decode", f"there is no camera {camera}.")
        if self._dataset.cameras[camera] == "image":
            return self._cell(entry, camera, frame_index)
        clip = entry.clips.get(camera)
        if clip is None:
            raise SampleError("decode", f"episode {entry.index} has no video of camera {camera}.")
        frame = self._video(camera, clip.path).frame(clip.start, frame_index)
        size = fitted(frame.width, frame.height, self._max_pixels)
        return encode_pixels(pixels(frame, *size), camera)

    def _cell(self, entry: EpisodeEntry, camera: str, frame_index: int) -> Image:
        if self._rows is None or self._rows.name != entry.data_file:
            if self._rows:
                self._rows.close()
            self._rows = RowCursor(self._dataset, entry.data_file, self._stored)
        cell = self._rows.cell(entry.index, frame_index, camera)
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(data, bytes):
            raise SampleError("decode", f"episode {entry.index}, frame {frame_index}: {camera} holds no picture.")
        try:
            with PIL.Image.open(BytesIO(data)) as stored:
                return encode(stored, camera, self._max_pixels)
        except _BROKEN as error:
            reason = f"episode {entry.index}, frame {frame_index}, {camera}: {error}"
            raise SampleError("decode", reason) from None

    def _video(self, camera: str, path: str) -> VideoFile:
        held = self._videos.get(camera)
        if held and held[0] == path:
            return held[1]
        if held:
            held[1].close()
            del self._videos[camera]
        self._dataset.files.fetch(path)
        video = VideoFile(self._dataset.root / path)
        self._videos[camera] = path, video
        return video

    def _find(self, episode_index: int) -> EpisodeEntry:
        if self._entry is None or self._entry.index != episode_index:
            self._entry = self._dataset.entry(episode_index)
        return self._entry


class RowCursor:
    """Walks a shard's rows forward, a few at a time, and back to its start where it has to."""

    def __init__(self, dataset: Dataset, name: str, cameras: list[str]) -> None:
        self.name = name
        self._cameras = cameras
        try:
            self._shard = dataset.shard(name)
        except InputError as error:
            raise SampleError("decode", str(error)) from None
        self._first = {index: start for start, _, index in runs(self._episodes(dataset))}
        self._starts = [0]
        for group in range(self._shard.metadata.num_row_groups):
            self._starts.append(self._starts[-1] + self._shard.metadata.row_group(group).num_rows)
        self._group = -1
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._begin, self._batch = 0, None

    def cell(self, episode_index: int, frame_index: int, camera: str) -> Any:
        """The value of a camera's column at an episode's frame."""
        row = self._first[episode_index] + frame_index
        if camera not in self._shard.schema_arrow.names:
            raise SampleError("decode", f"{self.name} has no column {camera}.")
        try:
            return self._at(row).column(camera)[row - self._begin].as_py()
        except (OSError, pa.ArrowException) as error:
            raise SampleError("decode", f"{self.name}, row {row}: {error}") from None

    def close(self) -> None:
        self._shard.close()

    def _at(self, row: int) -> pa.RecordBatch:
        group = next(g for g, start in enumerate(self._starts[1:]) if row < start)
        if group != self._group or row < self._begin:
            self._group, self._begin, self._batch = group, self._starts[group], None
            self._batches = self._shard.iter_batches(_BATCH, row_groups=[group], columns=self._cameras)
        while self._batch is None or row >= self._begin + len(self._batch):
            self._begin += len(self._batch) if self._batch is not None else 0
            self._batch = next(self._batches)
        return self._batch

    def _episodes(self, dataset: Dataset) -> pa.ChunkedArray:
        names = [name for name in ("episode_index", "timestamp") if name in self._shard.schema_arrow.names]
        return episode_column(dataset, self.name, self._shard.read(columns=names))
