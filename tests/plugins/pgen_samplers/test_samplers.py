"""The moments of `segments`: the first frame of each span, and more inside long ones."""

import pytest

from pgen.testing import check_sampler, make_episode
from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform


@pytest.mark.parametrize("sampler", [Segments(), Segments(interval=2.0), Interval(), Uniform(), EveryFrame()], ids=repr)
def test_every_sampler_keeps_the_contract(sampler):
    check_sampler(sampler)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.1, [0.0]), (4.0, [0.0]), (6.0, [0.0]), (6.1, [0.0, 4.0]), (12.5, [0.0, 4.0, 8.0, 12.0])],
)
def test_a_span_has_a_moment_at_its_start_and_one_every_four_seconds_where_it_is_longer_than_six(seconds, expected):
    episode = make_episode(("wait for it", 0.0, 1.0), ("carry it", 1.0, 1.0 + seconds))
    times = [episode.timestamps[frame] for frame in Segments().frames(episode)]
    assert times == pytest.approx([0.0, *(1.0 + time for time in expected)])


def test_an_interval_holds_for_short_spans_too_and_is_counted_anew_in_each():
    episode = make_episode(("reach", 0.0, 2.5), ("lift", 2.5, 4.0))
    assert list(Segments(interval=1.0).frames(episode)) == [0, 10, 20, 25, 35]


def test_a_span_without_frames_has_no_moment():
    episode = make_episode(("reach", 0.0, 1.0), ("blink", 1.0, 1.0), ("lift", 1.0, 2.0))
    assert list(Segments().frames(episode)) == [0, 10]


def test_the_first_frame_counts_where_the_timestamps_are_uneven():
    episode = make_episode(("reach", 0.0, 7.0), ("lift", 7.0, 9.0))
    episode.timestamps[40] += 0.05
    assert list(Segments().frames(episode)) == [0, 40, 70]
