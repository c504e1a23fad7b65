"""A LeRobot dataset on disk (v2.0, v2.1 or v3.0): its metadata, read and checked when it is opened.

The differences between versions are in the layout. Nothing outside the dataset's folder is accessed.

v2.x: https://github.com/huggingface/lerobot/tree/v0.3.3, v3.0: https://huggingface.co/docs/lerobot/lerobot-dataset-v3
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.formats.lfs_pointers import check_fetched
from pgen.safety.bounded_json import read_json
from pgen.safety.paths import check_regular
from pgen.storage.in_place import check_settled
from pgen_lerobot.format.files import VIDEOS, Files, walk
from pgen_lerobot.format.layout import Layout
from pgen_lerobot.format.layout_v2 import LayoutV2
from pgen_lerobot.format.layout_v3 import LayoutV3
from pgen_lerobot.format.parquet import group_statistics, open_parquet, read_table
from pgen_lerobot.format.task_table import TaskTable

LAYOUTS: dict[str, type[Layout]] = {"v2.0": LayoutV2, "v2.1": LayoutV2, "v3.0": LayoutV3}
ANNOTATED_TASKS = "meta/tasks_annotated.parquet"
_FOLDERS = ("meta/", "data/", "videos/", "video/", "images/")
_OPEN_FILES = 8
_SUFFIXES = VIDEOS | {".parquet", ".json", ".jsonl"}


@dataclass(frozen=True, slots=True)
class Footer:
    """A data file's footer: its rows, its columns, and the least and greatest episode and task index.

    A range is None where the column is missing, is no integer, has nulls, or the file has no statistics of it.
    """

    rows: int
    columns: tuple[str, ...]
    episodes: tuple[int, int] | None
    tasks: tuple[int, int] | None
    has_float_times: bool


class Dataset:
    """A dataset in a folder, or the fetched part of one. Raises InputError for a missing or malformed part."""

    def __init__(self, root: Path, files: Files | None = None) -> None:
        self.root = root
        self.files = files or Files(root)
        if not root.is_dir():
            raise InputError(f"there is no dataset at {root}: the folder does not exist.")
        check_settled(root)
        try:
            names = list(walk(root))
        except OSError as error:
            raise InputError(f"{error.filename or root} cannot be listed: {error.strerror}.") from None
        for name in names:
            check_regular(root / name)
        check_fetched(root / name for name in names if _is_read(name))
        self.info = _read_info(root)
        self.fps = self._read_fps()
        self.features: dict[str, dict[str, Any]] = self.info["features"]
        self.layout = self._layout()
        self.tasks: TaskTable = self.layout.read_tasks()
        self.episode_indices = self.layout.episode_indices
        self.entries, self.entry, self.lists = self.layout.entries, self.layout.entry, self.layout.lists
        self._footers: dict[str, Footer] = {}
        self._opened: dict[Path, pa.NativeFile] = {}

    @cached_property
    def cameras(self) -> dict[str, str]:
        """Camera keys and whether each is stored as "video" or "image", in the order of info.json."""
        kinds = {key: str(feature.get("dtype")) for key, feature in self.features.items()}
        return {key: kind for key, kind in kinds.items() if kind in ("video", "image")}

    @cached_property
    def data_files(self) -> list[str]:
        """The listed data files in the order of their frames, relative to the root."""
        names = dict.fromkeys(self.layout.data_files())
        for name in names:
            if not (self.root / name).is_file():
                raise InputError(
                    f"{self.root / name} is missing: {self.layout.episodes_name} says that frames are in it."
                )
        return list(names)

    @property
    def totals(self) -> dict[str, int]:
        """The numbers of episodes and frames, which LeRobot takes from info.json."""
        return {"total_episodes": len(self.episode_indices), "total_frames": self.layout.frames}

    @cached_property
    def episode_tasks(self) -> dict[int, str]:
        """The texts of meta/tasks_annotated.parquet, by episode; empty where the dataset has no such file.

        Some publishers give each episode a text of its own there, while its task is that of many others.
        """
        path = self.root / ANNOTATED_TASKS
        table = read_table(path) if path.is_file() else pa.table({})
        if not {"episode_index", "task"} <= set(table.column_names):
            return {}
        rows = zip(table.column("episode_index").to_pylist(), table.column("task").to_pylist(), strict=True)
        return {index: text.strip() for index, text in rows if isinstance(text, str) and text.strip()}

    def notes(self) -> Counter[str]:
        """Return the deviations from the format that were tolerated, counted."""
        notes = Counter(self.layout.notes())
        for key, total in self.totals.items():
            if self.info.get(key) != total:
                notes[f"{key} of info.json is {self.info.get(key)}, there are {total}: set right in the output"] += 1
        return notes

    def episode_of(self, name: str) -> int | None:
        """Return the only episode of a data file; None where the layout puts several into one."""
        return self._only_episode.get(name)

    def shard(self, name: str, *, shared: bool = False) -> pq.ParquetFile:
        """Open a data file. Raises InputError where it is unreadable or lacks a column that has no default.

        A `shared` one is read through a file that stays open from the check of the input to the last image, and
        that several threads may read; the output is made from a file opened anew.
        """
        shard = open_parquet(self.root / name, self._open if shared else Path, buffer_size=1 << 20)
        needed = ["timestamp"] if self.episode_of(name) is not None else ["episode_index", "timestamp"]
        missing = [column for column in needed if column not in shard.schema_arrow.names]
        if missing:
            shard.close()
            raise InputError(f"{self.root / name} has no column {missing[0]}; LeRobot's data has it.")
        return shard

    def footer(self, name: str) -> Footer:
        """Return a data file's footer, read once. Raises InputError as `shard` does."""
        if name not in self._footers:
            with self.shard(name, shared=True) as shard:
                names = tuple(shard.schema_arrow.names)
                # All files share one tuple of names: a dataset of v2.1 may have 100,000 files.
                columns = next((f.columns for f in self._footers.values() if f.columns == names), names)
                episodes, tasks = (_range(shard, column) for column in ("episode_index", "task_index"))
                has_float_times = pa.types.is_floating(shard.schema_arrow.field("timestamp").type)
                self._footers[name] = Footer(shard.metadata.num_rows, columns, episodes, tasks, has_float_times)
        return self._footers[name]

    def _open(self, path: Path) -> pa.NativeFile:
        opened = self._opened.get(path)
        if opened is None:
            if len(self._opened) >= _OPEN_FILES:
                self._opened.clear()  # each is closed once its last reader is gone
            opened = self._opened[path] = pa.OSFile(str(path))
        return opened

    @cached_property
    def _only_episode(self) -> dict[str, int]:
        if not self.layout.one_episode_a_file:
            return {}
        return dict(zip(self.layout.data_files(), self.episode_indices, strict=True))

    def _read_fps(self) -> float:
        fps = self.info.get("fps")
        if not isinstance(fps, int | float) or isinstance(fps, bool) or not 0 < fps < float("inf"):
            raise InputError(f"{self.root / 'meta' / 'info.json'}: fps must be a number above 0, found {fps!r}.")
        return float(fps)

    def _layout(self) -> Layout:
        version = self.info.get("codebase_version")
        if not isinstance(version, str) or version not in LAYOUTS:
            *others, last = LAYOUTS
            raise InputError(
                f"{self.root / 'meta' / 'info.json'} says codebase_version {version!r}; pgen reads "
                f"{', '.join(others)} and {last}. Convert an older dataset with the lerobot of its time."
            )
        videos = [key for key, kind in self.cameras.items() if kind == "video"]
        return LAYOUTS[version](self.root, self.info, videos, self.files.has)


def _range(shard: pq.ParquetFile, column: str) -> tuple[int, int] | None:
    """Return the least and the greatest value of a column of integers, from its statistics."""
    schema = shard.schema_arrow
    if column not in schema.names or not pa.types.is_integer(schema.field(column).type):
        return None
    stats = group_statistics(shard, column)
    if not stats or not all(part is not None and part.null_count == 0 for part in stats):
        return None
    return min(part.min for part in stats), max(part.max for part in stats)


def _is_read(name: str) -> bool:
    """Return whether the file is part of the dataset proper, and so must not be a Git LFS pointer."""
    return name.startswith(_FOLDERS) or PurePosixPath(name).suffix in _SUFFIXES


def _read_info(root: Path) -> dict[str, Any]:
    path = root / "meta" / "info.json"
    try:
        info: Any = read_json(path)
    except FileNotFoundError:
        raise InputError(f"there is no LeRobot dataset at {root}: meta/info.json is missing.") from None
    features = info.get("features") if isinstance(info, dict) else None
    if not isinstance(features, dict):
        raise InputError(f"{path} has no `features`; it is not the info.json of a LeRobot dataset.")
    for key, feature in features.items():
        if not isinstance(feature, dict):
            raise InputError(f"{path}: the feature {key!r} is no object.")
    return dict(info)
