"""The dialogues of `template` for real skills: shares of types, findings of the checks, and diversity.

On the episodes with skills of the datasets in PGEN_DATASETS (without images, which `template` does not use), one run
per seed with all defaults.
Usage: dialogue.py
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from pgen.api import annotate
from pgen.records import Annotation, Episode
from pgen.testing import FakeSource, MemorySink
from pgen_dialogue.checks.words import words_of
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES, PlanOptions, shares
from pgen_lerobot.read import LeRobotSource
from pgen_samplers.samplers import Segments

SEEDS = 40
SAMPLES = 300
"""The number of dialogues for distinct-2, which falls with the length of a text."""


@dataclass(slots=True)
class Measured:
    """Counts of runs: the expected, planned and achieved number of each type, findings, and texts."""

    samples: int = 0
    expected: Counter[str] = field(default_factory=Counter)
    planned: Counter[str] = field(default_factory=Counter)
    achieved: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)

    def add(self, annotation: Annotation) -> None:
        self.samples += 1
        for plan, share in shares(annotation.sample, PlanOptions()).items():
            for kind in plan:
                self.expected[kind] += share
        self.planned.update([annotation.plan.scenario_type, annotation.plan.response_type])
        self.findings.update(finding.code for finding in annotation.checks)
        if dialogue := annotation.dialogue:
            self.achieved.update([dialogue.scenario_type, dialogue.response_type])
            if len(self.texts) < 2 * SAMPLES:
                self.texts += [dialogue.user_prompt, dialogue.robot_utterance]

    def distinct(self, size: int = 2) -> float:
        """Return the share of different pairs among all pairs of neighbouring words."""
        pairs = [pair for text in self.texts for pair in pairwise(words_of(text))]
        return len(set(pairs)) / len(pairs)

    def share(self, counts: Counter[str], kind: str) -> float:
        return counts[kind] / self.samples


def episodes(folder: Path) -> list[Episode]:
    """Return the episodes of every dataset with skills."""
    listed: list[Episode] = []
    for path in sorted(folder.glob("*/meta/skills.json")):
        source = LeRobotSource(root=path.parents[1])
        source.open()
        listed += [
            replace(episode, index=len(listed) + n, id=f"{path.parts[-3]} {episode.id}")
            for n, episode in enumerate(source.episodes())
        ]
    return listed


def measure(folder: Path, seeds: int = SEEDS, variants: int | None = None) -> Measured:
    """Run over all episodes once per seed, with all defaults but `variants`."""
    measured, listed = Measured(), episodes(folder)
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as place:
            sink, source = MemorySink(), FakeSource(*listed)
            out, chosen = Path(place, "out"), {"seed": seed, "variants": variants}
            annotate(source, out, generator="template", sink=sink, sampler=Segments(), **chosen)
        for annotation in sink.annotations:
            measured.add(annotation)
    return measured


def lines(tiny: bool = False) -> Iterator[str]:
    """Yield the table, or why there is none."""
    seeds = 1 if tiny else SEEDS
    folder = os.environ.get("PGEN_DATASETS")
    if not folder or not Path(folder).is_dir():
        yield f"no datasets: PGEN_DATASETS is {folder!r}, which is not a folder"
        return
    yield from table(measure(Path(folder), seeds), seeds)


def table(measured: Measured, seeds: int) -> Iterator[str]:
    """Yield the table of some runs."""
    yield f"{measured.samples:,} samples in {seeds} runs{'by the weights':>24}{'planned':>10}{'achieved':>10}"
    for kind in (*SCENARIO_TYPES, *RESPONSE_TYPES):
        columns = (measured.share(counts, kind) for counts in (measured.expected, measured.planned, measured.achieved))
        by_weight, planned, achieved = columns
        yield f"{kind:<26}{by_weight:>22.1%}{planned:>10.1%}{achieved:>10.1%}"
    yield f"findings of the checks: {measured.findings.total() or 'none'}"
    yield f"distinct-2 of the first {SAMPLES} dialogues: {measured.distinct():.2f}"


def main() -> None:
    for line in lines():
        print(line)


if __name__ == "__main__":
    main()
