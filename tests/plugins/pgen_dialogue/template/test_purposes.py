import pytest
from altered import altered
from prompt_samples import sample
from template_dialogues import episode_samples

from pgen_dialogue.prompts.phases import phases
from pgen_dialogue.template.purposes import LONGEST, moved_objects, purpose_of

MILK = (
    "move to the milk; grasp the milk; lift the milk; carry the milk to the bin; lower the milk into the bin; release"
)
GOAL = "grasp the block; carry the block to the goal; lower the block onto the table; open the gripper"
WIPE = "grasp the sponge; wipe the table with the sponge; put the sponge in the sink"


@pytest.mark.parametrize(
    ("skills", "purpose"),
    [
        (MILK, "put the milk into the bin"),
        (GOAL, "bring the block to the goal"),
        (WIPE, "wipe the table with the sponge and put it in the sink"),
        ("pick up the train; put it in the toy box", "put the train in the toy box"),
        ("picking up the jeans; placing in drum", "put the jeans in the drum"),
        ("robot arm picks up red brick; robot arm releases red brick into box", "put the red brick into the box"),
        ("reach for the handle; grasp the handle; pull the drawer open; release the handle", "pull the drawer open"),
        ("approach the cup; grasp the cup; lift the cup", "pick up the cup"),
        ("grasp; lift; move above tray; release", "pick it up and bring it over to the tray"),
        ("take the cup; hang the cup on the hook; return home", "hang the cup on the hook"),
    ],
)
def test_the_purpose_of_a_phase_is_what_its_skills_come_to(skills, purpose):
    skills = skills.split("; ")
    first = altered(episode_samples("", skills)[0], scope="phase", skills=len(skills))
    assert phases(tuple(skills))
    assert purpose_of(first).do == purpose


def test_a_phase_that_takes_long_to_describe_is_named_by_its_object():
    skills = [
        "pick up the watering can",
        *(f"tilt the watering can over the {name}" for name in ("fern", "basil", "rose")),
    ]
    first = altered(episode_samples("", skills)[0], scope="phase", skills=4)
    assert purpose_of(first).do_it == "take care of it"


@pytest.mark.parametrize(
    ("task", "skills", "purpose"),
    [
        ("unpack the groceries", MILK, "unpack the groceries"),
        ("pink brick into the box", "pick up red brick; place red brick in box", "place the red brick in the box"),
        ("pick and place", "pick up the cup; place the cup on the tray", "place the cup on the tray"),
        ("", "pick up the cup; place the cup on the tray", "place the cup on the tray"),
        ("", "xyz; zyx", "do the whole task"),
    ],
)
def test_an_episode_leads_to_its_task_or_else_to_what_the_skills_do(task, skills, purpose):
    first = altered(episode_samples(task, skills.split("; "))[0], scope="episode")
    assert purpose_of(first).do == purpose


def test_a_long_task_is_named_by_its_objects():
    task = "unpack the groceries: " + ", ".join(["the milk goes into the left bin"] * 4)
    skills = ["pick up the milk", "put it in the bin", "pick up the bread", "put it in the bin"]
    first = altered(episode_samples(task, skills)[0], scope="episode")
    assert moved_objects(first.span) == ["the milk", "the bread"]
    assert len(purpose_of(first).do.split()) <= LONGEST


def test_a_task_without_a_verb_is_quoted():
    first = altered(sample("xyz", task="シャツをたたむ"), scope="episode")
    assert (purpose_of(first).verb, purpose_of(first).text) == ("", "シャツをたたむ")


@pytest.mark.parametrize(
    ("label", "spoken"),
    [
        ("retreat upwards", "move up"),
        ("robot arm retracts from box", "move away from the box"),
        ("retreat", "move back"),
        ("idle", "wait for a moment"),
    ],
)
def test_words_that_only_labels_have_are_replaced(label, spoken):
    assert purpose_of(sample(label)).do == spoken


def test_a_counterfactual_leads_to_its_target():
    assert purpose_of(sample("grasp the cup", counterfactual="other", target="grasp bowl")).do == "grasp the bowl"
