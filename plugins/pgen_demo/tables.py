"""The parquet and video files of a LeRobot v3.0 dataset, each series numbered and cut into chunks.

One row group an episode, snappy, and the `huggingface` metadata that the Hub's viewer reads.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pgen_demo.layout import DATA_PATH, EPISODES_PATH, Layout, Place
from pgen_demo.stats import Stats
from pgen_demo.video import VideoFile

IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


class DataFiles:
    """The data files, an episode a row group."""

    def __init__(self, root: Path, per_file: int | None, chunks_size: int) -> None:
        self._root, self._per_file, self._chunks_size = root, per_file, chunks_size
        self._episodes = 0
        self._place: Place | None = None
        self._writer: Any = None

    def write(self, table: pa.Table) -> Place:
        place = Place.of(self._episodes, self._per_file, self._chunks_size)
        table = table.replace_schema_metadata({"huggingface": json.dumps(_hub_features(table.schema))})
        if place != self._place:
            self.close()
            self._place = place
            self._writer = pq.ParquetWriter(place.path(self._root, DATA_PATH), table.schema)
        self._writer.write_table(table, row_group_size=len(table))
        self._episodes += 1
        return place

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class Videos:
    """The video files of one camera, several episodes a file."""

    def __init__(self, root: Path, camera: str, layout: Layout) -> None:
        self._root, self._camera, self._layout = root, camera, layout
        self._episodes = 0
        self._place: Place | None = None
        self._file: VideoFile | None = None

    def write(self, draw: Callable[[str, int], Image.Image], length: int) -> dict[str, Any]:
        """Append an episode's pictures and give the columns that say where they are."""
        layout, camera = self._layout, self._camera
        place = Place.of(self._episodes, layout.episodes_per_video_file, layout.chunks_size)
        if place != self._place or self._file is None:
            self.close()
            path = place.path(self._root, layout.video_path, video_key=camera)
            self._place, self._file = place, VideoFile(path, layout.codec, layout.fps, layout.gop)
        start = self._file.frames
        self._file.write(draw(camera, frame) for frame in range(length))
        self._episodes += 1
        return {
            f"videos/{camera}/chunk_index": place.chunk,
            f"videos/{camera}/file_index": place.file,
            f"videos/{camera}/from_timestamp": start / layout.fps,
            f"videos/{camera}/to_timestamp": self._file.frames / layout.fps,
        }

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def png_column(pictures: Iterable[Image.Image]) -> "pa.Array[Any]":
    """Pictures as lerobot keeps them in a data file."""
    cells = []
    for number, picture in enumerate(pictures):
        buffer = BytesIO()
        picture.save(buffer, "PNG", compress_level=1)
        cells.append({"bytes": buffer.getvalue(), "path": f"frame-{number:06d}.png"})
    return pa.array(cells, IMAGE)


def tasks_table(path: Path, tasks: Sequence[str], index: str | None) -> None:
    """tasks.parquet with a pandas index: named, unnamed (""), or none at all (None)."""
    name = index or ("task" if index is None else "__index_level_0__")
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), name: pa.array(tasks, pa.string())})
    if index is not None:
        pandas = _pandas_metadata(index or None, name)
        table = table.replace_schema_metadata({"pandas": json.dumps(pandas)})
    pq.write_table(table, path)


def write_episodes(
    root: Path,
    rows: Sequence[dict[str, Any]],
    stats: Sequence[dict[str, Stats]],
    per_file: int | None,
    chunks_size: int,
) -> None:
    """meta/episodes: where each episode is, its tasks and its stats."""
    per_file = per_file or len(rows)
    for start in range(0, len(rows), per_file):
        place = Place.of(start, per_file, chunks_size)
        full = [
            row
            | {f"stats/{name}/{key}": x for name, values in found.items() for key, x in values.items()}
            | {"meta/episodes/chunk_index": place.chunk, "meta/episodes/file_index": place.file}
            for row, found in zip(rows[start : start + per_file], stats[start:], strict=False)
        ]
        pq.write_table(pa.Table.from_pylist(full), place.path(root, EPISODES_PATH))


def _pandas_metadata(index: str | None, column: str) -> dict[str, Any]:
    text = {"pandas_type": "unicode", "numpy_type": "object"}
    number = {"pandas_type": "int64", "numpy_type": "int64", "metadata": None}
    return {
        "index_columns": [column],
        "column_indexes": [{"name": None, "field_name": None, **text, "metadata": {"encoding": "UTF-8"}}],
        "columns": [
            {"name": "task_index", "field_name": "task_index", **number},
            {"name": index, "field_name": column, **text, "metadata": None},
        ],
        "attributes": {},
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.3.3",
    }


def _hub_features(schema: pa.Schema) -> dict[str, Any]:
    return {"info": {"features": {column.name: _hub_feature(column.type) for column in schema}}}


def _hub_feature(kind: pa.DataType) -> dict[str, Any]:
    if kind == IMAGE:
        return {"_type": "Image"}
    if isinstance(kind, pa.FixedSizeListType):
        return {"feature": _hub_feature(kind.value_type), "length": kind.list_size, "_type": "List"}
    name = {"float": "float32", "double": "float64"}.get(str(kind), str(kind))
    return {"dtype": name, "_type": "Value"}
