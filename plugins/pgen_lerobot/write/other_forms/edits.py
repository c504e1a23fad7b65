"""Changing what the sink `lerobot` has just written: files are replaced, and their hashes in the manifest with them.

A file is written beside its place and renamed into it, so that nothing is written through a link.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pgen.components import Options, Sink, Source
from pgen.errors import ConfigError
from pgen.run import manifest
from pgen.storage.durable import write_text
from pgen_lerobot.format import Dataset, dumped, files
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.write import INFO

MANIFEST = "meta/pgen/manifest.json"


class Form[OptionsT: Options](Sink[OptionsT]):
    """A sink that adds to the dataset that the sink `lerobot` writes."""

    builds_on = "lerobot"

    def dataset(self, source: Source) -> Dataset:
        """The input. Raises ConfigError where it is no LeRobot dataset."""
        if not isinstance(source, LeRobotSource):
            raise ConfigError(f"sink {self.name} needs a LeRobot dataset; the source {source.name} is none.")
        return source.dataset


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """A JSON object, changed in place, in the form that it has."""
    text = files.read_text(path)
    content = json.loads(text)
    change(content)
    write_text(path, [dumped(content, text)], files.KEPT)


def edit_info(out: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """info.json, changed in place."""
    edit_json(out / INFO, change)


def rehash(out: Path, names: Iterable[str]) -> None:
    """The manifest with the hashes of files that were written again."""
    content = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    known = content["labels"]["files"]
    known |= {name: files.digest(out / name) for name in names}
    content["labels"]["files"] = dict(sorted(known.items()))
    manifest.write(out / MANIFEST, content)


def data_bytes(dataset: Dataset) -> int:
    """The size of the data shards."""
    return sum((dataset.root / name).stat().st_size for name in dataset.data_files)


def declaring(schema: pa.Schema, features: Mapping[str, Any]) -> pa.Schema:
    """The schema with the features in its `huggingface` metadata, where it has any."""
    metadata = dict(schema.metadata or {})
    content = json.loads(metadata.get(b"huggingface", b"{}"))
    declared = (content.get("info") or {}).get("features")
    if isinstance(declared, dict):
        declared |= features
        metadata[b"huggingface"] = json.dumps(content).encode()
    return schema.with_metadata(metadata)


def groups(dataset: Dataset, name: str, columns: list[str]) -> Iterator[tuple[int, pa.Table]]:
    """Some columns of a shard, a row group at a time, each with its first row's number."""
    start = 0
    with dataset.shard(name) as shard:
        for group in range(shard.metadata.num_row_groups):
            table = shard.read_row_group(group, columns=columns)
            yield start, table
            start += len(table)
