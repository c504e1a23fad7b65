"""Spans of robots with several arms."""

from itertools import pairwise

import numpy as np
import pytest

from pgen_segment.motion.arm_motion import Motion
from pgen_segment.motion.spans import pieces, spans

STEPS = 60
STEP = 0.1


def arm(name, *turns):
    """Return an arm that turns at these steps, and stands still from the last one on if that is negative."""
    heading = np.zeros((STEPS, 2))
    edges = [0, *(turn for turn in turns if turn >= 0), STEPS]
    for i, (start, stop) in enumerate(pairwise(edges)):
        heading[start:stop, i % 2] = 1.0
    places = np.cumsum(heading, axis=0)
    return Motion(name, list(range(STEPS)), np.arange(STEPS + 1) * STEP, STEP, places, [heading], [])


def still(name):
    nothing = np.zeros((STEPS, 2))
    return Motion(name, list(range(STEPS)), np.arange(STEPS + 1) * STEP, STEP, nothing, [nothing], [])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [((20,), (40,), [20, 40]), ((20,), (22,), [20]), ((20,), (23,), [20, 23]), ((22, 40), (20,), [20, 40])],
)
def test_edges_of_two_arms_closer_than_the_shortest_span_are_one(left, right, expected):
    cut = pieces([arm("left", *left), arm("right", *right)], 0.3)
    assert [start for start, _ in cut[1:]] == expected


def test_a_span_names_the_arms_that_move_in_it_and_is_still_where_none_does():
    first, second = spans([arm("left", 30), still("right")], 0.3)
    assert (first.arm, second.arm, first.still) == ("left", "left", False)
    (rest,) = spans([still("left"), still("right")], 0.3)
    assert (rest.arm, rest.still) == ("", True)
