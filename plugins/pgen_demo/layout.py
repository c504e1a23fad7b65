"""How a rendered dataset lies on the disk: options, path templates, and where an episode's file is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a dataset lies on the disk. The defaults are lerobot's own, but for the codec.

    `codec` is that of the videos, or `png` for pictures in the parquet. The `episodes_per_…` start a new file
    after so many. `task_index` names the pandas index of tasks.parquet: `task`, "" for unnamed, None for
    plain columns. `without` leaves columns out. `dtypes` overrides a column's type (`float64`).
    """

    fps: float = 30
    robot_type: str | None = None
    cameras: Sequence[str] = ()
    codec: Literal["h264", "av1", "mpeg4", "png"] = "h264"
    gop: int = 2
    episodes_per_data_file: int | None = None
    episodes_per_video_file: int | None = None
    episodes_per_meta_file: int | None = None
    chunks_size: int = 1000
    video_path: str = VIDEO_PATH
    task_index: str | None = "task"
    tasks: Sequence[str] = ()
    """Tasks that the table holds first, used or not."""
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
    without: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the file of an episode is: number `file` of its chunk."""

    chunk: int
    file: int

    @classmethod
    def of(cls, episode: int, per_file: int | None, chunks_size: int) -> "Place":
        return cls(*divmod(0 if per_file is None else episode // per_file, chunks_size))

    def path(self, root: Path, template: str, **keys: str) -> Path:
        path = root / template.format(chunk_index=self.chunk, file_index=self.file, **keys)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
