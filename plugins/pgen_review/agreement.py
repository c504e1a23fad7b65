"""How far two people agree who reviewed the same dialogues."""

from dataclasses import asdict, dataclass
from typing import Any

from pgen.errors import ConfigError
from pgen_review.exported import Exported


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement on the `judged` dialogues that both decided on, an edited one counting as accepted.

    `kappa` is Cohen's: 1 for full agreement, 0 for that of chance; None where both gave one verdict only. `edited` of
    them have other frames by both, whose edges differ by `frames` in the mean.
    """

    judged: int
    agreed: int
    kappa: float | None
    edited: int
    frames: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the agreement as a JSON object."""
        return {**asdict(self), "share": self.agreed / self.judged if self.judged else None}

    def __str__(self) -> str:
        if not self.judged:
            return "no dialogue was judged by both"
        kappa = "undefined, as both gave one verdict only" if self.kappa is None else f"{self.kappa:.2f}"
        text = f"{self.agreed / self.judged:.1%} of {self.judged:,} dialogues judged by both; Cohen's kappa {kappa}"
        if self.frames is None:
            return text
        return f"{text}; {self.edited:,} ranges edited by both, their edges {self.frames:.1f} frames apart"


def agreement(first: Exported, second: Exported) -> Agreement:
    """Return the agreement of two journals. Raises ConfigError where they are about different dialogues."""
    if first.dialogues != second.dialogues:
        raise ConfigError(f"{first.path} and {second.path} are about different dialogues; compare those of one result.")
    keys = first.fold.changed()
    pairs = [(first.fold.outcome(key), second.fold.outcome(key)) for key in keys]
    both = [pair for pair in pairs if all(outcome.state != "open" for outcome in pair)]
    rejected = [tuple(outcome.state == "rejected" for outcome in pair) for pair in both]
    edges = [
        abs(pair[0].values.get(name, pair[0].was[name]) - pair[1].values.get(name, pair[1].was[name]))
        for pair in both
        if all(outcome.values.keys() & {"start", "stop"} for outcome in pair)
        for name in ("start", "stop")
    ]
    return Agreement(
        len(both),
        sum(one == other for one, other in rejected),
        _kappa(rejected),
        len(edges) // 2,
        sum(edges) / len(edges) if edges else None,
    )


def _kappa(verdicts: list[tuple[bool, ...]]) -> float | None:
    if not verdicts:
        return None
    total = len(verdicts)
    observed = sum(one == other for one, other in verdicts) / total
    shares = [sum(pair[place] for pair in verdicts) / total for place in (0, 1)]
    chance = shares[0] * shares[1] + (1 - shares[0]) * (1 - shares[1])
    return (observed - chance) / (1 - chance) if chance < 1 else None
