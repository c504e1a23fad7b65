"""Names of skills in one style, and vocabularies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.errors import ConfigError
from pgen.testing import make_episode
from pgen_segment.vlm.naming import mixed, read_vocabulary, spread, style_of, styled

WORDS = ("robot", "arm", "picks", "pick", "up", "lifts", "the", "cup", "moving", "to", "slowly", "and", "it")
PAIRS = [
    ("pick up the red cup", "robot arm picks up the red cup"),
    ("move towards the box", "robot arm moves towards the box"),
    ("carry the brick to the box", "robot arm carries the brick to the box"),
    ("reach for and grasp the cup", "robot arm reaches for and grasps the cup"),
    ("push the button", "robot arm pushes the button"),
    ("slowly lower the gripper", "robot arm slowly lowers the gripper"),
]


@pytest.mark.parametrize(
    ("name", "imperative", "third"),
    [
        *((name, *pair) for pair in PAIRS for name in pair),
        ("picking up the cup", "pick up the cup", "robot arm picks up the cup"),
        ("picks up the cup", "pick up the cup", "robot arm picks up the cup"),
        ("the gripper closes", "close the gripper", "the gripper closes"),
        ("idle", "idle", "idle"),
        ("den Becher greifen", "den Becher greifen", "den Becher greifen"),
        ("拿起杯子", "拿起杯子", "拿起杯子"),
    ],
)
def test_a_name_with_a_known_verb_is_converted_to_either_style(name, imperative, third):
    assert (styled(name, "imperative"), styled(name, "third-person")) == (imperative, third)


@given(
    st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)),
    st.sampled_from(["imperative", "third-person"]),
)
def test_a_converted_name_is_not_converted_again(name, style):
    once = styled(name, style)
    assert styled(once, style) == once


def test_a_list_is_mixed_where_names_have_two_known_styles():
    assert mixed(["pick up the cup", "robot arm lifts the cup"])
    assert not mixed(["pick up the cup", "lift it", "idle"])
    assert style_of("idle") is None


@given(st.integers(1, 100), st.integers(1, 10))
def test_episodes_for_a_vocabulary_are_spread_over_all_of_them(count, most):
    chosen = [episode.index for episode in spread((make_episode(index=i) for i in range(count)), most)]
    assert 1 <= len(chosen) <= most
    assert chosen[0] == 0
    assert count <= most or chosen[-1] >= count // 2 - 1 or most == 1


@pytest.mark.parametrize("text", ["", "# nothing\n\n", "a" * 121, "\n".join(map(str, range(121)))])
def test_a_vocabulary_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "names.txt").write_text(text)
    with pytest.raises(ConfigError, match=r"--vocabulary .*names\.txt"):
        read_vocabulary(str(tmp_path / "names.txt"))
