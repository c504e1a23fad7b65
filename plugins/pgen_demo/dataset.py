"""Write small LeRobot v3.0 datasets from drawn images and columns, with pyarrow and PyAV alone.

`write_dataset(root, recordings, layout, ...)` writes what lerobot itself would: data, videos (or images in the
parquet), tasks, episodes with their statistics, info.json; and `meta/skills.json`. `Layout` sets what differs
between real datasets. The same input gives the same bytes.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from pgen_demo.layout import Layout
from pgen_demo.tables import (
    DataFiles,
    Stats,
    column_stats,
    dtype,
    image_stats,
    png_column,
    pooled,
    write_episodes,
    write_tasks,
)
from pgen_demo.video import Videos
from pgen_lerobot.format import DATA_PATH

type Draw = Callable[[str, int], Image.Image]

IMAGE_STATS_FRAMES = 4
"""Images an episode whose statistics are computed; all of them would double the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One episode: `draw(camera, frame)` returns its images (RGB, one size a camera), in a thread a camera.

    `task` is the episode's, or one a frame. `columns` have a string, a number or a vector a frame. `timestamps`
    default to frame/fps; the video has a constant rate in any case.
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
    """Write a dataset into the folder `root`, which must not have one yet, and return `root`."""
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
    """A dataset that is being written: one episode after another, then the metadata."""

    def __init__(self, root: Path, layout: Layout) -> None:
        self.root, self.layout = root, layout
        self.tasks = {task: position for position, task in enumerate(dict.fromkeys(layout.tasks))}
        self.rows: list[dict[str, Any]] = []
        self.stats: list[dict[str, Stats]] = []
        self.frames = 0
        self.sizes: dict[str, tuple[int, int]] = {}
        self.schema = pa.schema([])
        self.data = DataFiles(root, layout)
        cameras = () if layout.codec == "png" else layout.cameras
        self.videos = {camera: Videos(root, camera, layout) for camera in cameras}

    def add(self, recording: Recording) -> None:
        tasks = [recording.task] * recording.length if isinstance(recording.task, str) else recording.task
        for task in tasks:
            self.tasks.setdefault(task, len(self.tasks))
        columns = {**recording.columns, **self._index_columns(recording, tasks)}
        arrays = {name: _array(values, self.layout.dtypes.get(name)) for name, values in columns.items()}
        stats = {camera: self._image_stats(recording, camera) for camera in self.layout.cameras}
        stats |= {name: column_stats(columns[name]) for name, array in arrays.items() if array.type != pa.string()}
        images = {
            camera: png_column(recording.draw(camera, frame) for frame in range(recording.length))
            for camera in self.layout.cameras
            if camera not in self.videos
        }
        table = pa.table(images | arrays)
        self.schema = table.schema
        row = {
            "episode_index": len(self.rows),
            "tasks": list(dict.fromkeys(tasks)),
            "length": recording.length,
            **self.data.write(table).columns("data"),
            "dataset_from_index": self.frames,
            "dataset_to_index": self.frames + recording.length,
        }
        with ThreadPoolExecutor() as pool:  # one camera is drawn while another is encoded
            for clip in pool.map(lambda videos: videos.write(recording.draw, recording.length), self.videos.values()):
                row |= clip
        self.rows.append(row)
        self.stats.append(stats)
        self.frames += recording.length

    def finish(self) -> None:
        self.data.close()
        for videos in self.videos.values():
            videos.close()
        meta = self.root / "meta"
        write_tasks(meta / "tasks.parquet", list(self.tasks), self.layout.task_index)
        write_episodes(self.root, self.rows, self.stats, self.layout)
        stats = {name: pooled([episode[name] for episode in self.stats]) for name in self.stats[0]}
        _write_json(meta / "stats.json", stats)
        _write_json(meta / "info.json", self._info())

    def _index_columns(self, recording: Recording, tasks: Sequence[str]) -> dict[str, Sequence[Any]]:
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
        images = [recording.draw(camera, frame) for frame in range(0, recording.length, step)]
        self.sizes[camera] = images[0].size
        return image_stats(images)

    def _info(self) -> dict[str, Any]:
        layout = self.layout
        columns = (column for column in self.schema if column.name not in self.sizes)
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
            "features": {camera: self._camera_feature(*size) for camera, size in self.sizes.items()}
            | {column.name: self._column_feature(column) for column in columns},
        }

    def _camera_feature(self, width: int, height: int) -> dict[str, Any]:
        names = ["height", "width", "channels"]
        feature: dict[str, Any] = {"dtype": "image", "shape": [height, width, 3], "names": names}
        if not self.videos:
            return feature
        info = {
            "video.height": height,
            "video.width": width,
            "video.codec": self.layout.codec,
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": self.layout.fps,
            "video.channels": 3,
            "has_audio": False,
        }
        return {**feature, "dtype": "video", "info": info}

    def _column_feature(self, column: "pa.Field[Any]") -> dict[str, Any]:
        vector = pa.types.is_fixed_size_list(column.type)
        names = self.layout.names.get(column.name)
        return {
            "dtype": dtype(column.type.value_type if vector else column.type),
            "shape": [column.type.list_size if vector else 1],
            "names": None if names is None else list(names),
        }


def _array(values: Sequence[Any], alias: str | None) -> "pa.Array[Any]":
    """Return ints as int64, floats as float32 and vectors as fixed-size lists, as lerobot stores them."""
    vector = isinstance(values[0], list | tuple)
    first = values[0][0] if vector else values[0]
    default = pa.float32() if isinstance(first, float) else pa.scalar(first).type
    kind = default if alias is None else pa.type_for_alias(alias)
    return pa.array(values, pa.list_(kind, len(values[0])) if vector else kind)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")
