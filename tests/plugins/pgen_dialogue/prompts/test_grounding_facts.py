import re

import pytest
from hypothesis import given, settings
from prompt_samples import BRICKS, moments, sample, samples

from pgen_dialogue.english import read
from pgen_dialogue.prompts.grounding_facts import (
    alternatives,
    exclusions,
    failed_skill,
    may_be_same,
    previous_skill,
)


@pytest.mark.parametrize(
    ("one", "objects"),
    [
        (BRICKS, ("the pink lego brick",)),
        # what only the task names, beside another of its kind
        (sample("pick up red brick", [], ["place red brick in box"], "pink brick into the box"), ("the pink brick",)),
        # what the robot may be holding
        (sample("move towards box", ["pick up pink brick"], ["release into box"]), ()),
        (sample("move to the box", ["pick up pink brick", "grasp"], ["turn the box"]), ()),
        # a skill that cannot be read
        (sample("move towards box", ["open the drawer"], ["xyz"]), ()),
    ],
)
def test_a_request_may_forbid_an_object_that_the_robot_is_done_with(one, objects):
    assert exclusions(one.span).objects == objects


def test_an_action_is_not_forbidden_if_a_similar_one_follows():
    past, future = ["open the gripper", "close the gripper on the block"], ["lower the block", "open the gripper"]
    assert exclusions(sample("lift the block", past, future).span).actions == ()


def test_nothing_that_realistic_episodes_do_now_or_later_is_forbidden():
    for one in moments():
        ahead = " ; ".join([one.span.skill, *one.span.future]).lower()
        excluded = exclusions(one.span)
        assert not [name for name in excluded.objects if re.search(rf"\b{name.removeprefix('the ')}\b", ahead)]
        assert not [action.text for action in excluded.actions if action.text in ahead.split(" ; ")]


@pytest.mark.parametrize(
    ("history", "failed", "expected"),
    [
        (["pick up the cup"], (0,), "pick up the cup"),
        (["pick up the cup", "move back", "wait", "move to the fork"], (0,), "pick up the cup"),
        (["pick up the cup", "put it on the tray"], (0,), ""),
        (["pick up the cup"], (), ""),
        (["xyz"], (0,), "xyz"),
    ],
)
def test_a_skill_that_is_marked_as_failed_is_the_failed_one(history, failed, expected):
    assert failed_skill(sample("pick up the fork", history, failed=failed).span) == expected


def test_what_a_failed_skill_was_about_is_not_forbidden():
    history, future = ["pick up the cup", "put the cup on the tray"], ["put the fork on the tray"]
    assert exclusions(sample("pick up the fork", history, future).span).objects == ("the cup",)
    assert exclusions(sample("pick up the fork", history, future, failed=(0, 1)).span).objects == ()


@settings(max_examples=60, deadline=None)
@given(samples)
def test_nothing_that_may_be_the_same_as_in_a_later_skill_is_forbidden(one):
    excluded, ahead = exclusions(one.span), [read(name) for name in (one.span.skill, *one.span.future)]
    needed = [name for phrase in ahead for name in phrase.objects]
    assert not any(may_be_same(name, other) for name in excluded.objects for other in needed)
    assert not {action.verb for action in excluded.actions} & {phrase.verb for phrase in ahead}


@pytest.mark.parametrize(
    ("skill", "history", "future", "objects"),
    [
        # a place is no object that one could leave alone
        ("fold the towel", ["pick up the towel", "lay it flat on the table"], [], ()),
        # what lies in a thing that is moved moves too
        ("carry the rack to the sink", ["pick up the tube", "place the tube in the rack"], [], ()),
        ("push the drawer shut", ["pick up the tube", "place the tube in the drawer"], [], ("the tube",)),
        # "it" is the towel
        ("put it on the pile", ["pick up the towel", "lay it on the table", "fold the towel"], [], ()),
        # it is a part of something else by now
        ("cut the sandwich", ["place a slice of bread on the plate", "add the cheese"], [], ()),
        # nothing is left of what was poured
        ("put the kettle back", ["pick up the cup", "put the cup down", "pour the water"], [], ("the cup",)),
    ],
)
def test_what_may_be_forbidden_is_still_there_and_is_not_moved(skill, history, future, objects):
    assert exclusions(sample(skill, history, future).span).objects == objects


def test_only_what_somebody_might_do_again_is_an_action_to_forbid():
    span = sample("grasp the cup", ["wipe the table", "push the rack in", "push the box to the wall"]).span
    assert [action.do for action in exclusions(span).actions] == ["wipe the table"]


@pytest.mark.parametrize(
    ("skill", "history", "future", "task", "others"),
    [
        ("pick up the milk", [], ["put it in the bin", "pick up the bread"], "unpack", ("the bread",)),
        ("pick up the bread", ["pick up the milk", "put it in the bin"], ["put it away"], "unpack", ()),
        ("pick up red brick", [], ["place red brick in box"], "pink brick into the box", ("the pink brick",)),
        ("pick up the milk", [], ["put it in the bin"], "put the milk and the bread in the bin", ()),
        ("put it in the bin", ["pick up the milk"], ["pick up the bread", "put it on the shelf"], "", ("the shelf",)),
        ("take the pen", [], ["place the pen in the drawer", "close the tool drawer"], "", ()),
        ("carry it to the goal", ["pick up the milk"], ["lower it onto the table", "open the gripper"], "", ()),
        ("lift the milk", ["grasp the milk"], ["pick up the bread"], "unpack", ()),
        ("wait", [], ["pick up the bread"], "unpack", ()),
    ],
)
def test_alternatives_are_what_is_turned_to_later_or_put_elsewhere(skill, history, future, task, others):
    assert alternatives(sample(skill, history, future, task).span) == others


def test_the_previous_skill_is_the_latest_that_differs():
    one = sample("lift the cup", ["open the drawer", "robot arm lifts the cup"])
    assert previous_skill(one.span).do == "open the drawer"


@pytest.mark.parametrize(
    ("skill", "history", "failed"),
    [
        ("regrasp the cup", ["grasp the cup"], "regrasp the cup"),
        ("grasp the cup", ["grasp the cup"], "grasp the cup"),
        ("grasp the cup", ["cup slips out of the gripper"], "cup slips out of the gripper"),
        ("grasp the cup", ["move to the cup"], ""),
        ("move to the cup", ["move to the cup", "grasp the cup", "lift the cup"], "grasp the cup"),
        ("move to the cup", ["lower the gripper around the cup", "close the gripper"], "close the gripper"),
        ("move to the cup", ["grasp the cup", "put the cup down"], ""),
        ("lift the cup", ["grasp the cup"], ""),
        ("hold the bracket steady", ["pick up the bracket"], ""),
        ("move above tray", ["grasp", "lift"], ""),
        ("lift the cup", ["grasp the cup", "regrasp the cup"], ""),  # the second try did succeed
        ("failed grasp of the cup", ["move to the cup"], ""),  # it has not failed yet
        ("move to the left of bowl", ["approach apple", "close gripper", "move up"], ""),
    ],
)
def test_a_failed_skill_is_one_that_the_labels_show(skill, history, failed):
    assert failed_skill(sample(skill, history).span) == failed
