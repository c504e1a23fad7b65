"""The parquet files of a LeRobot v3.0 dataset, and the statistics that LeRobot stores of each feature.

The data have one row group an episode, with the metadata that the Hub reads. A dataset's statistics are pooled from
its episodes': means and deviations exactly, quantiles as their weighted mean, as LeRobot does.
"""

import json
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pgen_demo.layout import Layout, Place
from pgen_lerobot.format import DATA_PATH, EPISODES_PATH, pandas_index

type Stats = dict[str, Any]

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def column_stats(values: Sequence[float] | Sequence[Sequence[float]]) -> Stats:
    """Return the statistics of a number or a vector a frame."""
    return _stats(np.array(values, np.float64).reshape(len(values), -1), len(values))


def image_stats(images: Iterable[Image.Image]) -> Stats:
    """Return the statistics of RGB images, each channel from 0 to 1, in LeRobot's shape [[[r]], [[g]], [[b]]]."""
    arrays = [np.asarray(image.convert("RGB")).reshape(-1, 3) for image in images]
    stats = _stats(np.concatenate(arrays) / 255, len(arrays))
    return {key: value if key == "count" else [[[x]] for x in value] for key, value in stats.items()}


@np.errstate(invalid="ignore")  # infinite values of a test's dataset have no deviation
def pooled(episodes: Sequence[Stats]) -> Stats:
    """Return the statistics of a dataset from those of its episodes."""
    counts = [episode["count"][0] for episode in episodes]
    parts = {key: np.array([episode[key] for episode in episodes]) for key in episodes[0]}
    pooled = {key: np.average(parts[key], axis=0, weights=counts) for key in ("mean", *QUANTILES)}
    squares = np.average(parts["mean"] ** 2 + parts["std"] ** 2, axis=0, weights=counts)
    pooled["std"] = np.sqrt(np.maximum(squares - pooled["mean"] ** 2, 0.0))
    pooled |= {"min": parts["min"].min(axis=0), "max": parts["max"].max(axis=0), "count": np.array([sum(counts)])}
    return {key: pooled[key].tolist() for key in episodes[0]}


@np.errstate(invalid="ignore")
def _stats(values: Any, count: int) -> Stats:
    """Return the statistics of the columns of an array."""
    stats: dict[str, Any] = {"min": values.min(axis=0), "max": values.max(axis=0)}
    stats |= {"mean": values.mean(axis=0), "std": values.std(axis=0), "count": np.array([count])}
    quantiles = np.quantile(values, [*QUANTILES.values()], axis=0, method="lower")
    stats |= dict(zip(QUANTILES, quantiles, strict=True))
    return {key: value.tolist() for key, value in stats.items()}


class DataFiles:
    """The data files, one row group an episode."""

    def __init__(self, root: Path, layout: Layout) -> None:
        self._root, self._layout = root, layout
        self._episodes = 0
        self._place: Place | None = None
        self._writer: Any = None

    def write(self, table: pa.Table) -> Place:
        place = Place.of(self._episodes, self._layout.episodes_per_data_file, self._layout.chunks_size)
        features = {column.name: _hub_feature(column.type) for column in table.schema}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        if place != self._place:
            self.close()
            self._place = place
            self._writer = pq.ParquetWriter(place.path(self._root, DATA_PATH), table.schema)
        self._writer.write_table(table, row_group_size=len(table))
        self._episodes += 1
        return place

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def png_column(images: Iterable[Image.Image]) -> "pa.Array[Any]":
    """Return images as lerobot stores them in a data file."""
    cells = []
    for number, image in enumerate(images):
        buffer = BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        cells.append({"bytes": buffer.getvalue(), "path": f"frame-{number:06d}.png"})
    return pa.array(cells, IMAGE)


def write_tasks(path: Path, tasks: Sequence[str], index: str | None) -> None:
    """Write tasks.parquet with a pandas index: named, unnamed (""), or none (None)."""
    name = index or ("task" if index is None else "__index_level_0__")
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), name: pa.array(tasks, pa.string())})
    if index is not None:
        table = table.replace_schema_metadata(pandas_index(table.schema, name))
    pq.write_table(table, path)


def write_episodes(
    root: Path, rows: Sequence[dict[str, Any]], stats: Sequence[dict[str, Stats]], layout: Layout
) -> None:
    """Write meta/episodes: the places, tasks and statistics of the episodes."""
    per_file = layout.episodes_per_meta_file or len(rows)
    for start in range(0, len(rows), per_file):
        place = Place.of(start, per_file, layout.chunks_size)
        complete = [
            row
            | {f"stats/{name}/{key}": x for name, values in of_episode.items() for key, x in values.items()}
            | place.columns("meta/episodes")
            for row, of_episode in zip(rows[start : start + per_file], stats[start:], strict=False)
        ]
        pq.write_table(pa.Table.from_pylist(complete), place.path(root, EPISODES_PATH))


def _hub_feature(kind: pa.DataType) -> dict[str, Any]:
    if kind == IMAGE:
        return {"_type": "Image"}
    if isinstance(kind, pa.FixedSizeListType):
        return {"feature": _hub_feature(kind.value_type), "length": kind.list_size, "_type": "List"}
    return {"dtype": dtype(kind), "_type": "Value"}


def dtype(kind: pa.DataType) -> str:
    """Return the name that LeRobot and the Hub have for a type."""
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))
