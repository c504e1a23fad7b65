"""Writing out the column for 1,000,000 frames, against streaming the row groups through pyarrow with one more column.

The table has 1,000 episodes, a row group each, with 12 numbers of state and of action. pgen's figure is that of
the column alone, with a dialogue each second; then that of all that its sink writes. The rival is lerobot's
add_features. What is imported is not in these times, but is in the memory.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from common import limits
from common.datasets import rows
from common.measure import MB, Cost, cost, ratio, rounds
from common.table import Row, main

LEROBOT = "lerobot's add_features"


def lines(tiny: bool = False) -> Iterator[Row]:
    root, times = (rows(3, 90), 1) if tiny else (rows(1000, 1000), 3)
    works = {"pgen": column, "sink": sink, "limit": limit, "copy": copied}
    works |= {LEROBOT: add_features} if find_spec("lerobot") else {}
    found = rounds(times, {name: _in_a_folder(work, root) for name, work in works.items()})
    seconds = {name: [one.result for one in costs] for name, costs in found.items()}
    told = {name: f"{ratio(times_, seconds['limit']):.2f}" for name, times_ in seconds.items()}
    peaks = {name: f"{max(one.peak for one in costs) / MB:.0f} MB" for name, costs in found.items()}
    lerobot, bytes_ = "not measured", told["copy"]
    frames = "270" if tiny else "1,000,000"
    others = {LEROBOT: told.get(LEROBOT, lerobot), "a copy of the bytes": bytes_}
    yield Row(f"the column for {frames} frames, times the limit", told["pgen"], "1", others)
    yield Row("all that the sink writes, times the limit of the column", told["sink"], "1")
    others = {LEROBOT: peaks.get(LEROBOT, lerobot)}
    yield Row("the column, most memory held", peaks["pgen"], peaks["limit"], others)
    yield Row("all that the sink writes, most memory held", peaks["sink"], peaks["limit"])


def column(root: Path, out: Path) -> float:
    """The data files alone, labelled as a run would."""
    from pgen_lerobot.write import Labeller, rewrite_shard, shard_names

    source, results = _results(root)
    known: dict[str, int] = {}
    began = perf_counter()
    labeller = Labeller(results.read(), lambda annotation: known.setdefault(annotation.dialogue.task, len(known)), None)
    for name, _ in shard_names(source.dataset):
        with source.dataset.shard(name) as shard:
            rewrite_shard(shard, out / name, labeller.column)
    labeller.finish()
    return perf_counter() - began


def sink(root: Path, out: Path) -> float:
    """Data, tasks, mirror, stats, lines, card and manifest."""
    from pgen_lerobot.write import LeRobotSink

    source, results = _results(root)
    writing = LeRobotSink()
    writing.open(source)
    began = perf_counter()
    writing.write(results, out)
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
    """The source, and annotations made as they are read."""
    from pgen.components import Results
    from pgen.run.planning import planned
    from pgen.testing import make_annotation
    from pgen_lerobot.read import LeRobotSource
    from pgen_samplers.samplers import Segments

    source = LeRobotSource(root=root)
    source.open()
    manifest = {"source": source.describe(), "generator": {"name": "none", "model": None}, "prompt": {"name": "none"}}

    def read() -> Iterator[Any]:
        for episode, samples in planned(source, Segments(interval=1.0), None):
            yield episode, [make_annotation(sample) for sample in samples]

    return source, Results(source, manifest, read)


def _shards(root: Path) -> list[Path]:
    return sorted((root / "data").glob("*/*.parquet"))


def _in_a_folder(work: Any, root: Path) -> Any:
    def run() -> Cost:
        with TemporaryDirectory(dir=root.parent) as folder:
            return cost(work, root, Path(folder))

    return run


if __name__ == "__main__":
    main(lines)
