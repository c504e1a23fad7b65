"""How far one set of spans agrees with another, the reference: edges, overlaps and names.

An edge is a time at which a span begins or ends, an episode's first and last excepted. Counts are summed
over all episodes of the reference before they are divided; an episode that is missing agrees in nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pgen.records import Skill

type Episodes = Mapping[int, Sequence[Skill]]

TOLERANCES = (0.25, 0.5, 1.0)
"""Seconds within which two edges are the same; usual in temporal action segmentation, and what people differ by."""
_EXACT = 1e-6
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Edges found within `tolerance` seconds; each is matched with one of the reference at most."""

    tolerance: float
    matched: int
    found: int
    expected: int

    @property
    def precision(self) -> float:
        return _ratio(self.matched, self.found)

    @property
    def recall(self) -> float:
        return _ratio(self.matched, self.expected)

    @property
    def f1(self) -> float:
        return _ratio(2 * self.matched, self.found + self.expected)


@dataclass(slots=True)
class Score:
    """What was compared, and how well it agrees: each figure but the counts lies between 0 and 1."""

    episodes: int = 0
    missing: int = 0
    spans: int = 0
    expected_spans: int = 0
    boundaries: list[Boundaries] = field(default_factory=list)
    mean_iou: float = 0.0
    same_label: float = 0.0
    token_overlap: float = 0.0
    same_frames: float = 0.0

    def as_json(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in self.__slots__ if name != "boundaries"}
        edges = [
            {"tolerance": b.tolerance, "precision": b.precision, "recall": b.recall, "f1": b.f1}
            for b in self.boundaries
        ]
        return {**told, "boundaries": edges}


def score(found: Episodes, reference: Episodes) -> Score:
    """Compare the episodes of the reference. Spans are sorted; a missing episode is one without spans."""
    paired = [(sorted_spans(found.get(index, ())), sorted_spans(spans)) for index, spans in reference.items()]
    best = [_best(span, ours) for ours, theirs in paired for span in theirs]
    known = sum(span.end - span.start for _, theirs in paired for span in theirs)
    return Score(
        episodes=len(reference),
        missing=len(reference.keys() - found.keys()),
        spans=sum(len(ours) for ours, _ in paired),
        expected_spans=len(best),
        boundaries=[_boundaries(paired, tolerance) for tolerance in TOLERANCES],
        mean_iou=_ratio(sum(iou for iou, _, _ in best), len(best)),
        same_label=_ratio(sum(same for _, same, _ in best), len(best)),
        token_overlap=_ratio(sum(tokens for _, _, tokens in best), len(best)),
        same_frames=_ratio(sum(_same_time(ours, theirs) for ours, theirs in paired), known),
    )


def sorted_spans(spans: Sequence[Skill]) -> list[Skill]:
    """By their start; empty ones and reversed ones are left out."""
    return sorted((span for span in spans if span.end > span.start), key=lambda span: (span.start, span.end))


def edges(spans: Sequence[Skill]) -> list[float]:
    """The edges of sorted spans, without the first and the last."""
    times = sorted({round(time / _EXACT) * _EXACT for span in spans for time in (span.start, span.end)})
    return times[1:-1]


def matched(found: Sequence[float], expected: Sequence[float], tolerance: float) -> int:
    """The most pairs of edges, each used once, that lie within the tolerance. Both are ascending."""
    i = j = pairs = 0
    while i < len(found) and j < len(expected):
        if abs(found[i] - expected[j]) <= tolerance + _EXACT:
            i, j, pairs = i + 1, j + 1, pairs + 1
        elif found[i] < expected[j]:
            i += 1
        else:
            j += 1
    return pairs


def _boundaries(paired: Sequence[tuple[list[Skill], list[Skill]]], tolerance: float) -> Boundaries:
    cut = [(edges(ours), edges(theirs)) for ours, theirs in paired]
    pairs = sum(matched(ours, theirs, tolerance) for ours, theirs in cut)
    return Boundaries(tolerance, pairs, sum(len(ours) for ours, _ in cut), sum(len(theirs) for _, theirs in cut))


def _best(span: Skill, found: Sequence[Skill]) -> tuple[float, bool, float]:
    """Of the span that covers most of this one: overlap over union, the same name, the words in common."""
    other = max(found, key=lambda each: _overlap(span, each), default=None)
    if other is None or _overlap(span, other) <= 0:
        return 0.0, False, 0.0
    common = _overlap(span, other)
    iou = common / (span.end - span.start + other.end - other.start - common)
    return iou, _plain(span.name) == _plain(other.name), _tokens_in_common(span.name, other.name)


def _same_time(found: Sequence[Skill], reference: Sequence[Skill]) -> float:
    return sum(
        max(0.0, _overlap(span, other))
        for span in reference
        for other in found
        if _plain(span.name) == _plain(other.name)
    )


def _overlap(a: Skill, b: Skill) -> float:
    return min(a.end, b.end) - max(a.start, b.start)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _tokens_in_common(a: str, b: str) -> float:
    """Twice the words in common over all words (the Dice coefficient)."""
    ours, theirs = Counter(_words(a)), Counter(_words(b))
    return _ratio(2 * (ours & theirs).total(), ours.total() + theirs.total())


def _words(name: str) -> Iterator[str]:
    return (match.group() for match in _WORD.finditer(name.casefold()))


def _ratio(part: float, whole: float) -> float:
    """Where there is nothing to find and nothing was found, all of it was."""
    return part / whole if whole else 1.0
