import re

import pytest
from hypothesis import given, settings
from prompt_samples import BRICKS, moments, sample, samples

from pgen_dialogue.english import read
from pgen_dialogue.prompts.grounding_facts import (
    exclusions,
    failed_skill,
    may_be_same,
    previous_skill,
    uninvolved_objects,
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


@settings(max_examples=60, deadline=None)
@given(samples)
def test_nothing_that_may_be_the_same_as_in_a_later_skill_is_forbidden(one):
    excluded, ahead = exclusions(one.span), [read(name) for name in (one.span.skill, *one.span.future)]
    needed = [name for phrase in ahead for name in phrase.objects]
    assert not any(may_be_same(name, other) for name in excluded.objects for other in needed)
    assert not {action.verb for action in excluded.actions} & {phrase.verb for phrase in ahead}


def test_an_object_may_be_another_by_a_shorter_name():
    assert may_be_same("the brick", "the red lego brick")
    assert not may_be_same("the pink lego brick", "the red lego brick")


def test_uninvolved_objects_are_those_that_the_skill_neither_uses_nor_holds():
    one = sample("move above the plate", ["pick up the banana", "open the drawer"], ["close the lid"])
    assert uninvolved_objects(one.span) == ("the drawer", "the lid")


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
    ],
)
def test_a_failed_skill_is_one_that_the_labels_show(skill, history, failed):
    assert failed_skill(sample(skill, history).span) == failed
