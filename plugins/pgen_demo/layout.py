"""The layout of a rendered dataset on disk: its options, and the file of each episode."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pgen_lerobot.format import VIDEO_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The layout of a dataset on disk. The defaults are lerobot's own, except the codec.

    `codec` is that of the videos, or `png` for images in the parquet. Each of `episodes_per_…` starts a new file
    after that many. `task_index` names the pandas index of tasks.parquet: `task`, "" for unnamed, None for plain
    columns. `without` omits columns. `dtypes` overrides a column's type (`float64`).
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
    """The file of an episode: number `file` of its chunk."""

    chunk: int
    file: int

    @classmethod
    def of(cls, episode: int, per_file: int | None, chunks_size: int) -> "Place":
        return cls(*divmod(0 if per_file is None else episode // per_file, chunks_size))

    def path(self, root: Path, template: str, **keys: str) -> Path:
        """Return the file's path, whose folder is made."""
        path = root / template.format(chunk_index=self.chunk, file_index=self.file, **keys)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def columns(self, prefix: str) -> dict[str, int]:
        """Return the columns of meta/episodes that name the file."""
        return {f"{prefix}/chunk_index": self.chunk, f"{prefix}/file_index": self.file}
