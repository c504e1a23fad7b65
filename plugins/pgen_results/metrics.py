"""Compute the metrics of a run from its annotations, in one pass, and its cost from the manifest.

Shares are of the samples that have a value. Diversity is measured on at most `POOL` answers, a seeded sample.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import nsmallest
from operator import itemgetter
from random import Random
from typing import Any, NamedTuple

from pgen.inference.judging import SCORES
from pgen.labels import frame_ranges
from pgen.records import Episode
from pgen_results.diversity import Diversity, measure, most_repeated, words
from pgen_results.lines import Line, chosen, codes, is_scene, moment, scope, scores, seen, skills
from pgen_results.read import RunResults

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
class ScopeUse:
    """The samples of a scope; of those answered, sums of words, skills and frames, and how many have a finding."""

    samples: int = 0
    answered: int = 0
    words: int = 0
    skills: int = 0
    frames: int = 0
    found: int = 0


class Scene(NamedTuple):
    """A moment whose images contradict the labels."""

    episode_id: str
    frame_index: int
    timestamp: float | None
    skill: str
    seen: str


@dataclass(slots=True)
class Metrics:
    """Counts of a run. `planned` and `achieved` are by kind; `agreed` counts answers of the planned type.

    `failed` has no samples whose images contradict the labels: these are `contradicted`, at the moments `scenes`.
    `choices` counts the dialogues after which a judge chose a skill, `followed` those where it was the demonstrated
    one.
    """

    episodes: int = 0
    moments: int = 0
    samples: int = 0
    answered: int = 0
    contradicted: int = 0
    scenes: list[Scene] = field(default_factory=list)
    scopes: dict[str, ScopeUse] = field(default_factory=lambda: defaultdict(ScopeUse))
    choices: int = 0
    followed: int = 0
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
        metrics.moments += len({moment(line) for line in lines})
        metrics.scenes += _scenes(lines)
        for line in lines:
            _count(metrics, line)
            if line["status"] == "ok":
                prompts[line["user_prompt"]] += 1
                yield line["user_prompt"], line["robot_utterance"]


def _scenes(lines: Iterable[Line]) -> list[Scene]:
    """Return the moments whose images contradict the labels, each once."""
    places = {moment(line): line for line in lines if is_scene(line)}.values()
    return [
        Scene(line["episode_id"], line["frame_index"], line["timestamp"], line["skill_current"], seen(line))
        for line in places
    ]


def _count(metrics: Metrics, line: Line) -> None:
    skill, of_scope = metrics.skills[line["skill_current"]], metrics.scopes[scope(line)]
    metrics.samples += 1
    skill.samples += 1
    of_scope.samples += 1
    _count_types(metrics.planned, line, "planned_")
    if is_scene(line):
        metrics.contradicted += 1
        return
    if line["status"] == "failed":
        metrics.failed[line["stage"]] += 1
        metrics.reasons[line["stage"], line["reason"]] += 1
        return
    metrics.answered += 1
    skill.answered += 1
    _count_in_scope(of_scope, line)
    _count_types(metrics.achieved, line)
    metrics.agreed.update(kind for kind in KINDS if line[kind] is not None and line[kind] == line[f"planned_{kind}"])
    metrics.checked = metrics.checked or "checks" in line
    metrics.checks.update(set(codes(line)))
    metrics.judged += bool(line.get("judgement"))
    if choice := chosen(line):
        metrics.choices += 1
        metrics.followed += choice == line["skill_current"]
    for name, score, _ in scores(line.get("judgement")):
        metrics.scores[name][score] += 1


def _count_types(counts: dict[str, Counter[str]], line: Line, prefix: str = "") -> None:
    for kind in KINDS:
        if (name := line[f"{prefix}{kind}"]) is not None:
            counts[kind][name] += 1


def _count_in_scope(counts: ScopeUse, line: Line) -> None:
    counts.answered += 1
    counts.words += len(words(line["user_prompt"]))
    counts.skills += len(skills(line))
    counts.frames += (line.get("stop") or 0) - (line.get("start") or 0)
    counts.found += bool(codes(line))


def _count_frames(metrics: Metrics, episode: Episode, lines: Iterable[Line]) -> None:
    """Count the frames of each span, and those over which a dialogue is in force."""
    covered = bytearray(len(episode.timestamps))
    for line in lines:
        if line.get("start") is not None:
            covered[line["start"] : line["stop"]] = b"\1" * len(covered[line["start"] : line["stop"]])
    for position, frames in enumerate(frame_ranges(episode)):
        for counts in (metrics, metrics.skills[episode.skills[position].name]):
            counts.frames += len(frames)
            counts.labelled += sum(covered[frames.start : frames.stop])
