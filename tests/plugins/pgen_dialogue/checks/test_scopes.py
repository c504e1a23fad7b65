"""The checks on dialogues of all scopes."""

from pathlib import Path

import pytest
from prompt_samples import sample

from pgen.components import Context
from pgen.inference.checking import checked
from pgen.records import Annotation, Dialogue, Plan
from pgen_dialogue import pgen_checks

CHECKS = [check() for check in pgen_checks() if not check.whole_run]
PLAN = Plan()
GROCERIES = [
    *("move above the milk carton", "close the gripper on the milk carton", "lift the milk carton"),
    *("carry the milk carton to the left bin", "lower the milk carton into the left bin", "open the gripper"),
    *("move above the cereal box", "close the gripper on the cereal box", "lift the cereal box"),
]


def codes(names, at, user, robot="Okay.", plan=PLAN, **fields):
    one = sample(names[at], names[:at], names[at + 1 :], **fields)
    return {finding.code for finding in checked(Annotation(one, plan, Dialogue(user, robot)), CHECKS, Context()).checks}


def dialogues(name):
    """Yield whether each dialogue of a text file is good, and whether it has a finding."""
    skills, task = [], ""
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            task, listed = line.removeprefix("= ").split("|")
            skills = [skill.strip() for skill in listed.split(";")]
        elif line and not line.startswith("#"):
            head, user, robot = (part.strip() for part in line.split("|"))
            kind, scope, start, stop = head.split()
            fields = {"task": task.strip(), "scope": scope, "skills": int(stop) - int(start)}
            yield kind == "good", bool(codes(skills, int(start), user, robot, **fields))


def test_few_good_dialogues_and_most_faulty_ones_have_a_finding():
    listed = list(dialogues("scopes.txt"))
    good = [found for is_good, found in listed if is_good]
    faulty = [found for is_good, found in listed if not is_good]
    assert len(good) > 250
    assert sum(good) <= 0.01 * len(good)
    assert sum(faulty) >= 0.9 * len(faulty)


def test_hardly_any_of_many_more_good_dialogues_has_a_finding():
    listed = list(dialogues("good.txt"))
    assert all(is_good for is_good, _ in listed)
    assert len(listed) > 1000
    assert sum(found for _, found in listed) <= 0.01 * len(listed)


def test_most_of_the_subtle_faults_have_a_finding():
    listed = list(dialogues("faulty.txt"))
    assert not any(is_good for is_good, _ in listed)
    assert sum(found for _, found in listed) >= 0.7 * len(listed) > 200


@pytest.mark.parametrize(("at", "expected"), [(2, set()), (3, {"forbids_skill"})])
def test_further_words_disable_no_check_and_a_later_skill_may_be_forbidden(at, expected):
    assert codes(GROCERIES, at, "Don't carry the milk over there yet, please, dear.") == expected


@pytest.mark.parametrize(
    ("user", "expected"),
    [("The milk, please.", set()), ("The carton, please.", set()), ("The cereal, please.", {"other_object"})],
)
def test_a_compound_name_is_named_by_any_of_its_words(user, expected):
    assert codes(GROCERIES, 0, user) == expected


def test_what_a_label_does_not_name_is_what_the_robot_holds():
    assert codes(GROCERIES, 5, "Let go of the milk.", "Letting go of the carton.") == set()


@pytest.mark.parametrize(
    ("scope", "skills", "expected"), [("step", 1, set()), ("standing", len(GROCERIES), {"standing_violated"})]
)
def test_a_standing_constraint_holds_for_all_later_skills(scope, skills, expected):
    assert codes(GROCERIES, 0, "Leave the cereal alone, please.", scope=scope, skills=skills) == expected


def test_a_counterfactual_dialogue_is_checked_for_its_wording_only():
    user, robot = "Leave the milk alone.", "Picking up the bread."
    assert codes(GROCERIES, 0, user, robot) == {"forbids_skill"}
    assert codes(GROCERIES, 0, user, robot, counterfactual="other") == set()
    assert codes(GROCERIES, 0, user, "In this frame I see bread.", counterfactual="other") == {"meta_words"}


def test_a_false_premise_that_the_plan_asks_for_is_no_finding():
    user, robot = "Get me the orange juice, then the milk.", "Sorry, there is no orange juice, I missed it. Milk it is."
    assert codes(GROCERIES, 0, user, robot, Plan(absent="the orange juice")) == set()


def test_an_apology_after_a_failure_that_the_labels_show_is_no_finding():
    retry = ["grasp the cup", "grasp the cup"]
    robot = "Sorry, it slipped. Grasping it again."
    assert codes(retry, 1, "Try the cup again.", robot) == set()
    assert codes(["open the drawer", "grasp the cup"], 1, "Now the cup.", robot) == {"false_apology"}


@pytest.mark.parametrize(
    ("user", "robot", "code"),
    [
        ("Lift the milk up.", "Could you lift it for me?", "wrong_speaker"),
        ("I'll lift the milk for you.", "Up it goes.", "wrong_speaker"),
        ("Raise that carton a bit, please.", "Raise that carton a bit, please.", "echo"),
        ("I'm sorry, I can't help with that.", "Up it goes.", "refusal"),
        ("Where did you learn that?", "Up it goes.", "counter_question"),
        ("What a game last night!", "Up it goes.", "ungrounded"),
        ("Up with it.", "I've lifted it.", "claims_done"),
        ("Up with it.", "Putting it back down.", "other_action"),
        ("Shake the milk.", "Up it goes.", "other_action"),
        ("Lift it, but not the bread.", "I'll take the bread too.", "forgets_constraint"),
    ],
)
def test_each_kind_of_fault_has_its_code(user, robot, code):
    assert codes(GROCERIES, 2, user, robot) == {code}


@pytest.mark.parametrize(
    ("user", "robot"),
    [
        ("Pass me the bottle, please.", "I'll get the bottle."),  # no label names a bottle: it may be the carton
        ("If we leave without it, he'll sulk.", "Moving above the milk."),
        ("The kids have been asking for it.", "Moving above the milk."),
        ("What's breakfast without milk?", "Moving above the milk."),
        ("How do I make porridge if that's out of reach?", "Moving above the milk."),
    ],
)
def test_words_that_may_mean_the_skill_have_no_finding(user, robot):
    assert codes(GROCERIES, 0, user, robot) == set()


def test_a_request_for_several_skills_may_name_what_none_of_them_is_called():
    assert codes(GROCERIES, 0, "Weigh the milk.", scope="phase", skills=4) == set()


def test_what_stays_where_the_scope_puts_it_is_no_constraint():
    user, robot = "Leave the milk in the left bin, and don't rush.", "The milk is going to the left bin."
    assert codes(GROCERIES, 3, user, robot, scope="phase", skills=3) == set()


@pytest.mark.parametrize(
    ("label", "user", "robot"),
    [
        ("grasp the towel", "Take hold of one edge, please.", "Closing my grip on the edge of the towel."),
        ("pick up the parcel from the belt", "There's a parcel waiting.", "Lifting it off the belt."),
        ("pull out the lower rack", "We'll need the bottom rack.", "Sliding the bottom rack towards me."),
        ("reach for the lid and open it", "We need to get in there.", "Opening the lid."),
        ("move home", "You may go back to your resting position.", "Returning to where I started."),
        ("close the bag", "Roll the bag shut.", "Closing the bag."),
        ("lay the comic on the table", "Don't shelve this one, put it where he sits.", "On the table, then."),
        ("unscrew the cap", "Mind where you leave the cap.", "Unscrewing it."),
        ("hand the screwdriver to the person", "I'll take that from you now.", "Here you go."),
    ],
)
def test_words_that_may_name_the_same_action_are_no_contradiction(label, user, robot):
    assert codes([label], 0, user, robot) == set()


@pytest.mark.parametrize(
    ("label", "user", "robot", "code"),
    [
        ("open the drawer", "I need what's in there.", "I'll close the drawer.", "other_action"),
        ("pull out the lower rack", "We'll need the rack.", "Pushing the rack back in.", "other_action"),
        ("turn on the lamp", "Switch the lamp off.", "On it.", "other_action"),
        ("open the gripper", "Don't you let go of it yet!", "Okay, I'm over the box.", "forbids_skill"),
        ("turn the timer knob", "Twelve minutes.", "The timer has been set to twelve minutes.", "claims_done"),
    ],
)
def test_actions_that_exclude_each_other_are_reported(label, user, robot, code):
    assert code in codes([label], 0, user, robot)
