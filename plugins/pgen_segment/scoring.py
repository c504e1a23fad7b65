"""Score spans against a reference: their edges, overlaps and names.

An edge is a time at which a span begins or ends, except the first and the last of an episode. Counts are summed
over all episodes of the reference before they are divided; a missing episode counts as one without spans.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.records import Skill
from pgen_lerobot.format import Dataset
from pgen_lerobot.skills import read_spans

OVERSHOOT = 1.0
"""Seconds that a span may end after its episode: people place ends by eye."""

_EQUAL = 1e-3


@dataclass(frozen=True, slots=True)
class SkillsOf:
    """The spans of a file; `seconds` has the duration of each episode, if the file is in a dataset."""

    path: Path
    episodes: dict[int, tuple[Skill, ...]]
    seconds: dict[int, float]


def read(path: Path) -> SkillsOf:
    """Read a skills file, or that of a dataset. Raises InputError."""
    file = path / "meta" / "skills.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"there is no skills file {file}; name a skills.json, or a dataset that has meta/skills.json.")
    return SkillsOf(path, read_spans(file), _seconds(file.absolute().parent))


def check_same_dataset(skills: SkillsOf, reference: SkillsOf) -> None:
    """Raise InputError where the skills are of different datasets."""
    common = sorted(skills.episodes.keys() & reference.episodes.keys())
    if skills.episodes and reference.episodes and not common:
        raise _different(skills, reference, "they have no episode in common")
    for episode in common:
        if difference := _difference(episode, skills, reference):
            raise _different(skills, reference, difference)


def _difference(episode: int, skills: SkillsOf, reference: SkillsOf) -> str | None:
    """Return why an episode of A cannot be that of B."""
    ours, theirs = skills.seconds.get(episode), reference.seconds.get(episode)
    if ours is not None and theirs is not None:
        same = abs(ours - theirs) < _EQUAL
        return None if same else f"episode {episode} lasts {ours:.2f} s in A and {theirs:.2f} s in B"
    seconds = ours if ours is not None else theirs
    last = max((span.end for side in (skills, reference) for span in side.episodes[episode]), default=0.0)
    if seconds is None or last <= seconds + OVERSHOOT:
        return None
    return f"episode {episode} lasts {seconds:.2f} s, and a span ends at {last:.2f} s"


def _different(skills: SkillsOf, reference: SkillsOf, why: str) -> InputError:
    return InputError(
        f"{skills.path} (A) and {reference.path} (B) are of different datasets: {why}. Name two sets of skills of the "
        "same dataset."
    )


def _seconds(meta: Path) -> dict[int, float]:
    """Return the duration of each episode of the dataset with this `meta` folder; empty where there is none."""
    if meta.name != "meta" or not (meta / "info.json").is_file():
        return {}
    dataset = Dataset(meta.parent)
    return {entry.index: entry.length / dataset.fps for entry in dataset.entries()}


type Episodes = Mapping[int, Sequence[Skill]]
type Pair = tuple[list[Skill], list[Skill]]
"""The scored spans and the reference's spans of one episode."""

TOLERANCES = (0.25, 0.5, 1.0)
"""Seconds within which two edges match; usual in temporal action segmentation, and how much people differ."""
_EXACT = 1e-6
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class EdgeScore:
    """Agreement of edges within `tolerance` seconds; each is matched with at most one of the reference."""

    tolerance: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of what was compared, and scores, each between 0 and 1."""

    episodes: int
    missing: int
    spans: int
    expected_spans: int
    mean_iou: float
    same_label: float
    token_overlap: float
    same_frames: float
    boundaries: list[EdgeScore]

    def as_json(self) -> dict[str, Any]:
        """Return the score as JSON values."""
        return asdict(self)


def score(predicted: Episodes, reference: Episodes) -> Score:
    """Compare the episodes of the reference with those of `predicted`; spans need not be sorted."""
    pairs = [(sorted_spans(predicted.get(index, ())), sorted_spans(spans)) for index, spans in reference.items()]
    best = [_best_match(span, ours) for ours, theirs in pairs for span in theirs]
    seconds = sum(span.end - span.start for _, theirs in pairs for span in theirs)
    return Score(
        episodes=len(reference),
        missing=len(reference.keys() - predicted.keys()),
        spans=sum(len(ours) for ours, _ in pairs),
        expected_spans=len(best),
        mean_iou=_ratio(sum(iou for iou, _, _ in best), len(best)),
        same_label=_ratio(sum(same for _, same, _ in best), len(best)),
        token_overlap=_ratio(sum(tokens for _, _, tokens in best), len(best)),
        same_frames=_ratio(sum(_same_seconds(ours, theirs) for ours, theirs in pairs), seconds),
        boundaries=[_edge_score(pairs, tolerance) for tolerance in TOLERANCES],
    )


def sorted_spans(spans: Sequence[Skill]) -> list[Skill]:
    """Return the spans by their start, without empty and reversed ones."""
    return sorted((span for span in spans if span.end > span.start), key=lambda span: (span.start, span.end))


def edges(spans: Sequence[Skill]) -> list[float]:
    """Return the edges of sorted spans, without the first and the last."""
    times = sorted({round(time / _EXACT) * _EXACT for span in spans for time in (span.start, span.end)})
    return times[1:-1]


def count_matches(predicted: Sequence[float], expected: Sequence[float], tolerance: float) -> int:
    """Return the largest number of pairs of edges, each used once, within the tolerance. Both are ascending."""
    i = j = pairs = 0
    while i < len(predicted) and j < len(expected):
        if abs(predicted[i] - expected[j]) <= tolerance + _EXACT:
            i, j, pairs = i + 1, j + 1, pairs + 1
        elif predicted[i] < expected[j]:
            i += 1
        else:
            j += 1
    return pairs


def _edge_score(pairs: Sequence[Pair], tolerance: float) -> EdgeScore:
    both = [(edges(ours), edges(theirs)) for ours, theirs in pairs]
    predicted, expected = (sum(len(of_episode[side]) for of_episode in both) for side in (0, 1))
    matches = sum(count_matches(ours, theirs, tolerance) for ours, theirs in both)
    precision, recall = _ratio(matches, predicted), _ratio(matches, expected)
    return EdgeScore(tolerance, precision, recall, _ratio(2 * matches, predicted + expected))


def _best_match(span: Skill, predicted: Sequence[Skill]) -> tuple[float, bool, float]:
    """Return overlap over union, whether the names are the same, and the shared words, for the best overlap."""
    other = max(predicted, key=lambda each: _overlap(span, each), default=None)
    if other is None or not (common := _overlap(span, other)):
        return 0.0, False, 0.0
    iou = common / (span.end - span.start + other.end - other.start - common)
    return iou, _normalized(span.name) == _normalized(other.name), _token_overlap(span.name, other.name)


def _same_seconds(predicted: Sequence[Skill], reference: Sequence[Skill]) -> float:
    same = ((a, b) for a in reference for b in predicted if _normalized(a.name) == _normalized(b.name))
    return sum(_overlap(a, b) for a, b in same)


def _overlap(a: Skill, b: Skill) -> float:
    return max(0.0, min(a.end, b.end) - max(a.start, b.start))


def _normalized(name: str) -> str:
    return " ".join(name.casefold().split())


def _token_overlap(a: str, b: str) -> float:
    """Return the Dice coefficient of the words: twice the shared words over all words."""
    ours, theirs = (Counter(_WORD.findall(name.casefold())) for name in (a, b))
    return _ratio(2 * (ours & theirs).total(), ours.total() + theirs.total())


def _ratio(part: float, whole: float) -> float:
    """Return the share; 1 where there is nothing to find and nothing was found."""
    return part / whole if whole else 1.0
