"""What the data hold beside the listed episodes: carried along and noted, or refused. Every command asks here.

LeRobot loads every parquet file below data/, whether an episode is in it or not. So what it could load is
carried along without being read, and what would keep it from loading the dataset is refused.
"""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen_lerobot.format.dataset import Dataset
from pgen_lerobot.format.layout import COLUMN

UNLISTED = "episodes in the data that {} does not list: carried along as they are"


def stray_files(dataset: Dataset) -> list[str]:
    """The files below data/ that no listed episode is in, relative to the root."""
    listed = set(dataset.data_files)
    paths = sorted((dataset.root / "data").glob("*/*.parquet"))
    return [name for path in paths if (name := path.relative_to(dataset.root).as_posix()) not in listed]


def unlisted_notes(dataset: Dataset) -> Counter[str]:
    """The number of unlisted episodes, as a note. Raises InputError."""
    count = len(unlisted_episodes(dataset))
    return Counter({UNLISTED.format(dataset.layout.episodes_name): count} if count else {})


def unlisted_episodes(dataset: Dataset) -> set[int]:
    """The episodes whose rows the data hold, but which the metadata do not list.

    Raises InputError for a stray file that LeRobot could not load, or that holds rows of a listed episode.
    """
    unlisted: set[int] = set()
    for name in stray_files(dataset):
        _check_columns(dataset, name)
        episodes = _episodes_in(dataset, name)
        for index in sorted(filter(dataset.lists, episodes)):
            raise InputError(
                f"{dataset.root / name} holds rows of episode {index}, which is in {dataset.entry(index).data_file}: "
                "the data hold it in two places. Move the file that does not belong there out of data/."
            )
        unlisted |= episodes
    for name in _files_with_more(dataset):
        unlisted |= {index for index in _episodes_in(dataset, name) if not dataset.lists(index)}
    return unlisted


def _files_with_more(dataset: Dataset) -> list[str]:
    """The listed files that may hold unlisted rows: none where the files have as many rows as the episodes."""
    if dataset.layout.one_episode_a_file:
        return []
    rows = 0
    for name in dataset.data_files:
        with dataset.shard(name) as shard:
            rows += shard.metadata.num_rows
    return [] if rows == dataset.layout.frames else dataset.data_files


def _episodes_in(dataset: Dataset, name: str) -> set[int]:
    with dataset.shard(name) as shard:
        column = shard.read(columns=["episode_index"]).column(0)
        episodes = {int(index) for index in column.unique().drop_null().to_pylist()}
        unlisted = sorted(index for index in episodes if not dataset.lists(index))
        if unlisted and "task_index" not in shard.schema_arrow.names:
            raise InputError(
                f"{dataset.root / name} has no column task_index, and {dataset.layout.episodes_name} does not list "
                f"episode {unlisted[0]}, whose rows are in it: its task is unknown. Remove the rows."
            )
    return episodes


def _check_columns(dataset: Dataset, name: str) -> None:
    """Raises InputError for a stray file that lacks a column of the listed ones."""
    with dataset.shard(dataset.data_files[0]) as shard:
        needed = [column for column in shard.schema_arrow.names if column != COLUMN]
    missing = [column for column in needed if column not in _columns(dataset.root / name)]
    if missing:
        raise InputError(
            f"{dataset.root / name} belongs to no listed episode and has no column {missing[0]}, which the data have: "
            "LeRobot loads every parquet file below data/, and could not load this one. Move it out of data/."
        )


def _columns(path: Path) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path} belongs to no listed episode and is not a readable parquet file: {error}. LeRobot loads every "
            "parquet file below data/; move it out of data/."
        ) from None
