import json
from collections import Counter

import pytest

from pgen.errors import SampleError
from pgen.testing import make_episode
from pgen_segment.normalize import FrameSpan, normalize_spans, parse_spans


def raw(*spans):
    return [{"name": name, "start": start, "end": end} for name, start, end in spans]


@pytest.mark.parametrize(
    "time", [2.5, "2.5", " 2.5 s", "2.5 seconds", "00:02.5", "0:02.5", "00:00:02.5", "frame 25", "F25"]
)
def test_a_time_may_be_written_in_many_ways(time):
    spans = parse_spans(raw(("a", 0, time), ("b", time, 6.0)), make_episode(length=60), Counter())
    assert spans == [FrameSpan("a", 0, 25), FrameSpan("b", 25, 60)]


def test_minutes_and_seconds_reach_into_a_long_episode():
    spans = raw(("a", "00:00", "01:30"), ("b", "01:30", "10:00"))
    assert [span.stop for span in parse_spans(spans, make_episode(length=6000), Counter())] == [900, 6000]


def test_unusable_spans_are_dropped_and_counted():
    changes = Counter()
    spans = [*raw(("a", 0, 6.0), ("", 1, 2), ("b", "later", 3), ("c", 10**400, 3)), None]
    assert parse_spans(spans, make_episode(length=60), changes) == [FrameSpan("a", 0, 60)]
    assert changes == {"spans without a name or usable times: dropped": 4}


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
        normalize_spans(spans, make_episode(length=60), Counter())
