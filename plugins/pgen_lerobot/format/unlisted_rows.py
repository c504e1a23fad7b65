"""Rows of the data that no listed episode has: carried over and noted, or refused.

LeRobot loads every parquet file below data/, whether the metadata list its episodes or not. So rows that it can
load are carried over unread, and a file that it cannot load is refused.
"""

from collections import Counter

from pgen.errors import InputError
from pgen_lerobot.format.dataset import Dataset
from pgen_lerobot.format.parquet import open_parquet
from pgen_lerobot.format.task_table import COLUMN

UNLISTED = "episodes in the data that {} does not list: carried along as they are"


def stray_files(dataset: Dataset) -> list[str]:
    """Return the files below data/ that no listed episode is in, relative to the root."""
    listed = set(dataset.data_files)
    paths = sorted((dataset.root / "data").glob("*/*.parquet"))
    return [name for path in paths if (name := path.relative_to(dataset.root).as_posix()) not in listed]


def unlisted_notes(dataset: Dataset) -> Counter[str]:
    """Return the number of unlisted episodes, as a note. Raises InputError."""
    count = len(unlisted_episodes(dataset))
    return Counter({UNLISTED.format(dataset.layout.episodes_name): count} if count else {})


def unlisted_episodes(dataset: Dataset) -> set[int]:
    """Return the episodes that the data hold and the metadata do not list.

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
    """Return the listed files that may hold unlisted rows: none where rows and listed frames are as many."""
    if dataset.layout.one_episode_a_file:
        return []
    rows = sum(dataset.footer(name).rows for name in dataset.data_files)
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
    """Raise InputError for a stray file that is unreadable or lacks a column of the listed ones."""
    path = dataset.root / name
    try:
        with open_parquet(path) as file:
            columns = file.schema_arrow.names
    except InputError as error:
        raise InputError(
            f"{path} belongs to no listed episode and {str(error).removeprefix(f'{path} ')}. LeRobot loads every "
            "parquet file below data/; move it out of data/."
        ) from None
    needed = (column for column in dataset.footer(dataset.data_files[0]).columns if column != COLUMN)
    for column in needed:
        if column not in columns:
            raise InputError(
                f"{path} belongs to no listed episode and has no column {column}, which the data have: LeRobot loads "
                "every parquet file below data/, and could not load this one. Move it out of data/."
            )
