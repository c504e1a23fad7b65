import pytest

from pgen_segment.motion.arms import arms, is_gripper, named_grippers, side
from pgen_segment.motion.columns import ACTION, STATE, Columns, Dimension


def columns(*names, action=()):
    roles = {STATE: names, ACTION: action}
    return Columns(
        {
            role: tuple(Dimension(role, i, name) for i, name in enumerate(of_role))
            for role, of_role in roles.items()
            if of_role
        }
    )


@pytest.mark.parametrize(
    "name",
    [
        *("gripper.pos", "left_gripper", "kLeftGripper", "finger_joint1", "jaw", "right_hand", "left_hand_3"),
        *("kRightHandThumb0", "thumb_yaw", "index.pos", "suction", "ee_vacuum", "effector.position_0"),
    ],
)
def test_names_of_grippers_hands_and_suction_cups(name):
    assert is_gripper(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "wrist_roll",
        "hand_x",
        "gripper_velocity",
        "end_effector_x",
        "gripper.z",
        "kLeftShoulderPitch",
        "thumb_torque",
    ],
)
def test_other_names(name):
    assert not is_gripper(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("left_waist", "left"),
        ("kRightElbow", "right"),
        ("l_shoulder", "left"),
        ("r.gripper", "right"),
        ("robot1_joint_3", "arm 1"),
        ("elbow_flex", ""),
        ("lift", ""),
    ],
)
def test_the_side_of_a_name(name, expected):
    assert side(name) == expected


def test_arms_and_hands_are_told_apart_by_their_sides():
    both = columns(*(f"{of}_{joint}" for of in ("left", "right") for joint in ("shoulder", "elbow", "thumb", "index")))
    left, right = arms(both, named_grippers(both))
    assert (left.name, left.joints, left.grippers) == ("left", {STATE: (0, 1)}, ({STATE: (2, 3)},))
    assert (right.name, right.joints, right.grippers) == ("right", {STATE: (4, 5)}, ({STATE: (6, 7)},))


def test_two_grippers_at_the_ends_of_equal_blocks_are_of_two_arms():
    unnamed = columns(*[""] * 14, action=[""] * 14)
    first, second = arms(unnamed, {STATE: [(6,), (13,)], ACTION: [(6,), (13,)]})
    assert first.joints == {STATE: tuple(range(6)), ACTION: tuple(range(6))}
    assert second.grippers == ({STATE: (13,), ACTION: (13,)},)
    assert (first.name, second.name) == ("arm 1", "arm 2")


def test_the_fingers_of_one_gripper_are_no_arms():
    one = columns("x", "y", "z", "left_finger", "right_finger")
    (arm,) = arms(one, named_grippers(one))
    assert (arm.name, arm.joints, arm.grippers) == ("", {STATE: (0, 1, 2)}, ({STATE: (3,)}, {STATE: (4,)}))


def test_an_action_without_names_has_the_sides_of_a_state_of_its_size():
    both = columns("left_a", "left_gripper", "right_a", "right_gripper", action=["", "", "", ""])
    left, right = arms(both, named_grippers(both))
    assert (left.joints, right.joints) == ({STATE: (0,), ACTION: (0, 1)}, {STATE: (2,), ACTION: (2, 3)})


def test_the_head_the_legs_and_speeds_beside_positions_do_not_move_the_arm():
    whole = columns("neck_yaw", "left_leg", "shoulder", "elbow", "shoulder_vel", "gripper")
    (arm,) = arms(whole, named_grippers(whole))
    assert arm.joints == {STATE: (2, 3)}
    speeds = columns(action=["joint_0_vel", "joint_1_vel", "gripper"])
    (arm,) = arms(speeds, named_grippers(speeds))
    assert arm.joints == {ACTION: (0, 1)}
