"""Normalize skill spans to sorted, disjoint ones, and assign the frames of an episode to them.

A span is half-open, [start, end); the last one includes the episode's end. Where two spans overlap, the one that
starts later has the overlap. What no span covers stays uncovered.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from math import isfinite

from pgen.records import Episode, Skill

SLACK = 1e-3
"""Seconds by which a frame may lie before a span and still be in it, at most a tenth of a frame: float32 timestamps
and rounded spans give slightly different numbers for the same time."""


def normalize(spans: Iterable[Skill], timestamps: array[float], fps: float, repairs: Counter[str]) -> tuple[Skill, ...]:
    """Return sorted, disjoint spans inside the episode, and count the changes in `repairs`."""
    end_of_episode = (timestamps[-1] if timestamps else 0.0) + 1.0 / fps
    usable = [span for span in (_with_valid_times(span, repairs) for span in spans) if span is not None]
    if usable != sorted(usable, key=_order):
        repairs["episodes with skills out of order: sorted"] += 1
    clipped = [_clip(span, end_of_episode, repairs) for span in sorted(usable, key=_order)]
    return _disjoint([span for span in clipped if span is not None], repairs)


def frame_ranges(episode: Episode) -> list[range]:
    """Return the frames of each span, in the order of `episode.skills`; a range may be empty."""
    if not episode.timestamps:
        return [range(0)] * len(episode.skills)
    slack = min(SLACK, 0.1 / episode.fps)
    edges = [bisect_left(episode.timestamps, span.start - slack) for span in episode.skills]
    ranges = []
    for start, span in zip(edges, episode.skills, strict=True):
        closed = span is episode.skills[-1] and span.end >= episode.timestamps[-1] - slack
        stop = len(episode.timestamps) if closed else bisect_left(episode.timestamps, span.end - slack)
        ranges.append(range(start, max(stop, start)))
    return ranges


def phase_positions(episode: Episode) -> tuple[tuple[int, int], ...]:
    """Return the positions [start, stop) of the skills of each phase: of those whose middle lies in it.

    A skill in no phase is one of its own. Empty for an episode without phases.
    """
    if not episode.phases:
        return ()
    starts = [phase.start for phase in episode.phases]
    owners = []
    for position, skill in enumerate(episode.skills):
        middle = (skill.start + skill.end) / 2
        phase = bisect_right(starts, middle) - 1
        owners.append(phase if phase >= 0 and middle < episode.phases[phase].end else -1 - position)
    groups = ([position for position, _ in group] for _, group in groupby(enumerate(owners), lambda pair: pair[1]))
    return tuple((group[0], group[-1] + 1) for group in groups)


def _order(span: Skill) -> tuple[float, float]:
    return span.start, span.end


def _with_valid_times(span: Skill, repairs: Counter[str]) -> Skill | None:
    if not (isfinite(span.start) and isfinite(span.end)):
        repairs["skills without finite times: dropped"] += 1
        return None
    if not span.name.strip():
        repairs["skills without a name: dropped"] += 1
        return None
    if span.end < span.start:
        repairs["skills that end before they start: turned round"] += 1
        return replace(span, name=span.name.strip(), start=span.end, end=span.start)
    return span if span.name == span.name.strip() else replace(span, name=span.name.strip())


def _clip(span: Skill, end_of_episode: float, repairs: Counter[str]) -> Skill | None:
    within = span.end <= end_of_episode + SLACK
    start, end = max(span.start, 0.0), span.end if within else end_of_episode
    if start >= min(end, end_of_episode):
        reason = "skills outside their episode: dropped" if span.end > span.start else "empty skills: dropped"
        repairs[reason] += 1
        return None
    if within and span.start >= 0.0:
        return span
    repairs["skills reaching beyond their episode: clipped"] += 1
    return replace(span, start=start, end=end)


def _disjoint(spans: list[Skill], repairs: Counter[str]) -> tuple[Skill, ...]:
    done: list[Skill] = []
    for span in spans:
        if done and done[-1].end > span.start:
            earlier = done.pop()
            repairs["overlapping skills: the earlier one cut"] += 1
            if earlier.start < span.start:
                done.append(replace(earlier, end=span.start))
        done.append(span)
    return tuple(done)
