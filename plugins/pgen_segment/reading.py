"""Read the chosen episodes with some columns of their data, one after another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pgen.components import Recording, Source
from pgen.config import parse_ranges
from pgen.errors import ConfigError, InputError
from pgen.records import Episode
from pgen_lerobot.format import Dataset, episode_tables
from pgen_lerobot.read import LeRobotSource


def lerobot(source: Source) -> LeRobotSource:
    """Return a source of a LeRobot dataset as such. Raises ConfigError where it is another one."""
    if not isinstance(source, LeRobotSource):
        raise ConfigError(f"only LeRobot datasets are segmented; the source {source.name} is none.")
    return source


def dataset_of(source: Source) -> Dataset:
    """Return the dataset of a source. Raises ConfigError where it is no LeRobot dataset."""
    return lerobot(source).dataset


def count(source: LeRobotSource) -> int:
    """Return the number of chosen episodes."""
    chosen = _chosen(source)
    return len(source.dataset.episode_indices if chosen is None else chosen)


def check(source: LeRobotSource, columns: Sequence[str]) -> None:
    """Raise InputError for a data file without one of the columns."""
    for name in source.dataset.data_files:
        with source.dataset.shard(name) as shard:
            missing = [column for column in columns if column not in shard.schema_arrow.names]
        if missing:
            path = source.dataset.root / name
            raise InputError(f"{path} has no column {missing[0]}, which meta/info.json declares.")


def recordings(source: LeRobotSource, columns: Sequence[str]) -> Iterator[Recording]:
    """Yield the chosen episodes in the order of the data, each with these columns."""
    if not columns:
        yield from (Recording(episode) for episode in source.episodes())
        return
    for episode, table in zip(source.episodes(), _tables(source, columns, _chosen(source)), strict=True):
        yield Recording(episode, {name: table.column(name) for name in columns})


def recording(source: LeRobotSource, episode: Episode, columns: Sequence[str]) -> Recording:
    """Return an episode of the source with these columns, from its own rows. Raises InputError where they differ."""
    name = source.dataset.entry(episode.index).data_file
    with source.dataset.shard(name) as shard:
        if source.dataset.episode_of(name) is None:
            tables = list(episode_tables(source.dataset, shard, ["episode_index", *columns], {episode.index}))
        else:
            tables = [shard.read(columns=list(columns))]
    if [len(table) for table in tables] != [len(episode.timestamps)]:
        raise InputError(f"{source.dataset.root / name} holds other frames of episode {episode.index} than before.")
    return Recording(episode, {name: tables[0].column(name) for name in columns})


def sample(source: LeRobotSource, columns: Sequence[str], most: int) -> Iterator[Mapping[str, Any]]:
    """Yield these columns of at most `most` of the chosen episodes, spread evenly over them."""
    chosen = _chosen(source)
    indices = sorted(source.dataset.episode_indices if chosen is None else chosen & set(source.dataset.episode_indices))
    selected = {indices[i * len(indices) // most] for i in range(most)} if len(indices) > most else set(indices)
    for table in _tables(source, columns, selected):
        yield {name: table.column(name) for name in columns}


def _tables(source: LeRobotSource, columns: Sequence[str], chosen: Any) -> Iterator[pa.Table]:
    for name in source.dataset.data_files:
        only = source.dataset.episode_of(name)
        if only is not None and chosen is not None and only not in chosen:
            continue
        with source.dataset.shard(name) as shard:
            if only is None:
                yield from episode_tables(source.dataset, shard, ["episode_index", *columns], chosen)
            elif shard.metadata.num_rows:
                yield shard.read(columns=list(columns))


def _chosen(source: LeRobotSource) -> Any:
    """Return the chosen episodes' indices; None for all."""
    chosen = source.options.episodes
    return None if chosen is None else parse_ranges(chosen, "--episodes")
