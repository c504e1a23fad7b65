"""Move edges to change points: for spans whose names are right and whose times are estimates."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from pgen.records import Skill

WITHIN = 0.5
"""Seconds: half the length of the shortest skills, so that an edge hardly ever moves past one."""


def snap(skills: Sequence[Skill], points: Sequence[float], within: float = WITHIN) -> list[Skill]:
    """Return normalized spans with the edges between them at change points; none is lost, some may become short."""
    if not skills:
        return []
    edges = [skills[0].start, *snapped([skill.start for skill in skills[1:]], points, within), skills[-1].end]
    return [replace(skill, start=a, end=b) for skill, (a, b) in zip(skills, pairwise(edges), strict=True)]


def snapped(edges: Sequence[float], points: Sequence[float], within: float = WITHIN) -> list[float]:
    """Return each edge at the change point nearest to it, where there is one within so many seconds.

    Both are ascending, and so is the result. The nearest pairs come first; a point takes one edge, and no
    edge moves past another. An edge without a point stays where it is.
    """
    pairs = [
        (abs(points[point] - edge), position, points[point])
        for position, edge in enumerate(edges)
        for point in range(bisect_left(points, edge - within), bisect_right(points, edge + within))
    ]
    moved = [float("-inf"), *edges, float("inf")]
    done: set[int] = set()
    for _, position, point in sorted(pairs):
        if position not in done and moved[position] < point < moved[position + 2]:
            moved[position + 1] = point
            done.add(position)
    return moved[1:-1]
