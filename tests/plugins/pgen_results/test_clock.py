from array import array
from dataclasses import replace

from pgen.testing import make_episode
from pgen_results.clock import Clock

EPISODE = make_episode(("reach", 0.0, 2.0))


def line(frame, time):
    return {"frame_index": frame, "timestamp": time, "skill_index": 0}


def test_a_frame_begins_at_its_own_time_and_the_end_is_a_frame_after_the_last():
    uneven = replace(EPISODE, timestamps=array("d", [0.0, 0.15, 0.2]))
    clock = Clock(uneven, [line(0, 0.0)])
    assert [clock.of_frame(frame) for frame in (0, 1, 3)] == [0.0, 0.15, 0.3]


def test_without_the_input_times_of_frames_follow_from_those_of_the_lines():
    bare = replace(EPISODE, timestamps=array("d"))
    clock = Clock(bare, [line(10, 1.0), line(10, 1.0), line(30, 3.0)])
    assert [clock.of_frame(frame) for frame in (0, 20, 40)] == [0.0, 2.0, 4.0]
    assert Clock(bare, [line(10, 1.0)]).of_frame(0) is None


def test_lines_without_ascending_times_are_numbered_by_their_moments():
    for times in ((None, None, None), (2.0, 2.0, 1.0)):
        lines = [line(frame, time) for frame, time in zip((5, 5, 9), times, strict=True)]
        clock = Clock(EPISODE, lines)
        assert not clock.timed
        assert [clock.of_line(it) for it in lines] == [0.0, 0.0, 1.0]
        assert clock.of_frame(5) is None
