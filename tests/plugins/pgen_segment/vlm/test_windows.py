"""Windows of frames, and their spans as one list."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.records import Skill
from pgen.testing import make_episode
from pgen_segment.vlm.windows import Window, bounds, sampled_frames, stitched, window_spans, windows

EPISODE = make_episode(("a", 0.0, 60.0))


@given(st.integers(1, 300), st.integers(2, 60), st.data())
def test_windows_cover_all_frames_and_share_some(count, most, data):
    overlap = data.draw(st.integers(1, most - 1))
    shown = [list(frames) for frames in windows(range(count), most, overlap)]
    assert sorted({frame for frames in shown for frame in frames}) == list(range(count))
    assert all(len(frames) <= most for frames in shown)
    assert all(left[-1] - right[0] + 1 >= overlap for left, right in pairwise(shown))
    assert shown[0][0] == 0
    assert all(left[0] < right[0] for left, right in pairwise(shown))


@pytest.mark.parametrize(("fps", "rate", "length"), [(10, 2, 1), (10, 2, 66), (30, 2, 285), (5, 10, 20), (3, 2, 100)])
def test_frames_are_shown_at_their_rate_and_the_last_one_always(fps, rate, length):
    episode = make_episode(("a", 0.0, length / fps), fps=fps, length=length)
    frames = sampled_frames(episode, rate)
    assert (frames[0], frames[-1]) == (0, length - 1)
    times = [episode.timestamps[frame] for frame in frames[:-1]]
    assert all(abs(after - before - max(1 / rate, 1 / fps)) <= 1 / fps for before, after in pairwise(times))


def spans(*edges):
    return tuple(Skill(f"skill {start:g}", start, end) for start, end in pairwise(edges))


def test_the_seam_is_the_edge_that_both_windows_have():
    left, right = Window(0, 30, spans(0, 10, 27, 30)), Window(24, 54, spans(24, 27.4, 54))
    assert stitched(left, right).spans == (Skill("skill 0", 0, 10), Skill("skill 10", 10, 27.4), right.spans[1])


def test_a_skill_that_goes_on_through_the_seam_stays_one():
    goes_on = Skill("wipe", 10, 30), Skill("wipe", 24, 40)
    left, right = Window(0, 30, (*spans(0, 10), goes_on[0])), Window(24, 54, (goes_on[1], *spans(40, 54)))
    assert stitched(left, right).spans == (Skill("skill 0", 0, 10), Skill("wipe", 10, 40), Skill("skill 40", 40, 54))


cuts = st.lists(st.floats(0.0, 1.0), max_size=8)


@given(cuts, cuts)
def test_stitched_windows_have_neither_gap_nor_overlap(first, second):
    def cut(start, stop, shares):
        return Window(start, stop, spans(*sorted({start, stop, *(start + share * (stop - start) for share in shares)})))

    whole = stitched(cut(0.0, 30.0, first), cut(24.0, 54.0, second)).spans
    assert (whole[0].start, whole[-1].end) == (0.0, 54.0)
    assert all(left.end == right.start for left, right in pairwise(whole))
    assert all(span.start < span.end for span in whole)


def test_times_from_the_windows_own_start_are_moved_and_counted():
    spans = [{"name": "a", "start": 0, "end": 12}, {"name": "b", "start": 12, "end": 30}]
    changes = Counter()
    window = window_spans(spans, EPISODE, 26.0, 56.0, changes)
    assert window.spans == (Skill("a", 26.0, 38.0), Skill("b", 38.0, 56.0))
    assert changes == {"windows with times from their own start: moved": 1}


def test_the_last_window_reaches_to_the_episodes_end():
    assert bounds(EPISODE, [0, 5, 599]) == (0.0, 60.0)
    assert bounds(EPISODE, [0, 5, 10]) == (0.0, 1.0)
