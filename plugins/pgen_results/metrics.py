"""Compute the metrics of a run from its annotations, in one pass, and its cost from the manifest.

Shares are of the samples that have a value. Diversity is measured on at most `POOL` answers, a seeded sample.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import nsmallest
from operator import itemgetter
from random import Random
from typing import Any

from pgen.inference.judging import SCORES
from pgen.labels import frame_ranges
from pgen.records import Episode
from pgen_results.diversity import Diversity, measure, most_repeated
from pgen_results.read import Line, RunResults, codes, scores

KINDS = ("scenario_type", "response_type")
POOL = 20_000
"""The most answers of which diversity is measured, because n-grams of more would not fit a laptop's memory."""


@dataclass(slots=True)
class Coverage:
    """The samples and frames of a skill, and how many of each have a dialogue."""

    samples: int = 0
    answered: int = 0
    frames: int = 0
    labelled: int = 0


@dataclass(slots=True)
class Metrics:
    """Counts of a run. `planned` and `achieved` are by kind; `agreed` counts answers of the planned type."""

    episodes: int = 0
    samples: int = 0
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    planned: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    achieved: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    agreed: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    checked: bool = False
    scores: dict[str, Counter[int]] = field(default_factory=lambda: {name: Counter() for name in SCORES})
    skills: dict[str, Coverage] = field(default_factory=lambda: defaultdict(Coverage))
    prompts: Diversity = field(default_factory=lambda: measure(()))
    utterances: Diversity = field(default_factory=lambda: measure(()))
    repeated: list[tuple[str, int]] = field(default_factory=list)
    judged: int = 0
    frames: int = 0
    labelled: int = 0

    def mean(self, name: str) -> float:
        """Return the mean of a judge's score; there must be one."""
        counts = self.scores[name]
        return sum(score * count for score, count in counts.items()) / counts.total()

    def shares(self, kind: str) -> list[tuple[str, float, float]]:
        """Return the name of each type of a kind, and its shares of the planned and of the returned dialogues."""
        planned, achieved = self.planned[kind], self.achieved[kind]
        totals = planned.total() or 1, achieved.total() or 1
        names = sorted({*planned, *achieved})
        return [(name, planned[name] / totals[0], achieved[name] / totals[1]) for name in names]


def compute_metrics(results: RunResults, seed: int = 0) -> Metrics:
    """Return the metrics of a run, reading it once."""
    metrics, prompts = Metrics(), Counter[str]()
    answers = _sample(_count_all(results, metrics, prompts), seed)
    metrics.prompts = measure((prompt for prompt, _ in answers), seed)
    metrics.utterances = measure((utterance for _, utterance in answers), seed)
    metrics.repeated = most_repeated(prompts)
    return metrics


def cost(manifest: dict[str, Any], price_in: float | None, price_out: float | None) -> float | None:
    """Return the cost of the tokens at prices per million, or None where no price is given."""
    if price_in is None and price_out is None:
        return None
    tokens = manifest["tokens"]
    return float(tokens["in"] * (price_in or 0.0) + tokens["out"] * (price_out or 0.0)) / 1e6


def _sample(answers: Iterable[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """Return at most POOL answers in their order: those with the smallest random keys, so no more are in memory."""
    draw = Random(seed)
    keyed = ((draw.random(), number, answer) for number, answer in enumerate(answers))
    return [answer for _, _, answer in sorted(nsmallest(POOL, keyed), key=itemgetter(1))]


def _count_all(results: RunResults, metrics: Metrics, prompts: Counter[str]) -> Iterator[tuple[str, str]]:
    """Count every annotation, and yield the prompt and utterance of those with a dialogue."""
    for episode, lines in results.read():
        metrics.episodes += 1
        _count_frames(metrics, episode, lines)
        for line in lines:
            _count(metrics, line)
            if line["status"] == "ok":
                prompts[line["user_prompt"]] += 1
                yield line["user_prompt"], line["robot_utterance"]


def _count(metrics: Metrics, line: Line) -> None:
    skill = metrics.skills[line["skill_current"]]
    metrics.samples += 1
    skill.samples += 1
    _count_types(metrics.planned, line, "planned_")
    if line["status"] == "failed":
        metrics.failed[line["stage"]] += 1
        metrics.reasons[line["stage"], line["reason"]] += 1
        return
    metrics.answered += 1
    skill.answered += 1
    _count_types(metrics.achieved, line)
    metrics.agreed.update(kind for kind in KINDS if line[kind] is not None and line[kind] == line[f"planned_{kind}"])
    metrics.checked = metrics.checked or "checks" in line
    metrics.checks.update(set(codes(line)))
    metrics.judged += bool(line.get("judgement"))
    for name, score, _ in scores(line.get("judgement")):
        metrics.scores[name][score] += 1


def _count_types(counts: dict[str, Counter[str]], line: Line, prefix: str = "") -> None:
    for kind in KINDS:
        if (name := line[f"{prefix}{kind}"]) is not None:
            counts[kind][name] += 1


def _count_frames(metrics: Metrics, episode: Episode, lines: Iterable[Line]) -> None:
    """Count the frames of each span, all of which have a dialogue or none (see pgen.labels)."""
    answered = {line["skill_index"] for line in lines if line["status"] == "ok"}
    for position, frames in enumerate(frame_ranges(episode)):
        labelled = len(frames) if position in answered else 0
        for counts in (metrics, metrics.skills[episode.skills[position].name]):
            counts.frames += len(frames)
            counts.labelled += labelled
