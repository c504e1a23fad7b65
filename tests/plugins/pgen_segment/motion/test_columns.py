import pyarrow as pa
import pytest

from pgen.errors import ConfigError, InputError
from pgen_segment.motion.arms import named_grippers
from pgen_segment.motion.columns import (
    ACTION,
    STATE,
    Columns,
    Dimension,
    dimensions,
    motion_columns,
    select,
    with_modality,
)


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


def feature(size=1, names=None, dtype="float32"):
    return {"dtype": dtype, "shape": [size], "names": names}


def listed(features, **options):
    return str(motion_columns(features, **options))


def test_one_column_per_joint_is_a_state_and_an_action():
    features = {
        "observation.images.top": {"dtype": "video", "shape": [4, 4, 3]},
        "observation.state.shoulder": feature(),
        "observation.state.gripper": feature(),
        "action.arm": feature(2),
        "action.gripper": feature(names=["gripper"]),
        "timestamp": feature(),
    }
    assert listed(features) == (
        "observation.state.shoulder, observation.state.gripper, "
        "action.arm[0] arm.0, action.arm[1] arm.1, action.gripper"
    )
    columns = motion_columns(features)
    assert named_grippers(columns) == {STATE: [(1,)], ACTION: [(2,)]}
    table = {name: pa.chunked_array([[1.0, 2.0]]) for name in columns.features if name != "action.arm"}
    table["action.arm"] = pa.chunked_array([[[3.0, 4.0], [5.0, 6.0]]])
    assert columns.read(table)[ACTION].tolist() == [[3.0, 4.0, 1.0], [5.0, 6.0, 2.0]]
    assert select(columns, ["action.gripper", "arm.1"]) == [
        Dimension("action.gripper", None, "gripper"),
        columns.dimensions[ACTION][1],
    ]


def test_the_column_names_of_openpi_and_of_droid():
    assert listed({"state": feature(2), "actions": feature(2)}) == "state[0], state[1], actions[0], actions[1]"
    assert listed(
        {"joint_position": feature(2), "gripper_position": feature(), "actions": feature(1), "index": feature()}
    ) == ("joint_position[0] joint_position.0, joint_position[1] joint_position.1, gripper_position, actions[0]")


def test_a_whole_vector_is_read_alone_and_listed_columns_replace_it():
    features = {"observation.state": feature(1), "observation.state.gripper": feature(), "qpos": feature(2)}
    assert listed(features) == "observation.state[0]"
    assert listed(features, state=["qpos"]) == "qpos[0] qpos.0, qpos[1] qpos.1"
    with pytest.raises(
        ConfigError, match=r"option action: there is no column 'a'; there are: observation\.state, .*qpos"
    ):
        motion_columns(features, action=["a"])


def test_modality_json_names_the_parts_and_any_other_file_changes_nothing(tmp_path):
    columns = motion_columns({"observation.state": feature(3, ["motor_0", "motor_1", "motor_2"])})
    path = tmp_path / "modality.json"
    assert with_modality(columns, path) == columns
    for text in ("[", "[]", '{"state": 3}', '{"state": {"hand": {"start": "a"}, "arm": 1}}'):
        path.write_text(text)
        assert with_modality(columns, path) == columns
    path.write_text('{"state": {"arm": {"start": 0, "end": 1}, "hand": {"start": 1, "end": 99999999999}}}')
    assert [d.name for d in with_modality(columns, path).dimensions[STATE]] == ["arm_0", "hand_0", "hand_1"]


def test_neighbours_that_differ_by_a_number_are_written_as_a_range():
    hand = tuple(Dimension("action", i, f"hand_{i}") for i in range(4))
    assert Columns({ACTION: hand}).listed(ACTION, range(4)) == "action[0] to [3] hand"
    assert Columns({ACTION: hand}).listed(ACTION, [0, 1]) == "action[0] hand_0, action[1] hand_1"
