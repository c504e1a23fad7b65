"""The frames at which the robot changes, of single episodes, are those of a whole run."""

from bisect import bisect_left

import pytest

from pgen_lerobot.read import LeRobotSource
from pgen_segment import reading
from pgen_segment.motion import ChangingFrames
from pgen_segment.motion.segmenter import Gripper

DATASETS = ["sim_pickplace_so101_v30", "cr5_realarm_v21_8ep"]


def opened(root):
    source = LeRobotSource(root=root, skills="task", views=0)
    source.open()
    return source


@pytest.mark.parametrize("name", DATASETS)
def test_an_episode_read_alone_changes_at_the_frames_of_a_whole_run(shared_datasets, name):
    source, gripper = opened(shared_datasets / name), Gripper()
    gripper.open(source)
    recordings = {it.episode.index: it for it in reading.recordings(source, gripper.columns)}
    expected = {
        index: [bisect_left(it.episode.timestamps, time - 1e-6) for time in gripper.change_points(it)]
        for index, it in recordings.items()
    }
    changing = ChangingFrames(source, lambda index: recordings[index].episode)
    assert {index: changing.of(index) for index in reversed(expected)} == expected
    assert any(expected.values())


def test_an_episode_whose_rows_differ_from_those_read_before_has_none(shared_datasets):
    source = opened(shared_datasets / DATASETS[0])
    first, second, *_ = source.episodes()
    assert len(first.timestamps) != len(second.timestamps)
    assert ChangingFrames(source, lambda _: second).of(second.index)
    object.__setattr__(second, "timestamps", first.timestamps)
    assert ChangingFrames(source, lambda _: second).of(second.index) == []
