"""Writes small LeRobot v3.0 datasets from drawn pictures and given columns, by pyarrow and PyAV alone.

`write_dataset(root, recordings, layout, ...)` makes what lerobot itself would: data, videos (or pictures in
the parquet), tasks, episodes with their stats, info.json; and `meta/skills.json`. `Layout` sets what differs
among real datasets. The same input gives the same bytes. Strings, ints, floats and vectors of them fit.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from pgen_demo.layout import DATA_PATH, Layout
from pgen_demo.stats import Stats, column_stats, image_stats, pooled
from pgen_demo.tables import DataFiles, Videos, png_column, tasks_table, write_episodes

type Draw = Callable[[str, int], Image.Image]

IMAGE_STATS_FRAMES = 4
"""Pictures an episode's image stats are made from; all of them would double the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One episode: `draw(camera, frame)` gives its pictures (RGB, one size a camera), in a thread a camera.

    `task` is the episode's, or one a frame. `columns` hold one value a frame. `timestamps` default to
    frame/fps; whatever they are, the video runs at a constant rate.
    """

    length: int
    draw: Draw
    task: str | Sequence[str]
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    timestamps: Sequence[float] | None = None


def write_dataset(
    root: Path | str,
    recordings: Iterable[Recording],
    layout: Layout = Layout(),  # noqa: B008 (frozen)
    *,
    skills: Mapping[str, Any] | None = None,
    readme: str | None = None,
) -> Path:
    """Write a dataset into the folder `root`, which must not hold one yet. Gives back `root`."""
    root = Path(root)
    (root / "meta").mkdir(parents=True)
    writer = _Writer(root, layout)
    for recording in recordings:
        writer.add(recording)
    writer.finish()
    if skills is not None:
        _write_json(root / "meta/skills.json", skills)
    if readme is not None:
        (root / "README.md").write_text(readme, encoding="utf-8")
    return root


class _Writer:
    """One dataset under way: an episode is added as a whole, the metadata come last."""

    def __init__(self, root: Path, layout: Layout) -> None:
        self.root, self.layout = root, layout
        self.tasks = {task: position for position, task in enumerate(dict.fromkeys(layout.tasks))}
        self.rows: list[dict[str, Any]] = []
        self.stats: list[dict[str, Stats]] = []
        self.frames = 0
        self.sizes: dict[str, tuple[int, int]] = {}
        self.table = pa.table({})
        self.data = DataFiles(root, layout.episodes_per_data_file, layout.chunks_size)
        cameras = () if layout.codec == "png" else layout.cameras
        self.videos = {camera: Videos(root, camera, layout) for camera in cameras}

    def add(self, recording: Recording) -> None:
        tasks = [recording.task] * recording.length if isinstance(recording.task, str) else recording.task
        for task in tasks:
            self.tasks.setdefault(task, len(self.tasks))
        columns = {**recording.columns, **self._standard_columns(recording, tasks)}
        stats = {camera: self._image_stats(recording, camera) for camera in self.layout.cameras}
        stats |= {name: column_stats(values) for name, values in columns.items() if _is_numeric(values)}
        pictures = {name: self._png(recording, name) for name in self.layout.cameras if name not in self.videos}
        arrays = {name: _array(values, self.layout.dtypes.get(name)) for name, values in columns.items()}
        self.table = pa.table(pictures | arrays)
        place = self.data.write(self.table)
        row = {
            "episode_index": len(self.rows),
            "tasks": list(dict.fromkeys(tasks)),
            "length": recording.length,
            "data/chunk_index": place.chunk,
            "data/file_index": place.file,
            "dataset_from_index": self.frames,
            "dataset_to_index": self.frames + recording.length,
        }
        for where in self._film(recording):
            row |= where
        self.rows.append(row)
        self.stats.append(stats)
        self.frames += recording.length

    def _film(self, recording: Recording) -> list[dict[str, Any]]:
        """Append to every camera's video at once: while one encodes, another is drawn."""
        with ThreadPoolExecutor() as pool:
            films = [pool.submit(video.write, recording.draw, recording.length) for video in self.videos.values()]
            return [film.result() for film in films]

    def finish(self) -> None:
        layout, meta = self.layout, self.root / "meta"
        self.data.close()
        for videos in self.videos.values():
            videos.close()
        tasks_table(meta / "tasks.parquet", list(self.tasks), layout.task_index)
        write_episodes(self.root, self.rows, self.stats, layout.episodes_per_meta_file, layout.chunks_size)
        names = self.stats[0]
        _write_json(meta / "stats.json", {name: pooled([e[name] for e in self.stats]) for name in names})
        _write_json(meta / "info.json", self._info())

    def _standard_columns(self, recording: Recording, tasks: Sequence[str]) -> dict[str, Sequence[Any]]:
        frames = range(recording.length)
        times = recording.timestamps
        columns: dict[str, Sequence[Any]] = {
            "timestamp": [frame / self.layout.fps for frame in frames] if times is None else list(times),
            "frame_index": list(frames),
            "episode_index": [len(self.rows)] * recording.length,
            "index": [self.frames + frame for frame in frames],
            "task_index": [self.tasks[task] for task in tasks],
        }
        return {name: values for name, values in columns.items() if name not in self.layout.without}

    def _image_stats(self, recording: Recording, camera: str) -> Stats:
        step = max(1, recording.length // IMAGE_STATS_FRAMES)
        pictures = [recording.draw(camera, frame) for frame in range(0, recording.length, step)]
        self.sizes[camera] = pictures[0].size
        return image_stats(pictures)

    def _png(self, recording: Recording, camera: str) -> "pa.Array[Any]":
        return png_column(recording.draw(camera, frame) for frame in range(recording.length))

    def _info(self) -> dict[str, Any]:
        layout = self.layout
        return {
            "codebase_version": "v3.0",
            "robot_type": layout.robot_type,
            "total_episodes": len(self.rows),
            "total_frames": self.frames,
            "total_tasks": len(self.tasks),
            "chunks_size": layout.chunks_size,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": layout.fps,
            "splits": {"train": f"0:{len(self.rows)}"},
            "data_path": DATA_PATH,
            "video_path": layout.video_path if self.videos else None,
            "features": self._camera_features() | self._column_features(),
        }

    def _camera_features(self) -> dict[str, Any]:
        features = {}
        for camera, (width, height) in self.sizes.items():
            feature: dict[str, Any] = {
                "dtype": "video" if self.videos else "image",
                "shape": [height, width, 3],
                "names": ["height", "width", "channels"],
            }
            if self.videos:
                feature["info"] = {
                    "video.height": height,
                    "video.width": width,
                    "video.codec": self.layout.codec,
                    "video.pix_fmt": "yuv420p",
                    "video.is_depth_map": False,
                    "video.fps": self.layout.fps,
                    "video.channels": 3,
                    "has_audio": False,
                }
            features[camera] = feature
        return features

    def _column_features(self) -> dict[str, Any]:
        features = {}
        for column in self.table.schema:
            if column.name in self.sizes:
                continue
            vector = pa.types.is_fixed_size_list(column.type)
            names = self.layout.names.get(column.name)
            features[column.name] = {
                "dtype": _dtype(column.type.value_type if vector else column.type),
                "shape": [column.type.list_size if vector else 1],
                "names": None if names is None else list(names),
            }
        return features


def _array(values: Sequence[Any], dtype: str | None) -> "pa.Array[Any]":
    """Ints as int64, floats as float32 and vectors as fixed-size lists, as lerobot stores them."""
    first = values[0][0] if isinstance(values[0], list | tuple) else values[0]
    default = pa.float32() if isinstance(first, float) else pa.scalar(first).type
    scalar = default if dtype is None else pa.type_for_alias(dtype)
    vector = isinstance(values[0], list | tuple)
    return pa.array(values, pa.list_(scalar, len(values[0])) if vector else scalar)


def _dtype(kind: pa.DataType) -> str:
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def _is_numeric(values: Sequence[Any]) -> bool:
    first = values[0]
    return isinstance(first[0] if isinstance(first, list | tuple) else first, int | float)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")
