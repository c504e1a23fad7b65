"""Edges moved to the times at which the arm changes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.records import Skill
from pgen_segment.vlm.rollout import WITHIN, snap, snapped

times = st.lists(st.integers(0, 200), unique=True, max_size=12).map(lambda tenths: [t / 10 for t in sorted(tenths)])


@given(times, times)
def test_edges_stay_in_order_and_move_only_to_points_within_reach(edges, points):
    moved = snapped(edges, points)
    assert all(left < right for left, right in pairwise(moved))
    for edge, at in zip(edges, moved, strict=True):
        assert at == edge or (at in points and abs(at - edge) <= WITHIN + 1e-9)
    assert snapped(points, points) == points


@pytest.mark.parametrize(
    ("edges", "points", "expected"),
    [
        ([1.0, 3.0], [0.8, 1.3, 3.4], [0.8, 3.4]),
        ([1.0, 3.0], [2.0], [1.0, 3.0]),
        ([1.0, 1.4], [1.3], [1.0, 1.3]),
    ],
    ids=["to the nearest point", "no point within reach", "a point for two edges"],
)
def test_an_edge_goes_to_the_nearest_point(edges, points, expected):
    assert snapped(edges, points) == expected


def test_whole_spans_keep_their_names_and_their_ends():
    skills = [Skill("a", 0.0, 1.0), Skill("b", 1.0, 3.0)]
    assert snap(skills, [0.1, 1.2, 2.9]) == [Skill("a", 0.0, 1.2), Skill("b", 1.2, 3.0)]
    assert snap([], [1.0]) == []
