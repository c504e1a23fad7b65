"""Scores of spans against a reference."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.records import Skill
from pgen_segment.scoring import count_matches, edges, score

cuts = st.lists(st.integers(1, 99), unique=True, max_size=6).map(sorted)
words = st.sampled_from(["reach", "pick up the cup", "place the cup"])


@st.composite
def spans(draw):
    times = [0, *draw(cuts), 100]
    return [Skill(draw(words), a / 10, b / 10) for a, b in pairwise(times)]


sets = st.dictionaries(st.integers(0, 5), spans(), min_size=1)


def skills(*spans):
    return [Skill(*span) for span in spans]


TRUE = {0: skills(("reach", 0, 2), ("grasp the cup", 2, 3), ("lift the cup", 3, 5))}


@given(sets)
def test_what_is_the_same_agrees_in_everything(reference):
    result = score(reference, reference)
    figures = [result.mean_iou, result.same_label, result.token_overlap, result.same_frames]
    assert figures == pytest.approx([1.0] * 4)
    assert all((b.precision, b.recall, b.f1) == (1.0, 1.0, 1.0) for b in result.boundaries)


@given(sets, sets)
def test_every_figure_lies_between_none_and_all_and_grows_with_the_tolerance(predicted, reference):
    result = score(predicted, reference)
    figures = [result.mean_iou, result.same_label, result.token_overlap, result.same_frames]
    figures += [each for b in result.boundaries for each in (b.precision, b.recall, b.f1)]
    assert all(0.0 <= figure <= 1.0 + 1e-9 for figure in figures)
    assert [b.recall for b in result.boundaries] == sorted(b.recall for b in result.boundaries)


@given(cuts, cuts, st.integers(0, 20))
def test_edges_are_matched_one_to_one_as_often_as_possible(predicted, expected, tolerance):
    def most(ours, theirs):
        if not ours:
            return 0
        pairs = [1 + most(ours[1:], theirs[i + 1 :]) for i, t in enumerate(theirs) if abs(ours[0] - t) <= tolerance]
        return max([most(ours[1:], theirs), *pairs])

    assert count_matches(predicted, expected, tolerance) == most(predicted, expected)


def test_figures_of_a_worked_example():
    assert edges(TRUE[0]) == pytest.approx([2, 3])
    predicted = {0: skills(("reach", 0, 2.4), ("grasp the mug", 2.4, 5))}
    result = score(predicted, TRUE)
    quarter, half, _ = result.boundaries
    assert (quarter.precision, quarter.recall, quarter.f1) == (0.0, 0.0, 0.0)
    assert (half.precision, half.recall) == (1.0, 0.5)
    assert half.f1 == pytest.approx(2 / 3)
    # reach: 2 of 2.4 s; grasp: 0.6 of 3 s; lift: 2 of 2.6 s.
    assert result.mean_iou == pytest.approx((2 / 2.4 + 0.6 / 3 + 2 / 2.6) / 3)
    assert result.same_label == pytest.approx(1 / 3)
    assert result.token_overlap == pytest.approx((1 + 2 / 3 + 1 / 3) / 3)
    assert result.same_frames == pytest.approx(2 / 5)


def test_an_episode_that_is_missing_agrees_in_nothing():
    result = score({7: TRUE[0]}, TRUE)
    assert (result.episodes, result.missing, result.spans) == (1, 1, 0)
    assert (result.mean_iou, result.same_label, result.same_frames) == (0, 0, 0)
    assert result.boundaries[2].recall == 0


def test_case_and_spaces_of_a_name_do_not_matter():
    assert score({0: skills((" Reach  it", 0, 5))}, {0: skills(("reach it", 0, 5))}).same_label == 1
