"""The segmenter `gripper` against the true spans of simulated datasets, with uniform splitting beside it.

The datasets are those of the folder PGEN_DATASETS whose spans come from a scripted expert, and drawn motions
(`common.arms`) on which nothing was tuned. `uniform` cuts each N seconds; the last row cuts into as many equal
spans as the expert has, which no rule can know.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common import arms
from pgen.records import Skill
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import read_spans
from pgen_segment.job import segment_all
from pgen_segment.motion.segmenter import Gripper
from pgen_segment.spans.normalize import SHORTEST
from pgen_segment.spans.scoring import Episodes, score

DATASETS = ("sim_drawer_sawyer_v30_av1", "sim_pickplace_so101_v30", "sim_pickplace_so101_v30_images")
SECONDS = (1.0, 2.0, 3.0)
STEADY = (SHORTEST, SHORTEST / 2, SHORTEST * 2)
DRAWN = 16
"""Drawn arms, of five episodes each."""


def truth(root: Path) -> Episodes:
    """The expert's spans."""
    return read_spans(root / "meta/skills.json")


def by_gripper(root: Path, steady: float = SHORTEST) -> Episodes:
    """What `gripper` gives with its defaults, or another `steady`."""
    source, segmenter = LeRobotSource(root=root, skills="task"), Gripper(steady=steady)
    source.open()
    segmenter.open(source)
    return {index: found.skills for index, found in segment_all(source, segmenter).episodes.items()}


def uniform(reference: Episodes, seconds: float | None) -> Episodes:
    """Cuts each so many seconds, or into as many spans as the reference has."""
    return {index: _equal(spans, seconds) for index, spans in reference.items()}


def _equal(spans: Sequence[Skill], seconds: float | None) -> list[Skill]:
    end = spans[-1].end
    count = len(spans) if seconds is None else max(1, round(end / seconds))
    length = end / count if seconds is None else seconds
    edges = [position * length for position in range(count)]
    return [Skill("span", start, stop) for start, stop in zip(edges, [*edges[1:], end], strict=True)]


def row(name: str, found: Episodes, reference: Episodes) -> str:
    """F1 at each tolerance, and the mean overlap."""
    result = score(found, reference)
    figures = [*(edges.f1 for edges in result.boundaries), result.mean_iou]
    return f"  {name:<26}" + "".join(f"{figure:>10.2f}" for figure in figures)


def lines(drawn: int = DRAWN) -> Iterator[str]:
    """A table a dataset: F1 at each tolerance, and the mean overlap over union; then one for all drawn motions."""
    folder = os.environ.get("PGEN_DATASETS")
    if not folder:
        yield "needs the folder of datasets that PGEN_DATASETS names, for those of simulated arms"
    for name in DATASETS if folder else ():
        root = Path(str(folder)) / name
        yield from table(name, truth(root), {steady: by_gripper(root, steady) for steady in STEADY})
    with TemporaryDirectory() as place:
        yield from table(f"{drawn} drawn arms", *pooled([arms.write(Path(place) / str(i), i) for i in range(drawn)]))


def pooled(roots: Sequence[Path]) -> tuple[Episodes, dict[float, Episodes]]:
    """The true spans of several datasets as if they were one, and those found."""
    reference = _joined([truth(root) for root in roots])
    return reference, {steady: _joined([by_gripper(root, steady) for root in roots]) for steady in STEADY}


def _joined(several: Sequence[Episodes]) -> Episodes:
    return {place * arms.EPISODES + index: spans for place, one in enumerate(several) for index, spans in one.items()}


def table(name: str, reference: Episodes, found: dict[float, Episodes]) -> Iterator[str]:
    """What is found for each `steady`, and by cutting uniformly."""
    yield f"{name:<32}{'0.25 s':>6}{'0.5 s':>10}{'1 s':>10}{'overlap':>10}"
    for steady, spans in found.items():
        yield row("gripper" if steady == SHORTEST else f"gripper, steady {steady:g} s", spans, reference)
    for seconds in SECONDS:
        yield row(f"uniform, each {seconds:g} s", uniform(reference, seconds), reference)
    yield row("uniform, the true number", uniform(reference, None), reference)


def main() -> None:
    for line in lines():
        print(line)


if __name__ == "__main__":
    main()
