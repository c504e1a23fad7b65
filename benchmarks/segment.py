"""Score the segmenter `gripper` against the true spans of simulated datasets, beside uniform splitting.

The datasets are those in PGEN_DATASETS with the spans of a scripted expert, and generated motions (`common.arms`) that
were not used for tuning. `uniform` cuts each N seconds; the last row cuts into as many equal spans as the expert has,
which a segmenter cannot know.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common import arms
from pgen.records import Skill
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import read_spans
from pgen_segment.motion.segmenter import Gripper
from pgen_segment.normalize import SHORTEST
from pgen_segment.scoring import Episodes, score
from pgen_segment.segmentation import segment_all

DATASETS = ("sim_drawer_sawyer_v30_av1", "sim_pickplace_so101_v30", "sim_pickplace_so101_v30_images")
SECONDS = (1.0, 2.0, 3.0)
STEADY = (SHORTEST, SHORTEST / 2, SHORTEST * 2)
DRAWN = 16
"""Generated arms, of five episodes each."""


def truth(root: Path) -> Episodes:
    """Return the expert's spans."""
    return read_spans(root / "meta/skills.json")


def by_gripper(root: Path, steady: float = SHORTEST) -> Episodes:
    """Return the spans of `gripper` with its defaults, or another `steady`."""
    source, segmenter = LeRobotSource(root=root, skills="task"), Gripper(steady=steady)
    source.open()
    segmenter.open(source)
    return {index: episode.skills for index, episode in segment_all(source, segmenter).episodes.items()}


def uniform(reference: Episodes, seconds: float | None) -> Episodes:
    """Cut every `seconds`, or into as many spans as the reference has."""
    return {index: _equal(spans, seconds) for index, spans in reference.items()}


def _equal(spans: Sequence[Skill], seconds: float | None) -> list[Skill]:
    end = spans[-1].end
    count = len(spans) if seconds is None else max(1, round(end / seconds))
    length = end / count if seconds is None else seconds
    edges = [position * length for position in range(count)]
    return [Skill("span", start, stop) for start, stop in zip(edges, [*edges[1:], end], strict=True)]


def row(name: str, found: Episodes, reference: Episodes) -> str:
    """Return a row: F1 at each tolerance, and the mean overlap."""
    result = score(found, reference)
    figures = [*(edges.f1 for edges in result.boundaries), result.mean_iou]
    return f"  {name:<26}" + "".join(f"{figure:>10.2f}" for figure in figures)


def lines(tiny: bool = False) -> Iterator[str]:
    """Yield a table per dataset: F1 at each tolerance and the mean overlap; then one for all generated motions."""
    drawn = 1 if tiny else DRAWN
    folder = os.environ.get("PGEN_DATASETS")
    if not folder:
        yield "needs the folder of datasets that PGEN_DATASETS names, for those of simulated arms"
    for name in DATASETS if folder else ():
        root = Path(str(folder)) / name
        yield from table(name, truth(root), {steady: by_gripper(root, steady) for steady in STEADY})
    with TemporaryDirectory() as place:
        yield from table(f"{drawn} drawn arms", *pooled([arms.write(Path(place) / str(i), i) for i in range(drawn)]))


def pooled(roots: Sequence[Path]) -> tuple[Episodes, dict[float, Episodes]]:
    """Return the true spans of several datasets as if they were one, and those of `gripper`."""
    reference = _joined([truth(root) for root in roots])
    return reference, {steady: _joined([by_gripper(root, steady) for root in roots]) for steady in STEADY}


def _joined(several: Sequence[Episodes]) -> Episodes:
    return {i * arms.EPISODES + index: spans for i, each in enumerate(several) for index, spans in each.items()}


def table(name: str, reference: Episodes, found: dict[float, Episodes]) -> Iterator[str]:
    """Yield the scores for each `steady`, and of uniform splitting."""
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
