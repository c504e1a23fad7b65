"""The report of a segmentation as one page: its counts, its skill names, and every episode as a line of spans."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil
from statistics import median_low
from typing import Any

from pgen.labels import frame_ranges
from pgen.records import Episode, Moment, Sample, Skill, SpanContext
from pgen_results.images import OTHER, read_images
from pgen_results.metrics import cost
from pgen_results.page import SCRIPTS, render
from pgen_results.read import Segmentation
from pgen_results.report_page import SKILLS_LISTED, ReportOptions, histogram

_DEFAULTS: dict[str, Any] = {
    "model": None,
    "prompts": {"version": "unknown"},
    "gripper": [],
    "vocabulary": [],
    "tokens": None,
    "attempts": 0,
}
"""For values that a segmenter does not record."""
BIN = 0.5
"""Seconds of a histogram's bar, or a multiple of them."""


@dataclass(slots=True)
class SkillUse:
    """The lengths of the spans with one name, in seconds, and the number of episodes with such a span."""

    lengths: list[float] = field(default_factory=list)
    episodes: int = 0


def count_spans(segmentation: Segmentation) -> dict[str, SkillUse]:
    """Return the use of each name, the most frequent first."""
    names: dict[str, SkillUse] = defaultdict(SkillUse)
    for episode in segmentation.read():
        for skill in episode.skills:
            names[shown_name(skill)].lengths.append(skill.end - skill.start)
        for name in set(map(shown_name, episode.skills)):
            names[name].episodes += 1
    return dict(sorted(names.items(), key=lambda item: (-len(item[1].lengths), item[0])))


def shown_name(skill: Skill) -> str:
    """Return the name of a span, with a remark if it failed."""
    return f"{skill.name} (failed)" if skill.failed else skill.name


def length_histogram(lengths: Iterable[float]) -> list[tuple[str, str, int]]:
    """Return bars of equal width, from 0, as (from, to, spans) in seconds."""
    counts = Counter(int(seconds / BIN + 1e-6) for seconds in lengths)
    bars = histogram({0: 0, **counts}) if counts else []
    return [(f"{first * BIN:g}", f"{(last + 1) * BIN:g}", number) for first, last, number in bars]


def skills_page(segmentation: Segmentation, options: ReportOptions) -> str:
    """Return the report as HTML; reads the spans twice, and the images of its thumbnails."""
    names, record, failures = count_spans(segmentation), segmentation.record, segmentation.failures
    lengths = [seconds for use in names.values() for seconds in use.lengths]
    positions = {name: position for position, name in enumerate(names)}
    shown = list(_choose(segmentation, len(lengths), options.samples))
    moments = [(OTHER, _middle(episode, place)) for episode in shown for place in range(len(episode.skills))]
    images = read_images(segmentation.source, moments, options.thumbnails)
    numbers = iter(images.numbers)
    episodes = [_episode(episode, failures.get(episode.index), positions, numbers) for episode in shown]
    recorded = {**_DEFAULTS, **record["segmenter"]["found"]}
    return render(
        "skills.html",
        (*SCRIPTS, "skills.js"),
        {"skills": list(positions), "episodes": episodes, "thumbnails": images.small},
        images.large,
        name=segmentation.name,
        no_images=segmentation.no_images,
        options={key: record[key] for key in ("source", "segmenter", "run", "versions")},
        record=record,
        recorded=recorded,
        lengths=lengths,
        histogram_of_lengths=length_histogram(lengths),
        median=median_low(lengths) if lengths else 0,
        names=names,
        most_used=list(names.items())[:SKILLS_LISTED],
        changes=_changes(record),
        cost=cost(recorded, options.price_in, options.price_out) if recorded["tokens"] else None,
        listed=sum(len(episode["spans"]) for episode in episodes),
        images=len(images.small),
        unreadable=images.unreadable,
    )


def _changes(record: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the changes by the segmenter and by the normalization of its spans, the most frequent first."""
    changes = Counter(record["segmenter"]["found"].get("changes", {})) + Counter(record["changes"])
    return sorted(changes.items(), key=lambda item: (-item[1], item[0]))


def _choose(segmentation: Segmentation, spans: int, limit: int) -> Iterator[Episode]:
    """Yield the failed episodes, and episodes with at most `limit` spans together: all, or every n-th."""
    step, remaining, position = max(1, ceil(spans / limit)), limit, 0
    for episode in segmentation.read():
        if not episode.skills:
            yield episode
        elif (position := position + 1) % step == 1 % step and len(episode.skills) <= remaining:
            remaining -= len(episode.skills)
            yield episode


def _episode(
    episode: Episode, failure: str | None, names: dict[str, int], numbers: Iterator[int | None]
) -> dict[str, Any]:
    times = episode.timestamps
    recorded = times[-1] + 1 / episode.fps if times else 0.0
    values = {
        "index": episode.index,
        "id": episode.id,
        "task": episode.task,
        "start": 0.0,
        "end": max([recorded, *(skill.end for skill in episode.skills)]),
        "spans": [[names[shown_name(skill)], round(skill.start, 3), round(skill.end, 3)] for skill in episode.skills],
        "images": [next(numbers) for _ in episode.skills],
        "failed": failure,
    }
    return {key: value for key, value in values.items() if value is not None}


def _middle(episode: Episode, position: int) -> Sample:
    """Return the moment in the middle of a span."""
    frames = list(frame_ranges(episode))[position]
    frame = frames[len(frames) // 2] if frames else 0
    timestamp = episode.timestamps[frame] if episode.timestamps else None
    span = SpanContext(episode.index, episode.id, episode.task, position, episode.skills[position].name, (), ())
    return Sample(span, Moment(frame, timestamp, episode.cameras, images=()))
