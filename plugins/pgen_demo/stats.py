"""The statistics LeRobot keeps for each feature, of one episode and of a whole dataset.

Without numpy: a column's from its values, pictures' from their histograms, a dataset's from its episodes'
(means and deviations exactly, quantiles as their weighted mean, which is what LeRobot does).
"""

from collections.abc import Iterable, Sequence
from math import fsum, sqrt
from typing import Any

from PIL import Image

type Stats = dict[str, Any]

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
STATS = ("min", "max", "mean", "std", "count", *QUANTILES)


def column_stats(values: Sequence[float] | Sequence[Sequence[float]]) -> Stats:
    """Of one value a frame, or of one vector a frame."""
    vectors = [value if isinstance(value, Sequence) else (value,) for value in values]
    components = [_of_counts(_counts(part)) for part in zip(*vectors, strict=True)]
    return _joined(components, len(vectors))


def image_stats(pictures: Iterable[Image.Image]) -> Stats:
    """Of RGB pictures, each channel from 0 to 1, in LeRobot's shape [[[r]], [[g]], [[b]]]."""
    total, count = [0] * 768, 0
    for picture in pictures:
        count += 1
        total = [a + b for a, b in zip(total, picture.convert("RGB").histogram(), strict=True)]
    channels = [total[start : start + 256] for start in (0, 256, 512)]
    parts = [_of_counts({level / 255: n for level, n in enumerate(channel) if n}) for channel in channels]
    joined = _joined(parts, count)
    return {key: value if key == "count" else [[[x]] for x in value] for key, value in joined.items()}


def pooled(episodes: Sequence[Stats]) -> Stats:
    """Of a dataset, from its episodes'."""
    counts = [episode["count"][0] for episode in episodes]
    result: Stats = {"count": [sum(counts)]}
    for key, merge in (("min", min), ("max", max)):
        result[key] = _zip(lambda *values, merge=merge: merge(values), *(e[key] for e in episodes))
    for key in ("mean", *QUANTILES):
        result[key] = _zip(lambda *values: _weighted(values, counts), *(e[key] for e in episodes))
    squares = (_zip(lambda mean, std: mean**2 + std**2, e["mean"], e["std"]) for e in episodes)
    second = _zip(lambda *values: _weighted(values, counts), *squares)
    result["std"] = _zip(lambda square, mean: sqrt(max(square - mean**2, 0.0)), second, result["mean"])
    return {key: result[key] for key in STATS}


def _counts(values: Iterable[float]) -> dict[float, int]:
    counts: dict[float, int] = {}
    for value in values:
        counts[float(value)] = counts.get(float(value), 0) + 1
    return counts


def _of_counts(counts: dict[float, int]) -> dict[str, float]:
    total = sum(counts.values())
    mean = fsum(value * n for value, n in counts.items()) / total
    spread = fsum((value - mean) ** 2 * n for value, n in counts.items()) / total
    levels = sorted(counts)
    stats = {"min": levels[0], "max": levels[-1], "mean": mean, "std": sqrt(spread)}
    seen, rest = 0, iter(levels)
    level = levels[0]
    for key, quantile in QUANTILES.items():
        while seen <= quantile * (total - 1):
            level = next(rest)
            seen += counts[level]
        stats[key] = level
    return stats


def _joined(parts: Sequence[dict[str, float]], count: int) -> Stats:
    return {key: [count] if key == "count" else [part[key] for part in parts] for key in STATS}


def _weighted(values: Sequence[float], counts: Sequence[int]) -> float:
    return fsum(value * n for value, n in zip(values, counts, strict=True)) / sum(counts)


def _zip(function: Any, *nested: Any) -> Any:
    if isinstance(nested[0], list):
        return [_zip(function, *items) for items in zip(*nested, strict=True)]
    return function(*nested)
