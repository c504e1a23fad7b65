import pytest

from pgen.errors import InputError
from pgen_segment.motion.arms import named_grippers
from pgen_segment.motion.columns import Columns, Dimension, dimensions


@pytest.mark.parametrize("shape", [None, [], "7", [0]])
def test_an_invalid_shape_is_refused(shape):
    with pytest.raises(InputError, match="the feature action has the shape"):
        dimensions("action", {"shape": shape})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["shoulder.pos", "gripper.pos"], [1]),
        (["gripper.x", "gripper.y", "gripper.opening"], [2]),
        (["left_arm_0", "left_gripper", "right_arm_0", "right_gripper"], [1, 3]),
        (["x", "gripper_velocity", "gripper_position", "gripper_effort"], [2]),
        (["finger_joint1", "finger_joint2", "waist"], [0, 1]),
        ({"motors": ["main_shoulder_pan", "main_gripper"]}, [1]),
        (["motor_0", "motor_1"], []),
        (None, []),
    ],
)
def test_the_gripper_is_guessed_from_names(names, expected):
    size = len(names["motors"] if isinstance(names, dict) else names or [0])
    declared = dimensions("action", {"shape": [size], "names": names})
    groups = named_grippers(Columns({"action": tuple(declared)}))["action"]
    assert [position for group in groups for position in group] == expected


def test_names_that_do_not_fit_the_size_are_ignored():
    unnamed = [Dimension("action", position) for position in range(2)]
    assert dimensions("action", {"shape": [2], "names": ["gripper"]}) == unnamed
