"""Grasps that fail: on nothing, repeated at one place; and closings that are no grasps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from segment_helpers import ACROSS, DOWN, FPS, STILL, UP, Phase, dataset, episode, opened, read

from pgen_segment.motion.grasps import failed_grasps, grasps
from pgen_segment.motion.levels import ENOUGH, changes
from pgen_segment.segmentation import segment_all

BACK = (-1, 0, 0)
ATTEMPT = (
    Phase(1.0, DOWN),
    Phase(0.8, STILL, 0.0),
    Phase(1.0, UP),
    Phase(1.0, DOWN),
    Phase(0.8, STILL, 1.0),
    Phase(1.0, UP),
)
CARRY = (
    *(Phase(1.0, DOWN), Phase(0.8, STILL, 0.0), Phase(1.0, UP), Phase(3.0, ACROSS)),
    *(Phase(0.8, STILL, 1.0), Phase(1.0, UP), Phase(3.0, BACK)),
)


def recording(*cycles, widths=None):
    """Return an episode of attempts and carries; each closing stops at the next of `widths`."""
    phases = (Phase(1.0, ACROSS), *(phase for cycle in cycles for phase in cycle))
    made = episode(phases)
    states = made.columns["observation.state"]
    if widths:
        stops = iter(widths)
        width, start = 0.0, 0
        for phase in phases:
            stop = start + round(phase.seconds * FPS)
            width = next(stops) if phase.opening == 0.0 else 0.0 if phase.opening == 1.0 else width
            for row in states[start : stop + 2]:
                row[3] = max(row[3], width)
            start = stop
    else:
        states = [row[:3] for row in states]
    return episode(phases, **{"observation.state": states})


def failures(tmp_path, *episodes):
    """Return the failed grasps of each episode, by their number in it."""
    names = {"observation.state": ("x", "y", "z", "gripper")[: len(episodes[0].columns["observation.state"][0])]}
    names["action"] = ("x", "y", "z", "gripper")
    source, segmenter = opened(dataset(tmp_path / "in", *episodes, names=names, cameras=()))
    failed = []
    for recorded in read(source, segmenter):
        (motion,) = segmenter.signal.motions(recorded)
        starts = [grasp.start for grasp in grasps(motion)]
        failed.append([starts.index(start) for start, _ in failed_grasps(motion, segmenter.signal.limits)])
    return failed


def test_a_regrasp_at_the_same_place_is_a_failure_and_one_after_a_release_elsewhere_is_not(tmp_path):
    assert failures(tmp_path, recording(CARRY, ATTEMPT, CARRY), recording(CARRY, CARRY)) == [[1], []]


def test_fingers_that_close_further_than_at_other_grasps_hold_nothing(tmp_path):
    empty_and_carried = recording(CARRY, CARRY, widths=[0.3, 0.0])
    repeated = recording(ATTEMPT, CARRY, CARRY, widths=[0.0, 0.3, 0.2])
    assert failures(tmp_path, empty_and_carried, repeated) == [[1], [0]]


def test_thin_objects_that_are_never_grasped_again_are_no_failures(tmp_path):
    assert failures(tmp_path, *[recording(CARRY, CARRY, widths=[0.3, 0.0])] * 3) == [[], [], []]
    assert failures(tmp_path / "all", *[recording(CARRY, CARRY, widths=[0.0, 0.0])] * 3) == [[], [], []]


def test_the_spans_of_a_failed_grasp_are_marked_from_its_closing_to_its_opening(tmp_path):
    names = {"observation.state": ("x", "y", "z"), "action": ("x", "y", "z", "gripper")}
    root = dataset(tmp_path / "in", recording(CARRY, ATTEMPT, CARRY), names=names, cameras=())
    source, segmenter = opened(root)
    (recorded,) = read(source, segmenter)
    failed = [span for span in segmenter.signal.spans(recorded) if span.failed]
    begin = 1.0 + sum(phase.seconds for phase in CARRY) + 1.0
    assert failed[0].phase == "grasp"
    assert failed[-1].phase == "release"
    assert failed[0].start == pytest.approx(begin, abs=0.25)
    assert failed[-1].end == pytest.approx(begin + 0.8 + 1.0 + 1.0 + 0.8, abs=0.4)


def test_a_gripper_that_closes_on_the_way_home_grasps_nothing(tmp_path):
    def phases(*last):
        root = dataset(tmp_path / str(len(last)), episode((Phase(1.0, ACROSS), *CARRY, *last)), cameras=())
        return [skill.name.partition(":")[0] for skill in segment_all(*opened(root)).episodes[0].skills]

    assert phases(Phase(1.0, BACK, 0.0)).count("grasp") == 1
    assert phases(Phase(0.5, BACK), Phase(1.0, STILL, 0.0)).count("grasp") == 1
    assert phases(Phase(0.8, DOWN), Phase(0.8, STILL, 0.0), Phase(1.0, UP)).count("grasp") == 2


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1)))
def test_closings_and_openings_alternate_and_none_is_small(level):
    turns = changes(level)
    assert all(before.closes != after.closes for before, after in pairwise(turns))
    assert all(0 <= turn.start <= turn.stop < len(level) for turn in turns)
    assert len(turns) == 0 or np.ptp(level) > ENOUGH
