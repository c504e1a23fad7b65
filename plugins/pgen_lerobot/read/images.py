"""The images of samples: from videos through one open file a camera, from parquet through a row cursor."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import PIL.Image
import pyarrow as pa

from pgen.components import ImageReader
from pgen.errors import InputError, SampleError
from pgen.media import encode, encode_pixels, fitted
from pgen.records import Image, Sample
from pgen_lerobot.format import Dataset, EpisodeEntry, episode_column, runs
from pgen_lerobot.read.video import VideoFile, pixels

_BATCH = 16
"""Rows read at a time where images are in the parquet: a row may hold a megabyte."""

_UNDECODABLE = (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning)


class LeRobotImages(ImageReader):
    """Read the images of samples; hold one video file a camera and one parquet file open."""

    def __init__(self, dataset: Dataset, cameras: tuple[str, ...], max_pixels: int) -> None:
        self._dataset = dataset
        self._image_columns = [key for key in cameras if dataset.cameras[key] == "image"]
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
        if self._entry is None or self._entry.index != sample.span.episode_index:
            self._entry = self._dataset.entry(sample.span.episode_index)
        entry = self._entry
        # A frame past the end would be read from the next episode: samples may come from a file.
        if sample.moment.frame_index >= entry.length:
            raise SampleError("decode", f"episode {entry.index} has no frame {sample.moment.frame_index}.")
        return tuple(self._image(entry, camera, sample.moment.frame_index) for camera in sample.moment.cameras)

    def _image(self, entry: EpisodeEntry, camera: str, frame_index: int) -> Image:
        if camera not in self._dataset.cameras:
            raise SampleError("decode", f"there is no camera {camera}.")
        if self._dataset.cameras[camera] == "image":
            return self._stored_image(entry, camera, frame_index)
        clip = entry.clips.get(camera)
        if clip is None:
            raise SampleError("decode", f"episode {entry.index} has no video of camera {camera}.")
        frame = self._video(camera, clip.path).frame(clip.start, frame_index)
        size = fitted(frame.width, frame.height, self._max_pixels)
        return encode_pixels(pixels(frame, *size), camera)

    def _stored_image(self, entry: EpisodeEntry, camera: str, frame_index: int) -> Image:
        if self._rows is None or self._rows.name != entry.data_file:
            if self._rows:
                self._rows.close()
            self._rows = RowCursor(self._dataset, entry.data_file, self._image_columns)
        cell = self._rows.cell(entry.index, frame_index, camera)
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(data, bytes):
            raise SampleError("decode", f"episode {entry.index}, frame {frame_index}: {camera} holds no picture.")
        try:
            with PIL.Image.open(BytesIO(data)) as stored:
                return encode(stored, camera, self._max_pixels)
        except _UNDECODABLE as error:
            reason = f"episode {entry.index}, frame {frame_index}, {camera}: {error}"
            raise SampleError("decode", reason) from None

    def _video(self, camera: str, path: str) -> VideoFile:
        opened = self._videos.get(camera)
        if opened and opened[0] == path:
            return opened[1]
        if opened:
            opened[1].close()
            del self._videos[camera]
        self._dataset.files.fetch(path)
        video = VideoFile(self._dataset.root / path)
        self._videos[camera] = path, video
        return video


class RowCursor:
    """Read a data file's rows forward, a few at a time; an earlier row starts again at its row group."""

    def __init__(self, dataset: Dataset, name: str, columns: list[str]) -> None:
        self.name = name
        self._columns = columns
        try:
            self._shard = dataset.shard(name, shared=True)
        except InputError as error:
            raise SampleError("decode", str(error)) from None
        names = [name for name in ("episode_index", "timestamp") if name in self._shard.schema_arrow.names]
        episodes = episode_column(dataset, name, self._shard.read(columns=names))
        self._first_rows = {index: start for start, _, index in runs(episodes)}
        self._group_starts = [0]
        for group in range(self._shard.metadata.num_row_groups):
            self._group_starts.append(self._group_starts[-1] + self._shard.metadata.row_group(group).num_rows)
        self._group = -1
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._start, self._batch = 0, None

    def cell(self, episode_index: int, frame_index: int, column: str) -> Any:
        """Return a column's cell at an episode's frame."""
        row = self._first_rows[episode_index] + frame_index
        if column not in self._shard.schema_arrow.names:
            raise SampleError("decode", f"{self.name} has no column {column}.")
        try:
            return self._batch_with(row).column(column)[row - self._start].as_py()
        except (OSError, pa.ArrowException) as error:
            raise SampleError("decode", f"{self.name}, row {row}: {error}") from None

    def close(self) -> None:
        self._shard.close()

    def _batch_with(self, row: int) -> pa.RecordBatch:
        group = next(group for group, stop in enumerate(self._group_starts[1:]) if row < stop)
        if group != self._group or row < self._start:
            self._group, self._start, self._batch = group, self._group_starts[group], None
            self._batches = self._shard.iter_batches(_BATCH, row_groups=[group], columns=self._columns)
        while self._batch is None or row >= self._start + len(self._batch):
            self._start += len(self._batch) if self._batch is not None else 0
            self._batch = next(self._batches)
        return self._batch
