import pytest

from pgen_segment.motion.segmenter import phases


@pytest.mark.parametrize(
    ("closing", "expected"),
    [
        ([0, 1, 0, -1, 0], "approach grasp move release retract"),
        ([-1, 1, 0, -1], "approach grasp move release"),
        ([0, 1, 0], "approach grasp move"),
        ([0, 1, -1, 1, -1], "approach grasp release grasp release"),
        ([0, 1, 0, -1, 0, 0, 1, -1, 0], "approach grasp move release retract approach grasp release retract"),
        ([0, 1, -1, 0, 1], "approach grasp release approach grasp"),
        ([0, 0.1, -0.1], "move move move"),
        ([], ""),
    ],
)
def test_phases_follow_from_the_gripper(closing, expected):
    assert phases([[change] for change in closing]) == expected.split()


def test_one_hand_may_hold_an_object_while_the_other_releases_one():
    closing = [[1, 0], [0, 1], [-1, 0], [0, 0], [0, -1], [0, 0]]
    assert phases(closing) == ["grasp", "grasp", "release", "move", "release", "retract"]
