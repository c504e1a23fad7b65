"""The motion signal of a dataset, or the reason why it has none that can be used."""

import pytest
from segment_helpers import PICK, Phase, dataset, episode, opened, vectors

from pgen.errors import ConfigError
from pgen_lerobot.read import LeRobotSource
from pgen_segment.motion.signal import MotionOptions, Signal, usable_signal

STATE = "observation.state"


def signal(root, **options):
    source = LeRobotSource(root=root, skills="task", views=0)
    source.open()
    return usable_signal(source, MotionOptions(**options))


def test_an_arm_that_moves_has_a_signal(tmp_path):
    usable = signal(dataset(tmp_path / "in"))
    assert isinstance(usable, Signal)
    assert usable.columns == [STATE, "action"]


def test_without_a_column_of_a_state_or_an_action_the_reason_lists_columns_and_options(tmp_path):
    states, actions = vectors(PICK)
    root = dataset(tmp_path / "in", episode(action=None, **{STATE: None}, observed=states, sent=actions))
    reason = signal(root)
    assert isinstance(reason, str)
    assert "name one with --opt segmenter.state=COLUMN or segmenter.action=COLUMN" in reason
    assert "numbers are: observed, sent, timestamp," in reason
    usable = signal(root, state=("observed",), action=("sent",))
    assert isinstance(usable, Signal)
    assert [str(dimension) for dimension in usable.robot.grippers] == ["observed[3] observed.3", "sent[3] sent.3"]


def test_where_nothing_moves_the_reason_says_so_and_gripper_gives_one_span(tmp_path):
    root = dataset(tmp_path / "in", episode((Phase(5),)))
    assert signal(root) == f"{root}: nothing moves in the columns observation.state, action."
    opened(root)


def test_an_option_that_names_no_column_is_an_error_in_any_case(tmp_path):
    with pytest.raises(ConfigError, match="option state: there is no column 'nothing'"):
        signal(dataset(tmp_path / "in"), state=("nothing",))


def test_the_joints_of_a_hand_without_names_can_be_listed(tmp_path):
    states, actions = (
        [[*row[:3], *[row[3] * gain for gain in (1.2, -1.4, 0.9)]] for row in rows] for rows in vectors(PICK)
    )
    root = dataset(tmp_path / "in", episode(**{STATE: states, "action": actions}), names={})
    listed = tuple(f"{feature}[{i}]" for feature in (STATE, "action") for i in (3, 4, 5))
    for options in ({}, {"gripper": listed}):
        (arm,) = signal(root, **options).robot.arms
        assert arm.grippers == ({"state": (3, 4, 5), "action": (3, 4, 5)},)
