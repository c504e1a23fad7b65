"""The report of a segmentation as one page: its numbers, its names, and every episode as a line of spans."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from pgen.labels.spans import frame_ranges
from pgen.records import Episode, Sample
from pgen_results.figures import cost
from pgen_results.page import render
from pgen_results.read_segmentation import Segmented
from pgen_results.report_page import BINS, SKILLS_LISTED, ReportOptions
from pgen_results.thumbnails import Thumbnails, thumbnails

_UNTOLD: dict[str, Any] = {
    "model": None,
    "prompts": {"version": "unknown"},
    "gripper": [],
    "vocabulary": [],
    "tokens": None,
    "attempts": 0,
}
"""What a segmenter need not say of itself."""
BIN = 0.5
"""Seconds of a histogram's bar, or a multiple of them."""


@dataclass(slots=True)
class Use:
    """What is made of a name."""

    spans: int = 0
    seconds: float = 0.0
    shortest: float = float("inf")
    longest: float = 0.0
    episodes: int = 0


@dataclass(slots=True)
class Found:
    """The counts of a segmentation; `lengths` counts spans by the bars of `BIN` seconds that they fall into."""

    names: dict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    lengths: Counter[int] = field(default_factory=Counter)

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        for skill in episode.skills:
            use, seconds = self.names[skill.name], skill.end - skill.start
            use.spans += 1
            use.seconds += seconds
            use.shortest, use.longest = min(use.shortest, seconds), max(use.longest, seconds)
            self.lengths[int(seconds / BIN + 1e-6)] += 1
        for name in {skill.name for skill in episode.skills}:
            self.names[name].episodes += 1

    @property
    def spans(self) -> int:
        return self.lengths.total()

    @property
    def mean(self) -> float:
        """Seconds a span."""
        return sum(use.seconds for use in self.names.values()) / self.spans if self.spans else 0.0

    def by_count(self) -> list[tuple[str, Use]]:
        """The names, the most frequent first."""
        return sorted(self.names.items(), key=lambda item: (-item[1].spans, item[0]))

    def histogram(self) -> list[tuple[str, str, int]]:
        """Bars of equal width as (from, to, spans), in seconds."""
        if not self.lengths:
            return []
        width = ceil((max(self.lengths) + 1) / BINS)
        edges = range(0, max(self.lengths) + 1, width)
        counts = (sum(self.lengths[edge + i] for i in range(width)) for edge in edges)
        return [(f"{e * BIN:g}", f"{(e + width) * BIN:g}", count) for e, count in zip(edges, counts, strict=True)]


def skills_page(told: Segmented, options: ReportOptions) -> str:
    """The report as HTML; reads the spans twice, and the pictures of its thumbnails."""
    found = Found()
    for episode in told.read():
        found.add(episode)
    shown = min(found.spans, options.samples)
    names = {name: place for place, (name, _) in enumerate(found.by_count())}
    with thumbnails(told.source, shown, options.thumbnails) as pictures:
        episodes = [_episode(one, told.failed, names, pictures) for one in _chosen(told, found.spans, options.samples)]
    made = {**_UNTOLD, **told.record["segmenter"]["found"]}
    return render(
        "skills.html",
        ("page.js", "skills.js"),
        {"skills": list(names), "episodes": episodes, "thumbnails": pictures.shown},
        told=told,
        record=told.record,
        made=made,
        found=found,
        names=found.by_count()[:SKILLS_LISTED],
        changes=_changes(told.record),
        cost=cost(made, options.price_in, options.price_out) if made["tokens"] else None,
        listed=sum(len(episode["spans"]) for episode in episodes),
        pictures=len(pictures.shown),
        unreadable=pictures.unreadable,
    )


def _changes(record: dict[str, Any]) -> list[tuple[str, int]]:
    """What the segmenter changed, and what was changed to make its spans whole; the most frequent first."""
    changes = Counter(record["segmenter"]["found"].get("changes", {})) + Counter(record["changes"])
    return sorted(changes.items(), key=lambda item: (-item[1], item[0]))


def _chosen(told: Segmented, spans: int, limit: int) -> Iterator[Episode]:
    """Episodes with at most `limit` spans together, and all that failed: all episodes, or each so many."""
    step, left, place = max(1, ceil(spans / limit)), limit, 0
    for episode in told.read():
        if not episode.skills:
            yield episode
        elif (place := place + 1) % step == 1 % step and len(episode.skills) <= left:
            left -= len(episode.skills)
            yield episode


def _episode(episode: Episode, failed: dict[int, str], names: dict[str, int], pictures: Thumbnails) -> dict[str, Any]:
    spans = [[names[skill.name], round(skill.start, 3), round(skill.end, 3)] for skill in episode.skills]
    times = episode.timestamps
    last = times[-1] + 1 / episode.fps if times else 0.0
    told = {
        "id": episode.id,
        "task": episode.task,
        "start": 0.0,
        "end": max([last, *(skill.end for skill in episode.skills)]),
        "spans": spans,
        "pictures": [pictures.at(_middle(episode, place)) for place in range(len(spans))],
        "failed": failed.get(episode.index),
    }
    return {key: value for key, value in told.items() if value is not None}


def _middle(episode: Episode, place: int) -> Sample:
    """The moment in the middle of a span."""
    frames = list(frame_ranges(episode))[place]
    frame = frames[len(frames) // 2] if frames else 0
    return Sample(
        episode_index=episode.index,
        episode_id=episode.id,
        frame_index=frame,
        timestamp=episode.timestamps[frame] if episode.timestamps else None,
        skill_index=place,
        skill_current=episode.skills[place].name,
        skill_history=(),
        skill_future=(),
        task_description=episode.task,
        cameras=episode.cameras,
        images=(),
    )
