"""Raw spans made whole: from 0 to the episode's end, without gaps and overlaps, edges on frame times.

Where two spans overlap, the one that starts later has the overlap, and the longer goes on behind it. A gap
is closed in its middle. A span that is too short goes to a neighbour. Whatever is changed is counted.
"""

from collections import Counter
from itertools import pairwise
from typing import Any

from pgen.errors import SampleError
from pgen.records import Episode, Skill
from pgen_segment.spans.parse import Edges, Stretch, read

SHORTEST = 0.3
"""Seconds: less than any skill of an arm takes, and than a person needs to see what is done."""
LONG_GAP = 1.0
"""Seconds from which on a gap may be a pause, and not only untidy edges: the length of the shortest skills."""
IDLE = "idle"
_SLACK = 1e-3
"""Seconds by which float32 timestamps make a span look shorter than it is."""


def make_whole(raw: Any, episode: Episode, changes: Counter[str], *, keep_idle: bool = False) -> tuple[Skill, ...]:
    """The episode's spans from raw ones (schema `segments`, or an object with them under `skills`).

    `changes` counts what was done; `keep_idle` names long gaps `idle`. Raises SampleError for an episode
    without frames, or where no span can be read.
    """
    if not episode.timestamps:
        raise SampleError("decode", "the episode has no frames.")
    edges = Edges(episode)
    inside = _inside(read(raw, episode, changes), edges, changes)
    whole = _without_gaps(_disjoint(inside, changes), edges, keep_idle, changes)
    return tuple(Skill(s.name, edges.time(s.start), edges.time(s.stop)) for s in _long_enough(whole, edges, changes))


def _inside(found: list[Stretch], edges: Edges, changes: Counter[str]) -> list[Stretch]:
    """Sorted, the right way round, and inside the episode."""
    upright = [s if s.start <= s.stop else Stretch(s.name, s.stop, s.start) for s in found]
    _count(changes, "spans that end before they start: turned round", sum(s.start > s.stop for s in found))
    _count(changes, "episodes with spans out of order: sorted", upright != sorted(upright, key=_order))
    clipped = []
    for s in sorted(upright, key=_order):
        start, stop = min(max(s.start, 0), edges.frames), min(max(s.stop, 0), edges.frames)
        if start < stop:
            clipped.append(Stretch(s.name, start, stop))
            _count(changes, "spans reaching beyond their episode: clipped", (start, stop) != (s.start, s.stop))
    _count(changes, "spans outside their episode or empty: dropped", len(found) - len(clipped))
    if not clipped:
        raise SampleError("schema", "no span lies inside the episode.")
    return clipped


def _order(stretch: Stretch) -> tuple[int, int, str]:
    return stretch.start, -stretch.stop, stretch.name


def _disjoint(found: list[Stretch], changes: Counter[str]) -> list[Stretch]:
    """Each frame goes to the span that starts last of those that cover it; of several, to the shortest."""
    cuts = sorted({cut for s in found for cut in (s.start, s.stop)})
    parts: list[tuple[int, Stretch]] = []
    for start, stop in pairwise(cuts):
        owner = max((i for i, s in enumerate(found) if s.start <= start and stop <= s.stop), default=None)
        if owner is None:
            continue
        if parts and parts[-1][0] == owner and parts[-1][1].stop == start:
            start = parts.pop()[1].start
        parts.append((owner, Stretch(found[owner].name, start, stop)))
    _count(changes, "overlapping spans: cut", sum(span not in parts for span in enumerate(found)))
    return [part for _, part in parts]


def _without_gaps(found: list[Stretch], edges: Edges, keep_idle: bool, changes: Counter[str]) -> list[Stretch]:
    """Gaps closed in their middle, those at an end of the episode by the span beside them."""
    ends = [Stretch("", 0, 0), *found, Stretch("", edges.frames, edges.frames)]
    joints = [(left.stop, right.start) for left, right in pairwise(ends)]
    pauses = [Stretch(IDLE, *joint) for joint in joints if keep_idle and edges.between(*joint) >= LONG_GAP]
    _count(changes, "long gaps: named idle", len(pauses))
    _count(changes, "gaps: closed", sum(start < stop for start, stop in joints) - len(pauses))
    idle = {(pause.start, pause.stop) for pause in pauses}
    closed = [joint if joint in idle else _closed(*joint, edges) for joint in joints]
    spans = [Stretch(s.name, left[1], right[0]) for s, (left, right) in zip(found, pairwise(closed), strict=True)]
    return sorted([*spans, *pauses], key=_order)


def _closed(start: int, stop: int, edges: Edges) -> tuple[int, int]:
    if start == 0 or stop == edges.frames:
        return (0, 0) if start == 0 else (stop, stop)
    middle = edges.nearest((edges.time(start) + edges.time(stop)) / 2)
    return middle, middle


def _long_enough(found: list[Stretch], edges: Edges, changes: Counter[str]) -> list[Stretch]:
    """The shortest span goes to a neighbour until none is too short: to one of its own name, else to the longer."""
    found = list(found)
    while len(found) > 1:
        lengths = [edges.between(s.start, s.stop) for s in found]
        short = min(range(len(found)), key=lengths.__getitem__)
        if lengths[short] >= SHORTEST - _SLACK:
            break
        changes[f"spans under {SHORTEST} s: merged into a neighbour"] += 1
        beside = [i for i in (short - 1, short + 1) if 0 <= i < len(found)]
        to = max(beside, key=lambda i: (found[i].name == found[short].name, found[i].name != IDLE, lengths[i], -i))
        others = [i for i in beside if i != to and found[i].name == found[to].name]
        joined = sorted([short, to, *others])
        start, stop = found[joined[0]].start, found[joined[-1]].stop
        found[joined[0] : joined[-1] + 1] = [Stretch(found[to].name, start, stop)]
    return found


def _count(changes: Counter[str], what: str, number: int) -> None:
    if number:
        changes[what] += number
