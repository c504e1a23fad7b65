"""Score the segmenter `gripper` against the true spans of simulated datasets, beside uniform splitting.

The datasets are those in PGEN_DATASETS with the spans of a scripted expert, and generated motions (`common.arms`) that
were not used for tuning. `uniform` cuts each N seconds; the last row cuts into as many equal spans as the expert has,
which a segmenter cannot know. The last table has robots of many kinds (`common.robots`), with the failed grasps that
were detected among the true ones, and the false ones among those detected.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common import arms, named_spans, robots
from pgen.records import Skill
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import read_spans
from pgen_segment import reading
from pgen_segment.motion.grasps import failed_grasps
from pgen_segment.motion.segmenter import Gripper
from pgen_segment.normalize import SHORTEST
from pgen_segment.scoring import Episodes, score
from pgen_segment.segmentation import segment_all

DATASETS = ("sim_drawer_sawyer_v30_av1", "sim_pickplace_so101_v30", "sim_pickplace_so101_v30_images")
SECONDS = (1.0, 2.0, 3.0)
STEADY = (SHORTEST, SHORTEST / 2, SHORTEST * 2)
REAL = ("cr5_realarm_v30conv_8ep", "gr1_picknplace_v20")
"""Datasets without true spans."""
NAMED = 2
"""Generated robots of each kind whose spans are named."""
DRAWN = 16
"""Generated arms, of five episodes each."""
ROBOTS = 8
"""Generated robots of each kind."""
FAILURES = 0.15
"""The share of their grasps that fail."""
FAILED_FOR = 0.3
"""Seconds that a detected failure and a true one have in common at least."""


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
        folder_of_arms = Path(place)
        yield from table(f"{drawn} drawn arms", *pooled([arms.write(folder_of_arms / str(i), i) for i in range(drawn)]))
        episodes = 1 if tiny else robots.EPISODES
        yield from robot_lines(folder_of_arms, 1 if tiny else ROBOTS, episodes)
        simulated = [Path(folder) / name for name in DATASETS[:2]] if folder else []
        yield from named_spans.table(simulated, folder_of_arms, 1 if tiny else NAMED, episodes)
    if folder:
        yield from map(named_spans.planned_tokens, (Path(folder) / name for name in REAL))


def robot_lines(folder: Path, robots_each: int = ROBOTS, episodes: int = robots.EPISODES) -> Iterator[str]:
    """Yield a row for each kind of robot, and one for all: F1, overlap, failures detected and false ones."""
    columns = "".join(f"{name:>10}" for name in ("0.25 s", "0.5 s", "1 s", "overlap", "failures", "detected", "false"))
    yield f"{'robots with failed grasps':<28}{columns}"
    every: list[tuple[Episodes, Episodes, Counter[str]]] = []
    for kind in robots.KINDS:
        seeds = range(robots.REPORTED, robots.REPORTED + robots_each)
        roots = [robots.write(folder / f"{kind} {seed}", seed, kind, FAILURES, episodes=episodes) for seed in seeds]
        drawn = [by_robot(root) for root in roots]
        yield robot_row(kind, drawn)
        every += drawn
    yield robot_row("all", every)


def by_robot(root: Path) -> tuple[Episodes, Episodes, Counter[str]]:
    """Return the spans of a robot's motion, its true ones, and the failures: true, detected and false ones."""
    source, segmenter = LeRobotSource(root=root, skills="task"), Gripper()
    source.open()
    segmenter.open(source)
    spans, counts, failed = {}, Counter[str](), robots.read_truth(root)["failed"]
    for recording in reading.recordings(source, segmenter.columns):
        index, signal = recording.episode.index, segmenter.signal
        spans[index] = [Skill(span.phase, span.start, span.end) for span in signal.spans(recording)]
        true = [(attempt["start"], attempt["end"]) for attempt in failed[index]]
        detected = [
            (float(motion.times[start]), float(motion.times[stop]))
            for motion in signal.motions(recording)
            for start, stop in failed_grasps(motion, signal.limits)
        ]
        counts["failures"] += len(true)
        counts["detected"] += sum(any(meet(one, other) for other in detected) for one in true)
        counts["marked"] += len(detected)
        counts["false"] += sum(not any(meet(one, other) for other in true) for one in detected)
    return spans, truth(root), counts


def meet(first: tuple[float, float], second: tuple[float, float]) -> bool:
    """Return whether two stretches of time have enough in common to be the same failure."""
    return min(first[1], second[1]) - max(first[0], second[0]) > FAILED_FOR


def robot_row(name: str, drawn: Sequence[tuple[Episodes, Episodes, Counter[str]]]) -> str:
    """Return a row of several robots: the scores of their spans, and the shares of failures."""
    counts = sum((each for _, _, each in drawn), Counter[str]())
    shares = (counts["detected"] / max(1, counts["failures"]), counts["false"] / max(1, counts["marked"]))
    scores = row(name, _joined([spans for spans, _, _ in drawn]), _joined([true for _, true, _ in drawn]))
    return f"{scores}{counts['failures']:>10}" + "".join(f"{share:>10.2f}" for share in shares)


def pooled(roots: Sequence[Path]) -> tuple[Episodes, dict[float, Episodes]]:
    """Return the true spans of several datasets as if they were one, and those of `gripper`."""
    reference = _joined([truth(root) for root in roots])
    return reference, {steady: _joined([by_gripper(root, steady) for root in roots]) for steady in STEADY}


def _joined(several: Sequence[Episodes]) -> Episodes:
    return {i * robots.EPISODES + index: spans for i, each in enumerate(several) for index, spans in each.items()}


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
