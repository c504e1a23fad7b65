"""Raw spans made whole: what holds for whatever a model writes, and each repair by itself."""

import json
from array import array
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.errors import SampleError
from pgen.records import Episode
from pgen.testing import make_episode
from pgen_segment.spans.normalise import IDLE, LONG_GAP, SHORTEST, make_whole

names = st.sampled_from(["reach", "grasp", "lift", "place the cup"])
seconds = st.one_of(st.floats(-5, 30), st.integers(-3, 30), st.just(0.0))
texts = st.one_of(
    seconds.map(lambda s: f"{s:.2f}"),
    st.tuples(st.integers(0, 2), st.floats(0, 59.9)).map(lambda t: f"{t[0]:02d}:{t[1]:04.1f}"),
    st.integers(0, 300).map(lambda frame: f"frame {frame}"),
)
spans = st.fixed_dictionaries({"name": names, "start": seconds | texts, "end": seconds | texts})
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "start", "end"]), inner),
    max_leaves=12,
)
lengths = st.integers(1, 120)
steps = st.sampled_from([0.05, 0.1, 1 / 3])


def episode_of(length: int, step: float = 0.1, first: float = 0.0) -> Episode:
    times = array("d", array("f", (first + frame * step for frame in range(length))))
    return Episode(0, "ep_000000", "tidy up", 1 / step, times, ())


def whole(raw, episode=None, **options):
    changes = Counter()
    found = make_whole(raw, episode or make_episode(length=60), changes, **options)
    return [(span.name, round(span.start, 3), round(span.end, 3)) for span in found], dict(changes)


def told(*spans):
    return [{"name": name, "start": start, "end": end} for name, start, end in spans]


@given(st.lists(spans | junk, max_size=8) | junk, lengths, steps, st.booleans())
def test_spans_cover_the_episode_from_zero_to_its_end_or_it_fails(raw, length, step, keep_idle):
    episode = episode_of(length, step)
    try:
        found = make_whole(raw, episode, Counter(), keep_idle=keep_idle)
    except SampleError:
        return
    assert found[0].start == 0.0
    assert found[-1].end == episode.timestamps[-1] + step
    assert all(left.end == right.start for left, right in pairwise(found))
    assert {span.start for span in found[1:]} <= set(episode.timestamps)
    assert len(found) == 1 or all(span.end - span.start >= SHORTEST - 2e-3 for span in found)


@given(st.lists(spans, min_size=1, max_size=8), lengths, steps, st.booleans())
def test_whole_spans_stay_as_they_are(raw, length, step, keep_idle):
    episode = episode_of(length, step)
    try:
        found = make_whole(raw, episode, Counter(), keep_idle=keep_idle)
    except SampleError:
        return
    changes = Counter()
    again = make_whole(told(*((s.name, s.start, s.end) for s in found)), episode, changes, keep_idle=keep_idle)
    assert again == found
    assert not changes


@given(st.lists(spans, min_size=1, max_size=6), st.randoms(), lengths)
def test_the_order_of_raw_spans_does_not_matter(raw, random, length):
    def made(spans):
        try:
            return make_whole(spans, episode_of(length), Counter())
        except SampleError as failed:
            return failed.stage

    assert made(random.sample(raw, len(raw))) == made(raw)


@given(st.lists(spans, min_size=1, max_size=8), lengths, st.booleans())
def test_no_name_is_made_up_but_idle_and_that_only_where_it_is_kept(raw, length, keep_idle):
    try:
        found = make_whole(raw, episode_of(length), Counter(), keep_idle=keep_idle)
    except SampleError:
        return
    allowed = {span["name"] for span in raw} | ({IDLE} if keep_idle else set())
    assert {span.name for span in found} <= allowed


def test_spans_that_are_whole_change_nothing():
    assert whole(told(("a", 0, 2.5), ("b", 2.5, 6.0))) == ([("a", 0, 2.5), ("b", 2.5, 6.0)], {})


def test_an_object_with_skills_is_taken_for_its_skills():
    assert whole({"skills": told(("a", 0, 6.0))})[0] == [("a", 0, 6.0)]


def test_spans_are_sorted_and_turned_round():
    found, changes = whole(told(("b", 6.0, 2.5), ("a", 0, 2.5)))
    assert found == [("a", 0, 2.5), ("b", 2.5, 6.0)]
    assert changes == {
        "spans that end before they start: turned round": 1,
        "episodes with spans out of order: sorted": 1,
    }


def test_what_lies_beyond_the_episode_is_clipped_or_dropped():
    found, changes = whole(told(("a", -1, 2.5), ("b", 2.5, 9.5), ("c", 9.5, 12.5)))
    assert found == [("a", 0, 2.5), ("b", 2.5, 6.0)]
    assert changes == {
        "spans reaching beyond their episode: clipped": 2,
        "spans outside their episode or empty: dropped": 1,
    }


def test_an_overlap_goes_to_the_later_span():
    assert whole(told(("a", 0, 3), ("b", 2, 6.0))) == (
        [("a", 0, 2), ("b", 2, 6.0)],
        {"overlapping spans: cut": 1},
    )


def test_a_span_goes_on_behind_one_that_lies_inside_it():
    assert whole(told(("a", 0, 6.0), ("b", 2, 3)))[0] == [("a", 0, 2), ("b", 2, 3), ("a", 3, 6.0)]


def test_gaps_are_closed_in_their_middle_and_at_the_ends_by_the_span_beside_them():
    found, changes = whole(told(("a", 0.5, 2), ("b", 4, 5)))
    assert found == [("a", 0, 3), ("b", 3, 6.0)]
    assert changes == {"gaps: closed": 3}


def test_a_long_gap_becomes_idle_where_that_is_kept():
    found, changes = whole(told(("a", 0.5, 2), ("b", 2 + LONG_GAP, 6.0)), keep_idle=True)
    assert found == [("a", 0, 2), ("idle", 2, 3), ("b", 3, 6.0)]
    assert changes == {"gaps: closed": 1, "long gaps: named idle": 1}


def test_a_short_span_goes_to_the_longer_neighbour():
    found, changes = whole(told(("a", 0, 2), ("b", 2, 2.2), ("c", 2.2, 6.0)))
    assert found == [("a", 0, 2), ("c", 2, 6.0)]
    assert changes == {"spans under 0.3 s: merged into a neighbour": 1}


def test_two_spans_of_one_name_are_joined_by_the_short_one_between_them():
    assert whole(told(("a", 0, 2), ("b", 2, 2.2), ("a", 2.2, 6.0)))[0] == [("a", 0, 6.0)]


def test_neighbours_of_one_name_stay_apart():
    assert len(whole(told(("a", 0, 2), ("a", 2, 6.0)))[0]) == 2


def test_an_edge_between_frames_moves_to_the_nearest_frame():
    found, changes = whole(told(("a", 0, 2.54), ("b", 2.54, 6.0)))
    assert found == [("a", 0, 2.5), ("b", 2.5, 6.0)]
    assert changes == {"edges between frames: moved to a frame's time": 2}


@pytest.mark.parametrize(
    "time", [2.5, "2.5", " 2.5 s", "2.5 seconds", "00:02.5", "0:02.5", "00:00:02.5", "frame 25", "F25"]
)
def test_a_time_may_be_written_in_many_ways(time):
    assert whole(told(("a", 0, time), ("b", time, 6.0)))[0] == [("a", 0, 2.5), ("b", 2.5, 6.0)]


def test_minutes_and_seconds_reach_into_a_long_episode():
    minutes = episode_of(6000)
    found, _ = whole(told(("a", "00:00", "01:30"), ("b", "01:30", "10:00")), minutes)
    assert found == [("a", 0, 90), ("b", 90, 600)]


def test_whole_numbers_that_fit_only_as_frames_count_frames():
    found, changes = whole(told(("a", 0, 25), ("b", 25, 59)))
    assert found == [("a", 0, 2.5), ("b", 2.5, 6.0)]
    assert changes["episodes with times in frames: read as such"] == 1


def test_whole_numbers_a_little_beyond_the_end_stay_seconds():
    assert whole(told(("a", 0, 3), ("b", 3, 7)))[0] == [("a", 0, 3), ("b", 3, 6.0)]


def test_an_episode_of_one_frame_is_one_span():
    assert whole(told(("a", 0, 3), ("b", 3, 7)), episode_of(1)) == (
        [("a", 0, 0.1)],
        {"spans outside their episode or empty: dropped": 1, "spans reaching beyond their episode: clipped": 1},
    )


def test_spans_begin_at_zero_where_the_first_timestamp_does_not():
    found, _ = whole(told(("a", 0, 2), ("b", 2, 6)), episode_of(60, first=0.05))
    assert (found[0][1], found[-1][2]) == (0.0, 6.05)


def test_what_is_no_span_is_dropped_and_counted():
    found, changes = whole([*told(("a", 0, 6.0), ("", 1, 2), ("b", "later", 3), ("c", 10**400, 3)), None])
    assert found == [("a", 0, 6.0)]
    assert changes == {"spans without a name or usable times: dropped": 4}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "None is not of type 'array'"),
        ([], "there is no span: the list is empty"),
        ({"skills": []}, "there is no span"),
        (json.dumps(told(("a", 0, 1))), "is not of type 'array'"),
        ([{"name": "a", "start": 0}], "'end' is a required property"),
        (told(("a", "soon", "later")), "'soon' to 'later': these are no times"),
        (told(("a", 7, 9)), "no span lies inside the episode"),
    ],
)
def test_nothing_to_read_fails_with_a_reason(raw, reason):
    with pytest.raises(SampleError, match=reason):
        whole(raw)


def test_an_episode_without_frames_fails_with_a_reason():
    with pytest.raises(SampleError, match="no frames"):
        whole(told(("a", 0, 1)), episode_of(0))
