"""The numbers of a run: counted from its lines in one pass, with what the manifest knows of its cost.

Shares are of the samples that have the value at all. Diversity is measured on the answers, or on a seeded
sample of them where there are more than `diversity.POOL`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pgen.inference.judging import SCORES
from pgen.labels.spans import frame_ranges
from pgen.records import Episode
from pgen_results.diversity import Diversity, Reservoir, measure, most_repeated
from pgen_results.read import Line, Told, codes, scores

KINDS = ("scenario_type", "response_type")


@dataclass(slots=True)
class Coverage:
    """What became of a skill: samples, answers, frames and those of them with a dialogue."""

    samples: int = 0
    answered: int = 0
    frames: int = 0
    labelled: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """One type: its share of what was planned and of what came back, in [0, 1]."""

    name: str
    planned: float
    achieved: float


@dataclass(slots=True)
class Figures:
    """Counts of a run. `planned` and `achieved` are by kind, `agreed` counts answers of the type that was planned."""

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

    @property
    def frames(self) -> int:
        return sum(skill.frames for skill in self.skills.values())

    @property
    def labelled(self) -> int:
        return sum(skill.labelled for skill in self.skills.values())

    @property
    def judged(self) -> int:
        return max(counts.total() for counts in self.scores.values())

    def mean(self, name: str) -> float:
        """Of a judge's scores, where there are any."""
        counts = self.scores[name]
        return sum(score * count for score, count in counts.items()) / counts.total()

    def shares(self, kind: str) -> list[Share]:
        """Every type of a kind that was planned or came back, by name."""
        planned, achieved = self.planned[kind], self.achieved[kind]
        names = sorted({*planned, *achieved})
        return [Share(name, share(planned[name], planned), share(achieved[name], achieved)) for name in names]


def share(count: int, of: Counter[str]) -> float:
    return count / of.total() if of else 0.0


def cost(manifest: dict[str, Any], price_in: float | None, price_out: float | None) -> float | None:
    """What the tokens cost at prices per million of them; None where no price is known."""
    if price_in is None and price_out is None:
        return None
    tokens = manifest["tokens"]
    return float(tokens["in"] * (price_in or 0.0) + tokens["out"] * (price_out or 0.0)) / 1e6


def figures(told: Told, seed: int = 0) -> Figures:
    """Count a run, reading it once."""
    found, counting = Figures(), _Texts(seed)
    for episode, lines in told.read():
        _count_frames(found, episode, lines)
        found.episodes += 1
        for line in lines:
            _count(found, line)
            if line["status"] == "ok":
                counting.add(line)
    found.prompts, found.utterances = counting.measured()
    found.repeated = most_repeated(counting.prompts)
    return found


class _Texts:
    """The texts of the answers, as far as they are needed."""

    def __init__(self, seed: int) -> None:
        self.prompts: Counter[str] = Counter()
        self._seed = seed
        self._pool: Reservoir[tuple[str, str]] = Reservoir(seed=seed)

    def add(self, line: Line) -> None:
        self.prompts[line["user_prompt"]] += 1
        self._pool.add((line["user_prompt"], line["robot_utterance"]))

    def measured(self) -> tuple[Diversity, Diversity]:
        pool = self._pool.items
        return measure((prompt for prompt, _ in pool), self._seed), measure((said for _, said in pool), self._seed)


def _count(found: Figures, line: Line) -> None:
    skill = found.skills[line["skill_current"]]
    found.samples += 1
    skill.samples += 1
    _count_types(found.planned, {kind: line[f"planned_{kind}"] for kind in KINDS})
    if line["status"] == "failed":
        found.failed[line["stage"]] += 1
        found.reasons[line["stage"], line["reason"]] += 1
        return
    found.answered += 1
    skill.answered += 1
    _count_types(found.achieved, {kind: line[kind] for kind in KINDS})
    found.agreed.update(kind for kind in KINDS if line[kind] is not None and line[kind] == line[f"planned_{kind}"])
    found.checked = found.checked or "checks" in line
    found.checks.update(set(codes(line)))
    for name, score, _ in scores(line.get("judgement")):
        found.scores[name][score] += 1


def _count_types(counts: dict[str, Counter[str]], types: dict[str, str | None]) -> None:
    for kind, name in types.items():
        if name is not None:
            counts[kind][name] += 1


def _count_frames(found: Figures, episode: Episode, lines: Iterable[Line]) -> None:
    """A span is labelled as a whole, or not at all: see pgen.labels.assign."""
    answered = {line["skill_index"] for line in lines if line["status"] == "ok"}
    for place, frames in enumerate(frame_ranges(episode)):
        skill = found.skills[episode.skills[place].name]
        skill.frames += len(frames)
        skill.labelled += len(frames) if place in answered else 0
