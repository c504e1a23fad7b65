"""Write the column for 1,000,000 frames, compared with streaming the row groups through pyarrow with one more column.

The table has 1,000 episodes, a row group each, with 12 numbers of state and of action. pgen is measured for the column
alone, with a dialogue each second, and for everything that its sink writes. The comparison is lerobot's add_features.
Imports are not part of the times, but of the memory.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from time import perf_counter
from typing import Any

from common import limits
from common.datasets import rows
from common.measure import MB, in_folder, ratio, rounds
from common.table import Row, main

LEROBOT = "lerobot's add_features"


def lines(tiny: bool = False) -> Iterator[Row]:
    root, times = (rows(3, 90), 1) if tiny else (rows(1000, 1000), 3)
    works = {"pgen": column, "sink": sink, "limit": limit, "copy": copied}
    works |= {LEROBOT: add_features} if find_spec("lerobot") else {}
    results = rounds(times, {name: in_folder(work, root) for name, work in works.items()})
    seconds = {name: [each.result for each in costs] for name, costs in results.items()}
    ratios = {name: f"{ratio(of_work, seconds['limit']):.2f}" for name, of_work in seconds.items()}
    peaks = {name: f"{max(each.peak for each in costs) / MB:.0f} MB" for name, costs in results.items()}
    frames = "270" if tiny else "1,000,000"
    others = {LEROBOT: ratios.get(LEROBOT, "not measured"), "a copy of the bytes": ratios["copy"]}
    yield Row(f"the column for {frames} frames, times the limit", ratios["pgen"], "1", others)
    yield Row("all that the sink writes, times the limit of the column", ratios["sink"], "1")
    others = {LEROBOT: peaks.get(LEROBOT, "not measured")}
    yield Row("the column, most memory held", peaks["pgen"], peaks["limit"], others)
    yield Row("all that the sink writes, most memory held", peaks["sink"], peaks["limit"])


def column(root: Path, out: Path) -> float:
    """Write the data files alone, with the labels of a run."""
    from pgen_lerobot.write import Labeller, rewrite_shard, shard_names

    source, results = _results(root)
    indices: dict[str, int] = {}
    began = perf_counter()

    def index(annotation: Any, spoken: bool) -> int:
        return indices.setdefault(annotation.dialogue.task, len(indices))

    labeller = Labeller(results.read(), index, None, results.labelling)
    for name, _ in shard_names(source.dataset):
        with source.dataset.shard(name) as shard:
            rewrite_shard(shard, out / name, labeller.column)
    labeller.finish()
    return perf_counter() - began


def sink(root: Path, out: Path) -> float:
    """Write data, tasks, their mirror, statistics, annotations, card and manifest."""
    from pgen_lerobot.write import LeRobotSink

    source, results = _results(root)
    lerobot = LeRobotSink()
    lerobot.open(source)
    began = perf_counter()
    lerobot.write(results, out)
    return perf_counter() - began


def limit(root: Path, out: Path) -> float:
    import pyarrow.parquet

    assert pyarrow.parquet
    began = perf_counter()
    for shard in _shards(root):
        limits.with_column(shard, out / shard.name)
    return perf_counter() - began


def copied(root: Path, out: Path) -> float:
    began = perf_counter()
    for shard in _shards(root):
        copyfile(shard, out / shard.name)
    return perf_counter() - began


def add_features(root: Path, out: Path) -> float:
    limits.quiet_lerobot()
    import numpy
    from lerobot.datasets.dataset_tools import add_features
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    dataset = LeRobotDataset("bench/rows", root=root, video_backend="pyav")
    labels = numpy.zeros(len(dataset), numpy.int64)
    feature = {"dtype": "int64", "shape": (1,), "names": None}
    began = perf_counter()
    add_features(dataset, {limits.COLUMN: (labels, feature)}, output_dir=out / "added", repo_id="bench/added")
    return perf_counter() - began


def _results(root: Path) -> tuple[Any, Any]:
    """Return the source, and results that are generated while they are read."""
    from pgen.components import Results
    from pgen.run.planning import Planner
    from pgen.testing import make_annotation
    from pgen_dialogue.prompts.seed import SeedPrompt
    from pgen_lerobot.read import LeRobotSource
    from pgen_samplers.samplers import Segments

    source = LeRobotSource(root=root)
    source.open()
    manifest = {"source": source.describe(), "generator": {"name": "none", "model": None}, "prompt": {"name": "none"}}

    planner = Planner(source, Segments(interval=1.0), SeedPrompt(), 0, 1, {"step": 1.0})

    def read() -> Iterator[Any]:
        for episode, samples in planner.planned(source.episodes()):
            yield episode, [make_annotation(sample) for sample in samples]

    return source, Results(source, manifest, read)


def _shards(root: Path) -> list[Path]:
    return sorted((root / "data").glob("*/*.parquet"))


if __name__ == "__main__":
    main(lines)
