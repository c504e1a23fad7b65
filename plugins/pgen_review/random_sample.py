"""A random sample of the dialogues without a finding: how many of those that nothing marks are bad."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from pgen.seeds import derive
from pgen_review.fold import Fold
from pgen_review.results import Review

Z = 1.96
"""Standard deviations of an interval of 95 %."""


def choose(review: Review, size: int, seed: int) -> list[int]:
    """Return the numbers of `size` samples with a dialogue and without a problem, the same for the same seed."""
    listed = review.queue.numbers({"problem": ["no"], "state": ["ok"]}, "", "time")
    unmarked = listed[listed < len(review.keys)].tolist()  # those of the run alone
    return sorted(sorted(unmarked, key=lambda number: derive(seed, "review", *review.keys[number]))[:size])


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the reviewed part of a random sample says: `bad` of them were rejected, or their dialogue was edited."""

    size: int
    seed: int
    reviewed: int
    bad: int

    def as_json(self) -> dict[str, Any]:
        """Return the counts, with the share and its interval once there is one."""
        low, high = wilson(self.bad, self.reviewed)
        share = round(self.bad / self.reviewed, 4) if self.reviewed else None
        return {
            "size": self.size,
            "seed": self.seed,
            "reviewed": self.reviewed,
            "bad": self.bad,
            "share": share,
            "low": round(low, 4),
            "high": round(high, 4),
        }


def estimate(review: Review, fold: Fold, size: int, seed: int) -> Estimate:
    """Return the estimate of a sample that was chosen with this size and seed."""
    numbers = choose(review, size, seed)
    states = [fold.outcome(review.keys[number]).state for number in numbers]
    bad = sum(state in ("edited", "rejected") for state in states)
    return Estimate(len(numbers), seed, len(states) - states.count("open"), bad)


def wilson(bad: int, total: int) -> tuple[float, float]:
    """Return the Wilson interval of a share, at 95 %; all of [0, 1] where nothing was counted."""
    if not total:
        return 0.0, 1.0
    share, weight = bad / total, Z * Z / total
    middle = (share + weight / 2) / (1 + weight)
    half = Z * sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)
