"""v3.0: several episodes a data file and a video, metadata as parquet.

Files of meta/episodes that list no episode are passed over; an episode that two of them list in the same
words counts once.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen_lerobot.format.episode_stats_v3 import ColumnStats
from pgen_lerobot.format.layout import Clip, EpisodeEntry, EpisodeStats, Layout
from pgen_lerobot.format.path_templates import PathTemplate, misplaced_notes, singular
from pgen_lerobot.format.task_table import ParquetTasks, TaskTable

_DATA_COLUMNS = ["episode_index", "data/chunk_index", "data/file_index"]
_CLIP_COLUMNS = ("chunk_index", "file_index", "from_timestamp")
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
_STRAY = "files of meta/episodes that list no episode: passed over"
_TWICE = "episodes that meta/episodes lists twice, in the same words"


class LayoutV30(Layout):
    """Many episodes a file."""

    tasks_file = "meta/tasks.parquet"
    episodes_name = "meta/episodes"
    text_of = "dataset.meta.tasks.iloc[{}].name"
    opened_by_lerobot = True
    one_episode_a_file = False

    def __init__(self, root: Path, info: dict[str, Any], videos: list[str], has: Callable[[str], bool]) -> None:
        super().__init__(root, info, videos, has)
        self._data = PathTemplate(root, info, "data_path", has)
        self._video = PathTemplate(root, info, "video_path", has, (VIDEO_PATH, singular(VIDEO_PATH)))
        self._oddities: Counter[str] = Counter()
        self._files = self._episodes_files()
        self._stats = ColumnStats(root, self._files)
        self._episodes = self._read_episodes()

    def read_tasks(self) -> TaskTable:
        return ParquetTasks.read(self.root / self.tasks_file)

    @cached_property
    def episode_indices(self) -> list[int]:
        indices: list[int] = self._episodes.column("episode_index").to_pylist()
        return indices

    @property
    def frames(self) -> int:
        return int(pc.sum(self._episodes.column("length")).as_py())

    def entries(self) -> Iterator[EpisodeEntry]:
        for batch in self._episodes.to_batches(max_chunksize=1024):
            yield from map(self._entry, batch.to_pylist())

    def entry_at(self, position: int) -> EpisodeEntry:
        return self._entry(self._episodes.slice(position, 1).to_pylist()[0])

    def data_files(self) -> Iterator[str]:
        return map(self._data_file, self._episodes.select(_DATA_COLUMNS).to_pylist())

    @property
    def stats(self) -> EpisodeStats:
        return self._stats

    @property
    def misplaced(self) -> bool:
        return self._data.broken or self._video.broken

    def notes(self) -> Counter[str]:
        return self._oddities + misplaced_notes(self._data, self._video)

    def _episodes_files(self) -> list[Path]:
        folder = self.root / self.episodes_name
        found = sorted(folder.glob("*/*.parquet"))
        files = [path for path in found if "episode_index" in _schema(path).names]
        if not files:
            raise InputError(f"{folder} holds no parquet file that lists episodes; the dataset is incomplete.")
        if len(found) > len(files):
            self._oddities[_STRAY] = len(found) - len(files)
        return files

    def _read_episodes(self) -> pa.Table:
        folder = self.root / self.episodes_name
        parts = [self._episode_table(path) for path in self._files]
        table = pa.concat_tables(parts, promote_options="permissive").sort_by("episode_index")
        if not len(table):
            raise InputError(f"{folder} lists no episode; there is nothing to annotate.")
        indices = table.column("episode_index")
        again = pc.equal(indices[1:], indices[:-1])
        if pc.any(again).as_py():
            table = self._once(table)
        return table

    def _once(self, table: pa.Table) -> pa.Table:
        """The table with each episode once; refused where two rows of an episode differ."""
        rows = table.to_pylist()
        kept = [0]
        for position, row in enumerate(rows[1:], start=1):
            if row == rows[kept[-1]]:
                self._oddities[_TWICE] += 1
            elif row["episode_index"] == rows[kept[-1]]["episode_index"]:
                raise InputError(
                    f"{self.root / self.episodes_name} lists episode {row['episode_index']} twice, and differently; "
                    "one of its files does not belong there."
                )
            else:
                kept.append(position)
        return table.take(kept)

    def _episode_table(self, path: Path) -> pa.Table:
        """The columns that are needed, indices as whole numbers; those of a camera only where all are there."""
        known = _schema(path).names
        missing = [name for name in (*_DATA_COLUMNS, "length") if name not in known]
        if missing:
            raise InputError(f"{path} has no column {missing[0]}, which LeRobot v3.0 has.")
        cameras = [[f"videos/{key}/{part}" for part in _CLIP_COLUMNS] for key in self.videos]
        clips = [name for names in cameras if set(names) <= set(known) for name in names]
        tasks = [name for name in ("tasks",) if name in known]
        try:
            table = pq.read_table(path, columns=[*_DATA_COLUMNS, "length", *clips, *tasks], partitioning=None)
            table = _without_nan(table)
            _check_cells(path, table, cameras)
            return table.cast(pa.schema([_as_whole(field) for field in table.schema]))
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is not a readable parquet file: {error}") from None

    def _entry(self, row: dict[str, Any]) -> EpisodeEntry:
        clips = {}
        for key in self.videos:
            chunk, file, start = (row.get(f"videos/{key}/{part}") for part in _CLIP_COLUMNS)
            if chunk is not None and file is not None:
                path = self._video.path(video_key=key, chunk_index=chunk, file_index=file)
                clips[key] = Clip(path, float(start or 0.0))
        tasks = row.get("tasks")
        texts = tuple(text for text in tasks if isinstance(text, str)) if isinstance(tasks, list) else ()
        return EpisodeEntry(row["episode_index"], row["length"], self._data_file(row), clips, texts)

    def _data_file(self, row: dict[str, Any]) -> str:
        return self._data.path(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a readable parquet file: {error}") from None


def _without_nan(table: pa.Table) -> pa.Table:
    """The table with null for NaN: pandas turns a column of integers with a gap into floats, with NaN for the gap."""
    for position, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            column = table.column(position)
            missing = pa.scalar(None, field.type)
            table = table.set_column(position, field, pc.if_else(pc.is_nan(column), missing, column))
    return table


def _check_cells(path: Path, table: pa.Table, cameras: list[list[str]]) -> None:
    """Raises InputError, naming the episode and the column, for an empty cell that nothing can stand for.

    A camera may lack its cells in an episode, which then has no video of it, but only all of them at once.
    """
    for row in _incomplete(table, [*_DATA_COLUMNS, "length"]):
        column = next(name for name in (*_DATA_COLUMNS, "length") if row[name] is None)
        raise InputError(f"{path}, {_episode_of(row)}: column {column} is empty or NaN; correct it.")
    for names in cameras:
        if not set(names) <= set(table.column_names):
            continue
        for row in _incomplete(table, names):
            empty = [name for name in names if row[name] is None]
            if len(empty) < len(names):
                raise InputError(
                    f"{path}, {_episode_of(row)}: column {empty[0]} is empty or NaN, and other columns of that camera "
                    "are not; correct it, or empty them all if the episode has no such video."
                )


def _incomplete(table: pa.Table, columns: list[str]) -> list[dict[str, Any]]:
    """The rows in which one of the columns is null, each with its `row` number."""
    empty = pa.chunked_array([pa.repeat(pa.scalar(False), len(table))])
    for name in columns:
        empty = pc.or_(empty, pc.is_null(table.column(name)))
    numbered = table.select(list(dict.fromkeys(["episode_index", *columns])))
    numbered = numbered.append_column("row", pa.array(range(len(table)), pa.int64()))
    rows: list[dict[str, Any]] = numbered.filter(empty).to_pylist()
    return rows


def _episode_of(row: dict[str, Any]) -> str:
    index = row["episode_index"]
    return f"row {row['row']}" if index is None else f"episode {int(index)}"


def _as_whole(field: "pa.Field[Any]") -> "pa.Field[Any]":
    index = field.name in ("episode_index", "length") or field.name.endswith("_index")
    return field.with_type(pa.int64()) if index else field
