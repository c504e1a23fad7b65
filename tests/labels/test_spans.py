from array import array
from collections import Counter
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from pgen.labels.spans import frame_ranges, normalize
from pgen.records import Episode, Skill
from pgen.testing import make_episode

times = st.floats(-5, 60, allow_nan=False) | st.just(float("nan")) | st.just(float("inf"))
spans = st.lists(st.builds(Skill, st.sampled_from(["pick", "place", " ", "wipe"]), times, times), max_size=8)
rates = st.sampled_from([1.0, 5.0, 10.0, 29.97, 30.0, 50.0, 120.0])


def clock(length: int, fps: float) -> array:
    return array("d", (frame / fps for frame in range(length)))


@given(spans, st.integers(1, 300), rates)
def test_whatever_is_written_becomes_sorted_disjoint_named_spans_inside_the_episode(found, length, fps):
    timestamps = clock(length, fps)
    done = normalize(found, timestamps, fps, Counter())
    assert all(span.start < span.end and span.name.strip() for span in done)
    assert all(before.end <= after.start for before, after in pairwise(done))
    assert all(span.start >= 0 and span.end <= timestamps[-1] + 1 / fps + 1e-3 for span in done)


@given(spans, st.integers(0, 300), rates)
def test_normalising_twice_changes_and_counts_nothing_more(found, length, fps):
    timestamps = clock(length, fps)
    once = normalize(found, timestamps, fps, Counter())
    repairs: Counter[str] = Counter()
    assert normalize(once, timestamps, fps, repairs) == once
    assert not repairs


@given(spans, st.integers(1, 300), rates)
def test_no_frame_lies_in_two_spans_and_each_lies_where_its_time_says(found, length, fps):
    timestamps = clock(length, fps)
    episode = Episode(0, "e", "t", fps, timestamps, normalize(found, timestamps, fps, Counter()))
    seen: set[int] = set()
    for span, frames in zip(episode.skills, frame_ranges(episode), strict=True):
        assert not seen.intersection(frames)
        seen.update(frames)
        assert all(span.start - 2e-3 <= timestamps[frame] <= span.end + 2e-3 for frame in frames)


@given(st.integers(1, 2000), st.integers(1, 1999), rates)
@example(3000, 54, 30.0)
def test_a_frame_at_a_boundary_belongs_to_the_span_that_starts_there_though_times_are_float32(length, edge, fps):
    timestamps = array("d", array("f", (frame / fps for frame in range(length))))
    edge = min(edge, length - 1)
    boundary = round(edge / fps, 4)
    episode = Episode(0, "e", "t", fps, timestamps, (Skill("a", 0.0, boundary), Skill("b", boundary, length / fps)))
    first, second = frame_ranges(episode)
    assert (first, second) == (range(edge), range(edge, length))


def test_the_last_span_has_the_frame_at_the_episodes_very_end():
    episode = make_episode(("a", 0.0, 1.0), ("b", 1.0, 2.0), length=21)
    assert frame_ranges(episode) == [range(10), range(10, 21)]


def test_a_last_span_that_ends_early_does_not_have_the_frame_at_its_end():
    episode = make_episode(("a", 0.0, 1.0), length=21)
    assert frame_ranges(episode) == [range(10)]


def test_repairs_are_counted_by_what_was_wrong():
    repairs: Counter[str] = Counter()
    wild = [
        Skill("late", 3.0, 9.0),
        Skill("turned", 2.0, 1.0),
        Skill("empty", 1.0, 1.0),
        Skill("first", -1.0, 1.5),
        Skill("gone", 50.0, 60.0),
        Skill("odd", float("nan"), 1.0),
        Skill("  ", 0.0, 1.0),
    ]
    assert normalize(wild, clock(50, 10.0), 10.0, repairs) == (
        Skill("first", 0.0, 1.0),
        Skill("turned", 1.0, 2.0),
        Skill("late", 3.0, 5.0),
    )
    assert repairs == {
        "episodes with skills out of order: sorted": 1,
        "skills that end before they start: turned round": 1,
        "empty skills: dropped": 1,
        "skills outside their episode: dropped": 1,
        "skills without finite times: dropped": 1,
        "skills without a name: dropped": 1,
        "skills reaching beyond their episode: clipped": 2,
        "overlapping skills: the earlier one cut": 1,
    }
