"""The statistics that LeRobot stores of each feature, of an episode and of a whole dataset.

A dataset's are pooled from its episodes': means and deviations exactly, quantiles as their weighted mean, as
LeRobot does.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image

type Stats = dict[str, Any]

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}


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
    stats |= {key: np.quantile(values, share, axis=0, method="lower") for key, share in QUANTILES.items()}
    return {key: value.tolist() for key, value in stats.items()}
