"""The metadata of a LeRobot dataset on disk (v2.0, v2.1 or v3.0), checked once when it is opened.

What differs among versions is the layout's; everything here holds for all of them. Nothing outside the
dataset's folder is named.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from math import inf
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.formats.lfs_pointers import check_fetched
from pgen.safety.bounded_json import read_json
from pgen.safety.paths import check_regular
from pgen.storage.in_place import check_settled
from pgen_lerobot.format.files import VIDEOS, walk
from pgen_lerobot.format.hub import Files
from pgen_lerobot.format.layout import COLUMN, Clip, EpisodeEntry
from pgen_lerobot.format.layouts import layout_of
from pgen_lerobot.format.task_table import TaskTable

__all__ = ["COLUMN", "Clip", "Dataset", "EpisodeEntry"]

_FOLDERS = ("meta/", "data/", "videos/", "video/", "images/")
_SUFFIXES = VIDEOS | {".parquet", ".json", ".jsonl"}


class Dataset:
    """A dataset in a folder, or what was fetched of it. Raises InputError for what is missing or of another form."""

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
        self.fps = _number(self.info, "fps")
        self.features: dict[str, dict[str, Any]] = self.info["features"]
        videos = [key for key, kind in self.cameras.items() if kind == "video"]
        self.layout = layout_of(root, self.info, videos, self.files.has)
        self.tasks: TaskTable = self.layout.tasks

    @cached_property
    def cameras(self) -> dict[str, str]:
        """Camera keys and whether each is stored as "video" or "image", in the order of info.json."""
        kinds = {key: str(feature.get("dtype")) for key, feature in self.features.items()}
        return {key: kind for key, kind in kinds.items() if kind in ("video", "image")}

    @cached_property
    def data_files(self) -> list[str]:
        """The data shards in the order of their frames, as paths relative to the root."""
        seen = dict.fromkeys(self.layout.data_files())
        for name in seen:
            if not (self.root / name).is_file():
                raise InputError(
                    f"{self.root / name} is missing: {self.layout.episodes_name} says that frames are in it."
                )
        return list(seen)

    @property
    def episode_indices(self) -> list[int]:
        """The indices of all episodes, in order."""
        return self.layout.episode_indices

    def entries(self, wanted: set[int] | None = None) -> Iterator[EpisodeEntry]:
        """The episodes' entries in order; of `wanted` only, where given."""
        return (entry for entry in self.layout.entries() if wanted is None or entry.index in wanted)

    def lists(self, episode_index: int) -> bool:
        """Whether the metadata list the episode."""
        row = bisect_left(self.episode_indices, episode_index)
        return row < len(self.episode_indices) and self.episode_indices[row] == episode_index

    def entry(self, episode_index: int) -> EpisodeEntry:
        """One episode's entry. Raises InputError for an episode that the metadata don't list."""
        if not self.lists(episode_index):
            raise InputError(f"{self.root / self.layout.episodes_name} does not list episode {episode_index}.")
        return self.layout.entry_at(bisect_left(self.episode_indices, episode_index))

    @property
    def totals(self) -> dict[str, int]:
        """What info.json has to say of the number of episodes and frames: LeRobot believes it."""
        return {"total_episodes": len(self.episode_indices), "total_frames": self.layout.frames}

    def notes(self) -> Counter[str]:
        """What is not as the format has it, and was read all the same, counted."""
        found = Counter(self.layout.notes())
        for key, right in self.totals.items():
            if self.info.get(key) != right:
                found[f"{key} of info.json is {self.info.get(key)}, there are {right}: set right in the output"] += 1
        return found

    def episode_of(self, name: str) -> int | None:
        """The one episode whose frames are in a data file; None where the layout puts several into one."""
        return self._only_episode.get(name)

    def shard(self, name: str) -> pq.ParquetFile:
        """A data shard. Raises InputError where it cannot be read or lacks a column that nothing can stand for."""
        try:
            shard = pq.ParquetFile(self.root / name, buffer_size=1 << 20)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{self.root / name} is not a readable parquet file: {error}") from None
        needed = ["timestamp"] if self.episode_of(name) is not None else ["episode_index", "timestamp"]
        missing = [column for column in needed if column not in shard.schema_arrow.names]
        if missing:
            shard.close()
            raise InputError(f"{self.root / name} has no column {missing[0]}; LeRobot's data has it.")
        return shard

    @cached_property
    def _only_episode(self) -> dict[str, int]:
        if not self.layout.one_episode_a_file:
            return {}
        return dict(zip(self.layout.data_files(), self.episode_indices, strict=True))


def _is_read(name: str) -> bool:
    """Whether the file is part of the dataset proper: none of those may be a Git LFS pointer."""
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


def _number(info: dict[str, Any], key: str) -> float:
    value = info.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
        raise InputError(f"meta/info.json: {key} must be a number above 0, found {value!r}.")
    return float(value)
