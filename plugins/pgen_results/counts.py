"""The counts of a run: its samples, their problems, types, scopes and skills."""

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from pgen.records import SCORES
from pgen_results.diversity import Diversity, measure
from pgen_results.lines import KINDS
from pgen_results.severity import Severity


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


class Place(NamedTuple):
    """A moment of an episode."""

    episode_index: int
    episode_id: str
    frame_index: int
    timestamp: float | None


class Scene(NamedTuple):
    """A moment whose images contradict the labels."""

    place: Place
    skill: str
    seen: str


@dataclass(slots=True)
class Metrics:
    """Counts of a run. `planned` and `achieved` are by kind; `agreed` counts answers of the planned type.

    `failed` has no samples whose images contradict the labels: these are `contradicted`, at the moments `scenes`.
    `choices` counts the dialogues after which a judge chose a skill, `followed` those where it was the demonstrated
    one. `flagged` counts dialogues by their worst finding, `poor` those with a low score, `unplanned` those of another
    type than planned, `reviews` those that people reviewed, by verdict. `badness` has a value per sample, and `sizes`
    the number of samples per episode that has any.
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
    places: dict[tuple[str, str], list[Place]] = field(default_factory=lambda: defaultdict(list))
    planned: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    achieved: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    agreed: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    checked: bool = False
    flagged: Counter[Severity] = field(default_factory=Counter)
    poor: int = 0
    with_plan: int = 0
    unplanned: int = 0
    badness: bytearray = field(default_factory=bytearray)
    sizes: array[int] = field(default_factory=lambda: array("L"))
    scores: dict[str, Counter[int]] = field(default_factory=lambda: {name: Counter() for name in SCORES})
    skills: dict[str, Coverage] = field(default_factory=lambda: defaultdict(Coverage))
    prompts: Diversity = field(default_factory=lambda: measure(()))
    utterances: Diversity = field(default_factory=lambda: measure(()))
    repeated: list[tuple[str, int]] = field(default_factory=list)
    reviews: Counter[str] = field(default_factory=Counter)
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
