"""Normalization of spans: properties that hold for any input, and each change by itself."""

from array import array
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.errors import SampleError
from pgen.records import Episode
from pgen.testing import make_episode
from pgen_segment.normalize import IDLE, LONG_GAP, SHORTEST, normalize_spans

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


def normalized(raw, episode=None, **options):
    changes = Counter()
    skills = normalize_spans(raw, episode or make_episode(length=60), changes, **options)
    return [(skill.name, round(skill.start, 3), round(skill.end, 3)) for skill in skills], dict(changes)


def raw(*spans):
    return [{"name": name, "start": start, "end": end} for name, start, end in spans]


@given(st.lists(spans | junk, max_size=8) | junk, lengths, steps, st.booleans())
def test_spans_cover_the_episode_and_stay_as_they_are_when_normalized_again(given_spans, length, step, keep_idle):
    episode = episode_of(length, step)
    try:
        skills = normalize_spans(given_spans, episode, Counter(), keep_idle=keep_idle)
    except SampleError:
        return
    assert skills[0].start == 0.0
    assert skills[-1].end == episode.timestamps[-1] + step
    assert all(left.end == right.start for left, right in pairwise(skills))
    assert {skill.start for skill in skills[1:]} <= set(episode.timestamps)
    assert len(skills) == 1 or all(skill.end - skill.start >= SHORTEST - 2e-3 for skill in skills)
    changes = Counter()
    again = raw(*((skill.name, skill.start, skill.end) for skill in skills))
    assert normalize_spans(again, episode, changes, keep_idle=keep_idle) == skills
    assert not changes


@given(st.lists(spans, min_size=1, max_size=8), st.randoms(), lengths, st.booleans())
def test_the_order_of_spans_does_not_matter_and_no_name_is_invented(given_spans, random, length, keep_idle):
    def normalized_or_stage(spans):
        try:
            return normalize_spans(spans, episode_of(length), Counter(), keep_idle=keep_idle)
        except SampleError as error:
            return error.stage

    result = normalized_or_stage(given_spans)
    assert normalized_or_stage(random.sample(given_spans, len(given_spans))) == result
    if not isinstance(result, str):
        names = {span["name"] for span in given_spans} | ({IDLE} if keep_idle else set())
        assert {skill.name for skill in result} <= names


@pytest.mark.parametrize(
    ("given_spans", "expected", "changes"),
    [
        ([("a", 0, 2.5), ("b", 2.5, 6)], [("a", 0, 2.5), ("b", 2.5, 6)], {}),
        ([("a", 0, 2), ("a", 2, 6)], [("a", 0, 2), ("a", 2, 6)], {}),
        (
            [("b", 6, 2.5), ("a", 0, 2.5)],
            [("a", 0, 2.5), ("b", 2.5, 6)],
            {"spans that end before they start: turned round": 1, "episodes with spans out of order: sorted": 1},
        ),
        (
            [("a", -1, 2.5), ("b", 2.5, 9.5), ("c", 9.5, 12.5)],
            [("a", 0, 2.5), ("b", 2.5, 6)],
            {
                "spans reaching beyond their episode: clipped": 2,
                "spans outside their episode or empty: dropped": 1,
            },
        ),
        ([("a", 0, 3), ("b", 2, 6)], [("a", 0, 2), ("b", 2, 6)], {"overlapping spans: cut": 1}),
        ([("a", 0, 6), ("b", 2, 3)], [("a", 0, 2), ("b", 2, 3), ("a", 3, 6)], {"overlapping spans: cut": 1}),
        ([("a", 0, 6), ("a", 0, 6)], [("a", 0, 6)], {"overlapping spans: cut": 1}),
        ([("a", 0.5, 2), ("b", 4, 5)], [("a", 0, 3), ("b", 3, 6)], {"gaps: closed": 3}),
        (
            [("a", 0, 2), ("b", 2, 2.2), ("c", 2.2, 6)],
            [("a", 0, 2), ("c", 2, 6)],
            {"spans under 0.3 s: merged into a neighbour": 1},
        ),
        (
            [("a", 0, 2), ("b", 2, 2.2), ("a", 2.2, 6)],
            [("a", 0, 6)],
            {"spans under 0.3 s: merged into a neighbour": 1},
        ),
        (
            [("a", 0, 2.54), ("b", 2.54, 6)],
            [("a", 0, 2.5), ("b", 2.5, 6)],
            {"edges between frames: moved to a frame's time": 2},
        ),
        (
            [("a", 0, 25), ("b", 25, 59)],
            [("a", 0, 2.5), ("b", 2.5, 6)],
            {"episodes with times in frames: read as such": 1, "gaps: closed": 1},
        ),
        ([("a", 0, 3), ("b", 3, 7)], [("a", 0, 3), ("b", 3, 6)], {"spans reaching beyond their episode: clipped": 1}),
    ],
    ids=[
        "complete", "neighbours of one name", "reversed", "beyond the episode", "overlap", "inside another", "twice",
        "gaps",
        "too short", "too short between two of one name", "between frames", "times in frames", "a little too long",
    ],
)  # fmt: skip
def test_each_change_is_made_and_counted(given_spans, expected, changes):
    assert normalized(raw(*given_spans)) == (expected, changes)


def test_an_object_with_skills_is_read_as_its_skills():
    assert normalized({"skills": raw(("a", 0, 6.0))})[0] == [("a", 0, 6.0)]


def test_a_long_gap_becomes_idle_where_that_is_kept():
    skills, changes = normalized(raw(("a", 0.5, 2), ("b", 2 + LONG_GAP, 6.0)), keep_idle=True)
    assert skills == [("a", 0, 2), ("idle", 2, 3), ("b", 3, 6.0)]
    assert changes == {"gaps: closed": 1, "long gaps: named idle": 1}


def test_an_episode_of_one_frame_is_one_span():
    skills, _ = normalized(raw(("a", 0, 3), ("b", 3, 7)), episode_of(1))
    assert skills == [("a", 0, 0.1)]


def test_spans_begin_at_zero_where_the_first_timestamp_does_not():
    skills, _ = normalized(raw(("a", 0, 2), ("b", 2, 6)), episode_of(60, first=0.05))
    assert (skills[0][1], skills[-1][2]) == (0.0, 6.05)


def test_an_episode_without_frames_fails_with_a_reason():
    with pytest.raises(SampleError, match="no frames"):
        normalized(raw(("a", 0, 1)), episode_of(0))
