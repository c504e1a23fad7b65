import pytest
from hypothesis import given, settings
from prompt_samples import labels

from pgen_dialogue.english import one_line, read, read_task
from pgen_dialogue.english.verbs import gerund, participle, third_person

READINGS = {
    "robot arm picks up pink lego brick": ("pick up the pink lego brick", "picking up the pink lego brick"),
    "robot arm moves towards transparent box": (
        "move towards the transparent box",
        "moving towards the transparent box",
    ),
    "robot arm releases pink lego brick into transparent box": (
        "release the pink lego brick into the transparent box",
        "releasing the pink lego brick into the transparent box",
    ),
    "robot arm retracts from transparent box": (
        "retract from the transparent box",
        "retracting from the transparent box",
    ),
    "robot arm closes gripper to pick up the pink lego brick": (
        "close the gripper to pick up the pink lego brick",
        "closing the gripper to pick up the pink lego brick",
    ),
    "robot arm carries the cup and places it on shelf": (
        "carry the cup and place it on the shelf",
        "carrying the cup and placing it on the shelf",
    ),
    "The robot picks up a apple": ("pick up an apple", "picking up an apple"),
    "robot arm tilts bottle over bowl": ("tilt the bottle over the bowl", "tilting the bottle over the bowl"),
    "robot is moving towards cup": ("move towards the cup", "moving towards the cup"),
    "robot grasps object": ("grasp the object", "grasping the object"),
    "robot arm drops the ball.": ("drop the ball", "dropping the ball"),
    "gripper closes": ("close the gripper", "closing the gripper"),
    "gripper closes on block": ("close the gripper on the block", "closing the gripper on the block"),
    "gripper moves down": ("move down", "moving down"),
    "left arm picks up spoon": ("pick up the spoon with the left arm", "picking up the spoon with the left arm"),
    "move above the drawer handle": ("move above the drawer handle", "moving above the drawer handle"),
    "lower the fingers behind the drawer handle": (
        "lower the fingers behind the drawer handle",
        "lowering the fingers behind the drawer handle",
    ),
    "pull drawer open": ("pull the drawer open", "pulling the drawer open"),
    "retreat upwards": ("retreat upwards", "retreating upwards"),
    "open the gripper": ("open the gripper", "opening the gripper"),
    "open drawer": ("open the drawer", "opening the drawer"),
    "pick up the blue mug from the counter": (
        "pick up the blue mug from the counter",
        "picking up the blue mug from the counter",
    ),
    "wipe table with cloth": ("wipe the table with the cloth", "wiping the table with the cloth"),
    "fold t-shirt sleeves": ("fold t-shirt sleeves", "folding t-shirt sleeves"),
    "reach for handle": ("reach for the handle", "reaching for the handle"),
    "turn on the stove": ("turn on the stove", "turning on the stove"),
    "put down the spoon": ("put down the spoon", "putting down the spoon"),
    "put the banana on the plate": ("put the banana on the plate", "putting the banana on the plate"),
    "grasp": ("grasp it", "grasping it"),
    "pick up": ("pick it up", "picking it up"),
    "release": ("release it", "releasing it"),
    "wait": ("wait", "waiting"),
    "pick_up_cube": ("pick up the cube", "picking up the cube"),
    "PickUpCube": ("pick up the cube", "picking up the cube"),
    "pick_and_place": ("pick and place it", "picking and placing it"),
    "pick and place cube in bin 2": ("pick and place the cube in bin 2", "picking and placing the cube in bin 2"),
    "picking up the cup": ("pick up the cup", "picking up the cup"),
    "pick bottle from rack": ("pick up the bottle from the rack", "picking up the bottle from the rack"),
    "pick up KitKat": ("pick up the KitKat", "picking up the KitKat"),
    "PICK UP THE CUBE": ("pick up the cube", "picking up the cube"),
    "Pick Up The Blue Cup": ("pick up the blue cup", "picking up the blue cup"),
    "Step 2: open fridge": ("open the fridge", "opening the fridge"),
    "Slowly pour water into glass": ("slowly pour the water into the glass", "slowly pouring the water into the glass"),
    "carefully lift cup of coffee": ("carefully lift the cup of coffee", "carefully lifting the cup of coffee"),
    "move left": ("move left", "moving left"),
    "move left drawer": ("move the left drawer", "moving the left drawer"),
    "move to left": ("move to the left", "moving to the left"),
    "go to home position": ("go to the home position", "going to the home position"),
    "stack red cube on top of blue cube": (
        "stack the red cube on top of the blue cube",
        "stacking the red cube on top of the blue cube",
    ),
    "turn knob clockwise": ("turn the knob clockwise", "turning the knob clockwise"),
    "rotate 90 degrees": ("rotate 90 degrees", "rotating 90 degrees"),
    "move cup next to plate": ("move the cup next to the plate", "moving the cup next to the plate"),
    "hold pan while stirring soup": ("hold the pan while stirring the soup", "holding the pan while stirring the soup"),
    "push button until light turns on": (
        "push the button until the light turns on",
        "pushing the button until the light turns on",
    ),
    "take two plates out of cupboard": ("take two plates out of the cupboard", "taking two plates out of the cupboard"),
    "reach, grasp and lift bottle": ("reach, grasp and lift the bottle", "reaching, grasping and lifting the bottle"),
    "put piece of bread on side of plate": (
        "put the piece of bread on the side of the plate",
        "putting the piece of bread on the side of the plate",
    ),
    "put Anna's cup in sink": ("put Anna's cup in the sink", "putting Anna's cup in the sink"),
    "place the fork and knife beside plate": (
        "place the fork and knife beside the plate",
        "placing the fork and knife beside the plate",
    ),
    "get scissors and tape from drawer": (
        "get scissors and tape from the drawer",
        "getting scissors and tape from the drawer",
    ),
    "lie down": ("lie down", "lying down"),
    "place it on rack": ("place it on the rack", "placing it on the rack"),
}


@pytest.mark.parametrize("label", READINGS)
def test_a_label_becomes_an_imperative_and_a_gerund(label):
    phrase = read(label)
    assert (phrase.do, phrase.doing) == READINGS[label]


@pytest.mark.parametrize(
    "label", ["drawer opening", "closed drawer", "拿起杯子", "idle", "pink brick into box", "", "3"]
)
def test_a_label_without_a_recognised_verb_stays_as_it_is(label):
    assert (read(label).verb, read(label).text) == ("", label)


@pytest.mark.parametrize(
    ("label", "short"),
    [
        ("robot arm picks up pink lego brick", "pick it up"),
        ("robot arm releases pink brick into box", "release it into the box"),
        ("turn on the stove", "turn it on"),
        ("move towards the cups", "move towards them"),
        ("close the gripper to pick up the cup", "close the gripper to pick it up"),
        ("move up the ramp", "move up it"),
    ],
)
def test_a_pronoun_takes_the_place_of_the_object(label, short):
    assert read(label).do_it == short


@pytest.mark.parametrize(
    ("label", "objects"),
    [
        ("robot arm places red lego brick into transparent box", ("the red lego brick", "the transparent box")),
        ("pick up a apple", ("the apple",)),
        ("open the gripper", ()),
        ("go to home position", ()),
        ("close lid of box", ("the lid of the box",)),
        ("fold t-shirt sleeves", ("the t-shirt sleeves",)),
    ],
)
def test_objects_are_things_and_neither_robot_parts_nor_places(label, objects):
    assert read(label).objects == objects


@pytest.mark.parametrize(
    ("label", "act"),
    [
        ("close the gripper on the block", "grasp"),
        ("open the gripper", "release"),
        ("open the drawer", "open"),
        ("move away from the box", "retreat"),
        ("move the cup to the left", "carry"),
        ("move to the cup", "approach"),
        ("lower the gripper around the block", "approach"),
        ("turn off the stove", "switch"),
    ],
)
def test_the_kind_of_deed_depends_on_what_the_verb_acts_on(label, act):
    assert read(label).act == act


def test_a_task_that_says_where_a_thing_should_be_is_read_as_getting_it_there():
    assert (
        read_task("pink lego brick into the transparent box").do == "get the pink lego brick into the transparent box"
    )
    assert read_task("making a sandwich").do == "make a sandwich"
    assert read_task("laundry").verb == ""


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("move", ("moving", "moved", "moves")),
        ("put", ("putting", "put", "puts")),
        ("carry", ("carrying", "carried", "carries")),
        ("lie", ("lying", "lain", "lies")),
        ("push", ("pushing", "pushed", "pushes")),
        ("grab", ("grabbing", "grabbed", "grabs")),
        ("open", ("opening", "opened", "opens")),
        ("squeeze", ("squeezing", "squeezed", "squeezes")),
        ("transfer", ("transferring", "transferred", "transfers")),
        ("take", ("taking", "taken", "takes")),
        ("go", ("going", "gone", "goes")),
        ("show", ("showing", "shown", "shows")),
    ],
)
def test_verb_forms_are_spelled_right(verb, forms):
    assert (gerund(verb), participle(verb), third_person(verb)) == forms


@settings(max_examples=60, deadline=None)
@given(labels)
def test_reading_never_fails_and_leaves_nothing_that_cannot_be_said_in_one_line(label):
    phrase = read(label)
    for text in (phrase.text, phrase.do, phrase.doing, phrase.done, *phrase.objects):
        assert text == one_line(text)
        assert "  " not in text
