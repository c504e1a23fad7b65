"""v3.0: several episodes a data file and a video, metadata as parquet.

Files of meta/episodes that list no episode are ignored; an episode that two of them list identically counts
once.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen_lerobot.format.episode_stats import ColumnStats
from pgen_lerobot.format.layout import Clip, Layout
from pgen_lerobot.format.parquet import open_parquet
from pgen_lerobot.format.task_table import ParquetTasks

DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_REQUIRED = ["episode_index", "data/chunk_index", "data/file_index", "length"]
_CLIP_COLUMNS = ("chunk_index", "file_index", "from_timestamp")
_STRAY = "files of meta/episodes that list no episode: passed over"
_TWICE = "episodes that meta/episodes lists twice, in the same words"


class LayoutV3(Layout):
    """Many episodes a file."""

    tasks_file = "meta/tasks.parquet"
    task_table = ParquetTasks
    episodes_name = "meta/episodes"
    text_of = "dataset.meta.tasks.iloc[{}].name"
    opened_by_lerobot = True
    one_episode_a_file = False
    data_paths = ()
    video_path_default = VIDEO_PATH

    def _read_episodes(self) -> pa.Table:
        """Read each listed episode once. Raises InputError where two rows of an episode differ."""
        folder = self.root / self.episodes_name
        schemas, tables = {}, []
        for path in sorted(folder.glob("*/*.parquet")):
            with open_parquet(path) as file:
                if "episode_index" in file.schema_arrow.names:
                    schemas[path] = file.schema_arrow
                    tables.append(self._episode_table(path, file))
                else:
                    self.tolerated[_STRAY] += 1
        if not tables:
            raise InputError(f"{folder} holds no parquet file that lists episodes; the dataset is incomplete.")
        self.stats = ColumnStats(self.root, schemas)
        table = pa.concat_tables(tables, promote_options="permissive").sort_by("episode_index")
        indices = table.column("episode_index")
        if not pc.any(pc.equal(indices[1:], indices[:-1])).as_py():
            return table
        rows, unique = table.to_pylist(), [0]
        for position, row in enumerate(rows[1:], start=1):
            before = rows[unique[-1]]
            if row == before:
                self.tolerated[_TWICE] += 1
            elif row["episode_index"] == before["episode_index"]:
                raise InputError(
                    f"{folder} lists episode {row['episode_index']} twice, and differently; one of its files does not "
                    "belong there."
                )
            else:
                unique.append(position)
        return table.take(unique)

    def _episode_table(self, path: Path, file: pq.ParquetFile) -> pa.Table:
        """Read the columns that are needed, indices as int64; those of a camera only where all are present."""
        names = file.schema_arrow.names
        missing = [name for name in _REQUIRED if name not in names]
        if missing:
            raise InputError(f"{path} has no column {missing[0]}, which LeRobot v3.0 has.")
        cameras = [[f"videos/{key}/{part}" for part in _CLIP_COLUMNS] for key in self.videos]
        cameras = [columns for columns in cameras if set(columns) <= set(names)]
        clips = [name for columns in cameras for name in columns]
        tasks = ["tasks"] if "tasks" in names else []
        try:
            table = _without_nan(file.read([*_REQUIRED, *clips, *tasks]))
            _check_cells(path, table, cameras)
            return table.cast(pa.schema([_with_integers(field) for field in table.schema]))
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is not a readable parquet file: {error}") from None

    def _data_fields(self, row: dict[str, Any]) -> dict[str, int]:
        return {"chunk_index": row["data/chunk_index"], "file_index": row["data/file_index"]}

    def _clip(self, row: dict[str, Any], camera: str) -> Clip | None:
        chunk, file, start = (row.get(f"videos/{camera}/{part}") for part in _CLIP_COLUMNS)
        if chunk is None or file is None:
            return None
        path = self.video_path.path(video_key=camera, chunk_index=chunk, file_index=file)
        return Clip(path, float(start or 0.0))


def _without_nan(table: pa.Table) -> pa.Table:
    """Replace NaN by null: pandas turns a column of integers with a gap into floats, with NaN for the gap."""
    for position, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            column = table.column(position)
            null = pa.nulls(1, field.type)[0]  # pa.scalar imports pandas, which takes long
            cells = pc.if_else(pc.is_nan(column), null, column)
            table = table.set_column(position, field, cells)
    return table


def _check_cells(path: Path, table: pa.Table, cameras: list[list[str]]) -> None:
    """Raise InputError, with the episode and the column, for an empty cell that has no default.

    An episode without a video of a camera has all the camera's cells empty, not some of them.
    """
    for row in _rows_with_nulls(table, _REQUIRED):
        column = next(name for name in _REQUIRED if row[name] is None)
        raise InputError(f"{path}, {_episode_of(row)}: column {column} is empty or NaN; correct it.")
    for columns in cameras:
        for row in _rows_with_nulls(table, columns):
            empty = [name for name in columns if row[name] is None]
            if len(empty) < len(columns):
                raise InputError(
                    f"{path}, {_episode_of(row)}: column {empty[0]} is empty or NaN, and other columns of that camera "
                    "are not; correct it, or empty them all if the episode has no such video."
                )


def _rows_with_nulls(table: pa.Table, columns: list[str]) -> list[dict[str, Any]]:
    """Return the rows in which one of the columns is null, each with its `row` number."""
    selected = table.select(list(dict.fromkeys(["episode_index", *columns])))
    if not any(selected.column(name).null_count for name in columns):
        return []
    rows = [{**row, "row": number} for number, row in enumerate(selected.to_pylist())]
    return [row for row in rows if any(row[name] is None for name in columns)]


def _episode_of(row: dict[str, Any]) -> str:
    index = row["episode_index"]
    return f"row {row['row']}" if index is None else f"episode {int(index)}"


def _with_integers(field: "pa.Field[Any]") -> "pa.Field[Any]":
    is_index = field.name in ("episode_index", "length") or field.name.endswith("_index")
    return field.with_type(pa.int64()) if is_index else field
