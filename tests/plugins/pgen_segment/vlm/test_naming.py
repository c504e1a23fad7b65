"""Names of skills in one style."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen_segment.vlm.naming import mixed, style_of, styled

WORDS = ("robot", "arm", "picks", "pick", "up", "lifts", "the", "cup", "moving", "to", "slowly", "and", "it")
PAIRS = [
    ("pick up the red cup", "robot arm picks up the red cup"),
    ("move towards the box", "robot arm moves towards the box"),
    ("carry the brick to the box", "robot arm carries the brick to the box"),
    ("reach for and grasp the cup", "robot arm reaches for and grasps the cup"),
    ("push the button", "robot arm pushes the button"),
    ("slowly lower the gripper", "robot arm slowly lowers the gripper"),
]


@pytest.mark.parametrize(("imperative", "third"), PAIRS)
def test_each_style_is_said_in_the_other_and_back(imperative, third):
    assert styled(third, "imperative") == styled(imperative, "imperative") == imperative
    assert styled(imperative, "third-person") == styled(third, "third-person") == third


@pytest.mark.parametrize(
    ("name", "imperative", "third"),
    [
        ("picking up the cup", "pick up the cup", "robot arm picks up the cup"),
        ("picks up the cup", "pick up the cup", "robot arm picks up the cup"),
        ("the gripper closes", "close the gripper", "the gripper closes"),
        ("idle", "idle", "idle"),
        ("den Becher greifen", "den Becher greifen", "den Becher greifen"),
        ("拿起杯子", "拿起杯子", "拿起杯子"),
    ],
)
def test_other_forms_are_said_anew_and_what_has_no_known_verb_stays(name, imperative, third):
    assert (styled(name, "imperative"), styled(name, "third-person")) == (imperative, third)


@given(
    st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)),
    st.sampled_from(["imperative", "third-person"]),
)
def test_to_say_a_name_anew_twice_changes_nothing_more(name, style):
    once = styled(name, style)
    assert styled(once, style) == once


def test_a_list_is_mixed_where_two_styles_can_be_told():
    assert mixed(["pick up the cup", "robot arm lifts the cup"])
    assert not mixed(["pick up the cup", "lift it", "idle"])
    assert style_of("idle") is None
