import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_samples import EPISODES, labels, sample

from pgen_dialogue.prompts.phases import (
    is_readable,
    is_turn,
    is_waiting,
    object_of,
    phase_of,
    phases,
    phases_of,
    place_of,
)

MOTIONS = (
    "move above the milk; lower the gripper around the milk; close the gripper on the milk; lift the milk;"
    " carry the milk to the left bin; lower the milk into the left bin; open the gripper; retreat upwards;"
    " move above the bread; grasp the bread; carry the bread to the right bin; release the bread; return home"
)


@pytest.mark.parametrize(
    ("skills", "starts"),
    [
        (MOTIONS, (0, 8, 12)),
        ("pick up the train; put it in the box; pick up the bear; put it on the shelf; close the lid", (0, 2, 4)),
        ("open the fridge; pick up the eggs; put them in the rack; close the fridge", (0, 1, 3)),
        ("pick_red_cube; place_red_cube_on_blue_cube; pick_green_cube; place_green_cube_on_red_cube; home", (0, 2, 4)),
        ("grasp; lift; move above tray; release", (0,)),
        ("wait; reach for the cup; grasp the cup; wait; lift the cup", (1,)),
        # "stand" puts something down, and what grasps another object begins a phase in any case
        ("take the atlas; stand the atlas on the shelf; take the paperback", (0, 2)),
        ("pick up the bracket; take a screw from the box; insert the screw into the hole", (0, 1)),
        ("wait; idle", ()),
        ("pick up the cup; xyz; put it down", ()),
    ],
)
def test_a_phase_begins_where_the_robot_turns_to_another_object(skills, starts):
    assert tuple(group.start for group in phases(tuple(skills.split("; ")))) == starts


@settings(max_examples=100, deadline=None)
@given(st.lists(labels | st.sampled_from(["wait", "idle", "pick up the cup", "put it in the box"]), max_size=8))
def test_phases_follow_each_other_from_the_first_action_to_the_end(names):
    groups = phases(tuple(names))
    if groups:
        assert [position for group in groups for position in group] == list(range(groups[0].start, len(names)))
        assert all(map(is_waiting, names[: groups[0].start]))
        assert not any(is_waiting(names[group.start]) for group in groups)


def test_realistic_episodes_with_readable_labels_have_phases():
    for _, skills in EPISODES:
        readable = all(is_readable(name) for name in skills if not is_waiting(name))
        assert bool(phases(tuple(skills))) == readable


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("wait", True),
        ("robot waits", True),
        ("stay_still", True),
        ("idle", True),
        ("no-op", True),
        ("Holding still", True),
        ("hold the cup", False),
        ("wave", False),
        ("restock the shelf", False),
    ],
)
def test_to_do_nothing_is_recognized(name, waits):
    assert is_waiting(name) == waits


@pytest.mark.parametrize(
    ("name", "about", "place"),
    [
        ("pick up the cup", "the cup", ""),
        ("place cup on tray", "the cup", "the tray"),
        ("place it on the tray", "", "the tray"),
        ("place on tray", "", "the tray"),
        ("carry the block to the goal", "the block", "the goal"),
        ("move to the box", "the box", ""),
        ("open the gripper", "", ""),
    ],
)
def test_a_skill_is_about_an_object_and_may_have_a_place(name, about, place):
    assert (object_of(name), place_of(name)) == (about, place)


def test_only_the_first_skill_of_a_phase_or_with_a_place_is_a_turn():
    names = MOTIONS.split("; ")
    spans = [sample(name, names[:place], names[place + 1 :]).span for place, name in enumerate(names)]
    assert [span.skill for span in spans if is_turn(span)] == [
        "move above the milk",
        "carry the milk to the left bin",
        "move above the bread",
        "carry the bread to the right bin",
    ]


def test_phases_of_the_source_replace_those_of_the_labels():
    names = ["pick up the cup", "put it on the tray", "xyz", "pick up the fork"]
    read = sample(names[0], (), names[1:3], phases=((0, 2), (2, 3))).span
    assert phases_of(read) == (range(2), range(2, 3))
    assert phase_of(sample(names[1], names[:1], names[2:], phases=((0, 1), (1, 4))).span) == range(1, 4)
    assert phases_of(sample(names[0], (), names[1:2]).span) == (range(2),)
