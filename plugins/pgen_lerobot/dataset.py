"""The metadata of a LeRobot v3.0 dataset on disk, checked once when it is opened.

Everything is found through info.json and its path templates; nothing outside the dataset's folder is
named. Format: https://huggingface.co/docs/lerobot/lerobot-dataset-v3
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.paths import inside
from pgen.sidefiles import read_json
from pgen_lerobot.tasks import TaskTable

COLUMN = "task_index_high_level"
"""The column that this project adds: for each frame, the row of meta/tasks.parquet with its dialogue."""

VERSION = "v3.0"
_FRAME_COLUMNS = ("episode_index", "frame_index", "timestamp", "task_index")
_FIELD = re.compile(r"\{(\w+)(?::(\d*)d)?\}")


@dataclass(frozen=True, slots=True)
class Clip:
    """An episode's part of a video file: it begins `start` seconds into `path` (relative to the root)."""

    path: str
    start: float


@dataclass(frozen=True, slots=True)
class EpisodeEntry:
    """A row of meta/episodes: the episode's length in frames, its data file and its part of each video."""

    index: int
    length: int
    data_file: str
    clips: dict[str, Clip]


class Dataset:
    """A v3.0 dataset in a folder. Raises InputError for what is missing or of another form."""

    def __init__(self, root: Path) -> None:
        self.root = root
        if not root.is_dir():
            raise InputError(f"there is no dataset at {root}: the folder does not exist.")
        self.info = _read_info(root)
        self.fps = _number(self.info, "fps")
        self.features: dict[str, dict[str, Any]] = self.info["features"]
        self.tasks = TaskTable.read(root / "meta" / "tasks.parquet")
        self.episodes_files = sorted((root / "meta" / "episodes").glob("*/*.parquet"))
        if not self.episodes_files:
            raise InputError(f"{root / 'meta' / 'episodes'} holds no parquet file; the dataset is incomplete.")

    @property
    def cameras(self) -> dict[str, str]:
        """Camera keys and whether each is stored as "video" or "image", in the order of info.json."""
        kinds = {key: str(feature.get("dtype")) for key, feature in self.features.items()}
        return {key: kind for key, kind in kinds.items() if kind in ("video", "image") and not self._depth(key)}

    @cached_property
    def data_files(self) -> list[str]:
        """The data shards in the order of their frames, as paths relative to the root."""
        seen = {self._data_file(row): None for row in self._episodes.select(_DATA_COLUMNS).to_pylist()}
        for name in seen:
            if not (self.root / name).is_file():
                raise InputError(f"{self.root / name} is missing: meta/episodes says that frames are in it.")
        return list(seen)

    def entries(self, wanted: set[int] | None = None) -> Iterator[EpisodeEntry]:
        """The episodes' rows in order; of `wanted` only, where given."""
        for batch in self._episodes.to_batches(max_chunksize=1024):
            for row in batch.to_pylist():
                if wanted is None or row["episode_index"] in wanted:
                    yield self._entry(row)

    def entry(self, episode_index: int) -> EpisodeEntry:
        """One episode's row. Raises InputError for an episode that meta/episodes doesn't list."""
        row = bisect_left(self.episode_indices, episode_index)
        if row == len(self.episode_indices) or self.episode_indices[row] != episode_index:
            raise InputError(f"{self.root / 'meta' / 'episodes'} does not list episode {episode_index}.")
        return self._entry(self._episodes.slice(row, 1).to_pylist()[0])

    @cached_property
    def episode_indices(self) -> list[int]:
        """The indices of all episodes, in order."""
        indices: list[int] = self._episodes.column("episode_index").to_pylist()
        return indices

    def shard(self, name: str) -> pq.ParquetFile:
        """A data shard. Raises InputError where it cannot be read or lacks a column."""
        try:
            shard = pq.ParquetFile(self.root / name, buffer_size=1 << 20)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{self.root / name} is not a readable parquet file: {error}") from None
        missing = [column for column in _FRAME_COLUMNS if column not in shard.schema_arrow.names]
        if missing:
            shard.close()
            raise InputError(f"{self.root / name} has no column {missing[0]}; LeRobot v3.0 data has it.")
        return shard

    @cached_property
    def _episodes(self) -> pa.Table:
        parts = [self._episode_table(path) for path in self.episodes_files]
        table = pa.concat_tables(parts, promote_options="permissive").sort_by("episode_index")
        indices = table.column("episode_index").to_pylist()
        if len(set(indices)) != len(indices):
            raise InputError(f"{self.root / 'meta' / 'episodes'} lists an episode twice.")
        if not indices:
            raise InputError(f"{self.root / 'meta' / 'episodes'} lists no episode; there is nothing to annotate.")
        return table

    def _episode_table(self, path: Path) -> pa.Table:
        videos = [key for key, kind in self.cameras.items() if kind == "video"]
        clips = [f"videos/{key}/{part}" for key in videos for part in _CLIP_COLUMNS]
        wanted = [*_DATA_COLUMNS, "length", *clips]
        try:
            with pq.ParquetFile(path) as file:
                missing = [name for name in wanted if name not in file.schema_arrow.names]
                if missing:
                    raise InputError(f"{path} has no column {missing[0]}, which LeRobot v3.0 has.")
                return file.read(columns=wanted)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is not a readable parquet file: {error}") from None

    def _entry(self, row: dict[str, Any]) -> EpisodeEntry:
        clips = {}
        for key, kind in self.cameras.items():
            if kind == "video":
                chunk, file, start = (row[f"videos/{key}/{part}"] for part in _CLIP_COLUMNS)
                if chunk is not None and file is not None:
                    path = self._expand("video_path", video_key=key, chunk_index=chunk, file_index=file)
                    clips[key] = Clip(path, float(start or 0.0))
        return EpisodeEntry(row["episode_index"], row["length"], self._data_file(row), clips)

    def _data_file(self, row: dict[str, Any]) -> str:
        return self._expand("data_path", chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])

    def _expand(self, key: str, **fields: str | int) -> str:
        template = self.info.get(key)
        origin = f"{self.root / 'meta' / 'info.json'}, {key}"
        if not isinstance(template, str):
            raise InputError(f"{origin}: expected a path template, found {template!r}.")

        def fill(match: re.Match[str]) -> str:
            name, width = match.groups()
            if name not in fields:
                raise InputError(f"{origin}: unknown field {{{name}}}; it may use {', '.join(fields)}.")
            return str(fields[name]).zfill(int(width or 0))

        path = _FIELD.sub(fill, template)
        inside(self.root, path, origin)
        return path

    def _depth(self, key: str) -> bool:
        info = self.features[key].get("info") or {}
        return bool(info.get("video.is_depth_map") or info.get("is_depth_map"))


_DATA_COLUMNS = ["episode_index", "data/chunk_index", "data/file_index"]
_CLIP_COLUMNS = ("chunk_index", "file_index", "from_timestamp")


def _read_info(root: Path) -> dict[str, Any]:
    path = root / "meta" / "info.json"
    try:
        info = read_json(path)
    except FileNotFoundError:
        raise InputError(f"there is no LeRobot dataset at {root}: meta/info.json is missing.") from None
    if not isinstance(info, dict) or not isinstance(info.get("features"), dict):
        raise InputError(f"{path} has no `features`; it is not the info.json of a LeRobot dataset.")
    version = info.get("codebase_version")
    if version != VERSION:
        raise InputError(
            f"{path} says codebase_version {version!r}; pgen reads {VERSION}. Convert an older dataset with "
            "`python -m lerobot.scripts.convert_dataset_v21_to_v30`."
        )
    return info


def _number(info: dict[str, Any], key: str) -> float:
    value = info.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
        raise InputError(f"meta/info.json: {key} must be a number above 0, found {value!r}.")
    return float(value)
