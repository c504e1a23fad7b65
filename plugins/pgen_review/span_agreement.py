"""How far two people agree on the spans of the episodes that both edited or accepted."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from pgen_review.fold import Fold, Outcome


@dataclass(frozen=True, slots=True)
class SpanAgreement:
    """The agreement on the spans of `episodes`, in `equal` of which they are the same.

    As in `pgen score`, an edge is a frame at which a span begins or ends, except the first and the last of an episode,
    and each is compared with at most one of the other person. The `edges` that are differ by `frames` in the mean;
    `single` ones have no counterpart.
    """

    episodes: int
    equal: int
    edges: int
    frames: float | None
    single: int

    def as_json(self) -> dict[str, Any]:
        """Return the agreement as a JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        text = f"spans of {self.episodes:,} episodes reviewed by both, equal in {self.equal:,}"
        if self.frames is None:
            return text
        single = f"; {self.single:,} edges of one person alone" if self.single else ""
        return f"{text}; {self.edges:,} edges {self.frames:.1f} frames apart in the mean{single}"


def span_agreement(first: Fold, second: Fold) -> SpanAgreement:
    """Return the agreement of two journals."""
    keys = filter(attrgetter("is_spans"), first.keys())
    both = [(first.outcome(key), second.outcome(key)) for key in keys]
    pairs = [(_spans(one), _spans(other)) for one, other in both if "open" not in (one.state, other.state)]
    edges = [(_edges(one), _edges(other)) for one, other in pairs]
    distances = [_least(one, other) for one, other in edges]
    matched = sum(min(len(one), len(other)) for one, other in edges)
    return SpanAgreement(
        episodes=len(pairs),
        equal=sum(one == other for one, other in pairs),
        edges=matched,
        frames=sum(distances) / matched if matched else None,
        single=sum(abs(len(one) - len(other)) for one, other in edges),
    )


def _spans(outcome: Outcome) -> list[dict[str, Any]]:
    spans: list[dict[str, Any]] = outcome.values.get("spans", outcome.was["spans"])
    return spans


def _edges(spans: list[dict[str, Any]]) -> list[int]:
    """Return the edges of spans, without the first and the last."""
    return sorted({frame for span in spans for frame in (span["start"], span["stop"])})[1:-1]


def _least(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the least sum of distances where each edge of the shorter list has one of the other, in their order."""
    short, long = sorted((first, second), key=len)
    spare = len(long) - len(short)
    sums = [0] * (spare + 1)
    for place, edge in enumerate(short):
        best = sums[0]
        for skipped in range(spare + 1):
            best = min(best, sums[skipped])
            sums[skipped] = best + abs(edge - long[place + skipped])
    return min(sums)
