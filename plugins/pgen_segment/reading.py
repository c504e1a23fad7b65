"""Episodes with further columns of their data, streamed side by side."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pgen.components import Source
from pgen.components.segmenter import Recording
from pgen.config.ranges import parse_ranges
from pgen.errors import ConfigError, InputError
from pgen_lerobot.format import Dataset, episode_tables
from pgen_lerobot.read import LeRobotSource


def dataset_of(source: Source) -> Dataset:
    """The dataset behind a source. Raises ConfigError for one of another form."""
    if not isinstance(source, LeRobotSource):
        raise ConfigError(f"skills are found in LeRobot datasets; the source {source.name} is none.")
    return source.dataset


def count(source: LeRobotSource) -> int:
    """How many episodes are chosen."""
    chosen = source.options.episodes
    return len(source.dataset.episode_indices if chosen is None else parse_ranges(chosen, "--episodes"))


def check(source: LeRobotSource, columns: Sequence[str]) -> None:
    """Raises InputError for a shard without one of the columns."""
    for name in source.dataset.data_files:
        with source.dataset.shard(name) as shard:
            missing = [column for column in columns if column not in shard.schema_arrow.names]
        if missing:
            path = source.dataset.root / name
            raise InputError(f"{path} has no column {missing[0]}, which meta/info.json declares.")


def recordings(source: LeRobotSource, columns: Sequence[str]) -> Iterator[Recording]:
    """The chosen episodes in the order of the data, each with these columns."""
    if not columns:
        yield from (Recording(episode) for episode in source.episodes())
        return
    for episode, table in zip(source.episodes(), _tables(source, columns), strict=True):
        yield Recording(episode, {name: table.column(name) for name in columns})


def _tables(source: LeRobotSource, columns: Sequence[str]) -> Iterator[pa.Table]:
    chosen = source.options.episodes
    wanted = None if chosen is None else parse_ranges(chosen, "--episodes")
    for name in source.dataset.data_files:
        only = source.dataset.episode_of(name)
        if only is not None and wanted is not None and only not in wanted:
            continue
        with source.dataset.shard(name) as shard:
            if only is None:
                yield from episode_tables(source.dataset, shard, ["episode_index", *columns], wanted)
            elif shard.metadata.num_rows:
                yield shard.read(columns=list(columns))
