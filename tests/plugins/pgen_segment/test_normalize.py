"""Spans as segmenters and models write them: parsed, and normalized with each change counted."""

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
from pgen_segment.normalize import IDLE, LONG_GAP, SHORTEST, FrameSpan, normalize_spans, parse_spans

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
EPISODE = make_episode(length=60)
DROPPED = "spans without a name or usable times: dropped"
CLIPPED = "spans reaching beyond their episode: clipped"
CUT, CLOSED, MERGED = "overlapping spans: cut", "gaps: closed", "spans under 0.3 s: merged into a neighbour"


def episode_of(length: int, step: float = 0.1, first: float = 0.0) -> Episode:
    times = array("d", array("f", (first + frame * step for frame in range(length))))
    return Episode(0, "ep_000000", "tidy up", 1 / step, times, ())


def raw(*spans):
    return [{"name": name, "start": start, "end": end} for name, start, end in spans]


def normalized(*spans, episode=EPISODE, **options):
    changes = Counter()
    skills = normalize_spans(raw(*spans), episode, changes, **options)
    return [(skill.name, round(skill.start, 3), round(skill.end, 3)) for skill in skills], dict(changes)


@given(st.lists(spans | junk, max_size=8) | junk, lengths, st.sampled_from([0.05, 0.1, 1 / 3]), st.booleans())
def test_spans_cover_the_episode_and_are_unchanged_when_normalized_again(value, length, step, keep_idle):
    episode = episode_of(length, step)
    try:
        skills = normalize_spans(value, episode, Counter(), keep_idle=keep_idle)
    except SampleError:
        return
    assert (skills[0].start, skills[-1].end) == (0.0, episode.timestamps[-1] + step)
    assert all(left.end == right.start for left, right in pairwise(skills))
    assert {skill.start for skill in skills[1:]} <= set(episode.timestamps)
    assert len(skills) == 1 or all(skill.end - skill.start >= SHORTEST - 2e-3 for skill in skills)
    changes = Counter()
    again = {"skills": raw(*((skill.name, skill.start, skill.end) for skill in skills))}
    assert normalize_spans(again, episode, changes, keep_idle=keep_idle) == skills
    assert not changes


@given(st.lists(spans, min_size=1, max_size=8), st.randoms(), lengths, st.booleans())
def test_the_order_of_spans_does_not_matter_and_no_name_is_invented(value, random, length, keep_idle):
    def normalized_or_stage(spans):
        try:
            return normalize_spans(spans, episode_of(length), Counter(), keep_idle=keep_idle)
        except SampleError as error:
            return error.stage

    result = normalized_or_stage(value)
    assert normalized_or_stage(random.sample(value, len(value))) == result
    if not isinstance(result, str):
        names = {span["name"] for span in value} | ({IDLE} if keep_idle else set())
        assert {skill.name for skill in result} <= names


@pytest.mark.parametrize(
    ("spans", "expected", "changes"),
    [
        ([("a", 0, 2), ("a", 2, 6)], [("a", 0, 2), ("a", 2, 6)], {}),
        ([("b", 6, 2.5), ("a", 0, 2.5)], [("a", 0, 2.5), ("b", 2.5, 6)],
         {"spans that end before they start: turned round": 1, "episodes with spans out of order: sorted": 1}),
        ([("a", -1, 2.5), ("b", 2.5, 9.5), ("c", 9.5, 12.5)], [("a", 0, 2.5), ("b", 2.5, 6)],
         {CLIPPED: 2, "spans outside their episode or empty: dropped": 1}),
        ([("a", 0, 3), ("b", 2, 6)], [("a", 0, 2), ("b", 2, 6)], {CUT: 1}),
        ([("a", 0, 6), ("b", 2, 3)], [("a", 0, 2), ("b", 2, 3), ("a", 3, 6)], {CUT: 1}),
        ([("a", 0, 6), ("a", 0, 6)], [("a", 0, 6)], {CUT: 1}),
        ([("a", 0.5, 2), ("b", 4, 5)], [("a", 0, 3), ("b", 3, 6)], {CLOSED: 3}),
        ([("a", 0, 2), ("b", 2, 2.2), ("c", 2.2, 6)], [("a", 0, 2), ("c", 2, 6)], {MERGED: 1}),
        ([("a", 0, 2), ("b", 2, 2.2), ("a", 2.2, 6)], [("a", 0, 6)], {MERGED: 1}),
        ([("a", 0, 2.54), ("b", 2.54, 6)], [("a", 0, 2.5), ("b", 2.5, 6)],
         {"edges between frames: moved to a frame's time": 2}),
        ([("a", 0, 25), ("b", 25, 59)], [("a", 0, 2.5), ("b", 2.5, 6)],
         {"episodes with times in frames: read as such": 1, CLOSED: 1}),
        ([("a", 0, 3), ("b", 3, 7)], [("a", 0, 3), ("b", 3, 6)], {CLIPPED: 1}),
        ([("a", 0, 6.0), ("", 1, 2), ("b", "later", 3), ("c", 10**400, 3)], [("a", 0, 6)], {DROPPED: 3}),
    ],
)  # fmt: skip
def test_each_change_is_made_and_counted(spans, expected, changes):
    assert normalized(*spans) == (expected, changes)


@pytest.mark.parametrize(
    "time", [2.5, "2.5", " 2.5 s", "2.5 seconds", "00:02.5", "0:02.5", "00:00:02.5", "frame 25", "F25"]
)
def test_a_time_may_be_written_in_many_ways(time):
    parsed = parse_spans(raw(("a", 0, time), ("b", time, 6.0)), EPISODE, Counter())
    assert parsed == [FrameSpan("a", 0, 25), FrameSpan("b", 25, 60)]


def test_minutes_and_seconds_reach_into_a_long_episode():
    long = raw(("a", "00:00", "01:30"), ("b", "01:30", "10:00"))
    assert [span.stop for span in parse_spans(long, make_episode(length=6000), Counter())] == [900, 6000]


@pytest.mark.parametrize(
    ("spans", "reason"),
    [
        (None, "None is not of type 'array'"),
        ([], "there is no span: the list is empty"),
        ({"skills": []}, "there is no span"),
        (json.dumps(raw(("a", 0, 1))), "is not of type 'array'"),
        ([{"name": "a", "start": 0}], "'end' is a required property"),
        (raw(("a", "soon", "later")), "'soon' to 'later': these are no times"),
        (raw(("a", 7, 9)), "no span lies inside the episode"),
    ],
)
def test_input_without_a_usable_span_fails_with_a_reason(spans, reason):
    with pytest.raises(SampleError, match=reason):
        normalize_spans(spans, EPISODE, Counter())


def test_a_long_gap_becomes_idle_on_request():
    skills, changes = normalized(("a", 0.5, 2), ("b", 2 + LONG_GAP, 6.0), keep_idle=True)
    assert skills == [("a", 0, 2), ("idle", 2, 3), ("b", 3, 6.0)]
    assert changes == {CLOSED: 1, "long gaps: named idle": 1}


def test_the_ends_of_unusual_episodes():
    assert normalized(("a", 0, 3), ("b", 3, 7), episode=episode_of(1))[0] == [("a", 0, 0.1)]
    skills, _ = normalized(("a", 0, 2), ("b", 2, 6), episode=episode_of(60, first=0.05))
    assert (skills[0][1], skills[-1][2]) == (0.0, 6.05)
    with pytest.raises(SampleError, match="no frames"):
        normalized(("a", 0, 1), episode=episode_of(0))
