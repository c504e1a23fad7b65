"""Score `hybrid` with a server that names numbered spans by ground truth, with one error in ten, beside `vlm`."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import robots
from common.naming_server import SIDE, NamingServer
from pgen.components import Patches
from pgen.records import Skill
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import read_spans
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_segment.hybrid.segmenter import Hybrid
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.reading import recordings
from pgen_segment.scoring import score
from pgen_segment.vlm.segmenter import Vlm

LEVELS = ("motion", "skill")
FAILURES = 0.15
"""The share of grasps of generated robots that fail."""
WITHIN = 0.5
"""Seconds within which two edges match."""

type Truth = Mapping[str, Mapping[int, Sequence[Skill]]]
"""The true spans of each level, and the failed grasps as `failed`, by episode."""


@dataclass(slots=True)
class Named:
    """What became of the spans of some datasets: those of each level by a place of its own, and counts."""

    found: dict[str, dict[int, Sequence[Skill]]] = field(default_factory=lambda: {level: {} for level in LEVELS})
    true: dict[str, dict[int, Sequence[Skill]]] = field(default_factory=lambda: {level: {} for level in LEVELS})
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, truth: Truth, index: int, record: Mapping[str, Any]) -> None:
        """Add an episode as `segmentation.json` has it."""
        levels = {level: _skills(spans) for level, spans in record["levels"][str(index)].items()}
        place = len(self.true["motion"])
        for level in LEVELS:
            self.found[level][place], self.true[level][place] = levels[level], truth[level][index]
        failed = [span for span in levels["skill"] if span.failed]
        true = truth.get("failed", {}).get(index, ())
        self.counts["failures"] += len(true)
        self.counts["detected"] += sum(any(_meet(it, other) for other in failed) for it in true)
        self.counts["marked"] += len(failed)
        self.counts["false"] += sum(not any(_meet(it, other) for other in true) for it in failed)
        self.count(record, "hybrid")

    def count(self, record: Mapping[str, Any], segmenter: str) -> None:
        """Add the tokens of an episode."""
        self.counts[segmenter] += sum(record["segmenter"]["found"]["tokens"][name] for name in ("in", "out"))

    def line(self, name: str) -> str:
        """Return a row: right frames and F1 at each level, failures, and the tokens of an episode."""
        cells = []
        for level in LEVELS:
            result = score(self.found[level], self.true[level])
            f1 = next(edges.f1 for edges in result.boundaries if edges.tolerance == WITHIN)
            cells += [f"{result.same_frames:>8.2f}{f1:>8.2f}"]
        counts, episodes = self.counts, len(self.true["motion"])
        ratio = f"{counts['hybrid'] / counts['vlm']:>8.2f}" if counts["vlm"] else ""
        failures = f"{counts['detected']:>5}/{counts['failures']:<4}{counts['false']:>4}/{counts['marked']:<4}"
        return f"  {name:<30}{''.join(cells)} {failures}{counts['hybrid'] // episodes:>8,}{ratio}"


def header() -> str:
    """Return the names of the columns of `Named.line`."""
    levels = "".join(f"{f'{level}:':>8}{'F1':>8}" for level in LEVELS)
    return f"{'right frames and edges':<32}{levels}  detected    false  tokens  of vlm"


def measure(root: Path, truth: Truth, server: NamingServer, into: Sequence[Named], *, vlm: bool = False) -> None:
    """Segment each episode of the truth; with `vlm`, once more by that one, for its tokens."""
    for index in truth["motion"]:
        server.motions, server.skills = truth["motion"][index], truth["skill"][index]
        record = _segmented(root, index, Hybrid(), server.url)
        other = _segmented(root, index, Vlm(), server.url) if vlm else None
        for named in into:
            named.add(truth, index, record)
            if other:
                named.count(other, "vlm")


def _segmented(root: Path, index: int, segmenter: Vlm, url: str) -> dict[str, Any]:
    """Return segmentation.json of one episode."""
    source = LeRobotSource(root=root, skills="task", episodes=str(index))
    with TemporaryDirectory() as place:
        out = Path(place) / "out"
        options = SegmentOptions(output_dir=out, skills_only=True)
        with Job(options, source, segmenter, QwenOpenAIGenerator(base_url=url)) as job:
            list(job.execute())
        record: dict[str, Any] = json.loads((out / "segmentation.json").read_text(encoding="utf-8"))
    return record


def simulated(root: Path) -> Truth:
    """Return the truth of a simulated dataset: its motions, and the skills that they make up."""
    motions = read_spans(root / "meta/skills.json")
    return {"motion": motions, "skill": {index: _grouped(spans) for index, spans in motions.items()}}


def generated(root: Path) -> Truth:
    """Return the truth of a generated robot; a skill is cut where an attempt has failed and it is tried again."""
    levels = {
        level: {i: _skills(spans) for i, spans in enumerate(episodes)}
        for level, episodes in robots.read_truth(root).items()
    }
    skills = {i: split(spans, levels["failed"][i]) for i, spans in levels["skill"].items()}
    return {**levels, "skill": skills}


def _first(episodes: int, truth: Truth) -> Truth:
    return {level: dict(islice(spans.items(), episodes)) for level, spans in truth.items()}


def _grouped(motions: Sequence[Skill]) -> list[Skill]:
    runs = [list(run) for _, run in groupby(motions, lambda it: _skill_of(it.name))]
    return [Skill(_skill_of(run[0].name), run[0].start, run[-1].end) for run in runs]


def _skill_of(motion: str) -> str:
    """Return the skill of a motion in the simulated datasets."""
    if "drawer" in motion:
        return "open the drawer"
    if motion.startswith("retreat"):
        return motion
    placing = motion.startswith(("carry", "open")) or "onto" in motion
    return "put the block onto the table" if placing else "pick up the block"


def split(skills: Sequence[Skill], failed: Sequence[Skill]) -> list[Skill]:
    """Return the skills, each cut where an attempt within it has failed and it is tried again."""
    spans = []
    for skill in skills:
        cuts = [it.end for it in failed if skill.start + WITHIN < it.end < skill.end - WITHIN]
        edges = [skill.start, *sorted(set(cuts)), skill.end]
        spans += [Skill(skill.name, start, end) for start, end in pairwise(edges)]
    return spans


def table(datasets: Sequence[Path], folder: Path, seeds: int, episodes: int = robots.EPISODES) -> Iterator[str]:
    """Yield a row for each simulated dataset, for each kind of generated robot, and for all robots.

    Of each dataset, the first `episodes` are segmented.
    """
    yield header()
    with NamingServer() as server:
        for root in datasets:
            named = Named()
            measure(root, _first(episodes, simulated(root)), server, [named], vlm=True)
            yield named.line(root.name)
        every = Named()
        for kind in robots.KINDS:
            named = Named()
            for seed in range(robots.REPORTED, robots.REPORTED + seeds):
                place = folder / f"named {kind} {seed}"
                root = robots.write(place, seed, kind, FAILURES, camera=True, episodes=episodes)
                measure(root, generated(root), server, [named, every])
            yield named.line(kind)
        yield every.line("all robots")


def planned_tokens(root: Path) -> str:
    """Return a row: the tokens of an episode by the plans of both segmenters, for a dataset without truth."""
    tokens = {}
    for segmenter in (Hybrid(), Vlm()):
        source = LeRobotSource(root=root, skills="task")
        source.open()
        segmenter.open(source)
        plans = [segmenter.planned(it, Patches(SIDE)) for it in recordings(source, segmenter.columns)]
        tokens[segmenter.name] = sum(plan["tokens_in"] + plan["tokens_out"] for plan in plans) // len(plans)
    return f"  {root.name:<30}{tokens['hybrid']:>8,} tokens by plan, {tokens['hybrid'] / tokens['vlm']:.2f} of vlm"


def _skills(spans: Sequence[Mapping[str, Any]]) -> list[Skill]:
    return [Skill(span["name"], span["start"], span["end"], span.get("failed", False)) for span in spans]


def _meet(first: Skill, second: Skill) -> bool:
    return min(first.end, second.end) - max(first.start, second.start) > 0.3
