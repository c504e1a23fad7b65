import pytest
from hypothesis import given, settings
from prompt_samples import labels

from pgen_dialogue.english import one_line, read, read_task

IMPERATIVES = {
    "robot arm picks up pink lego brick": "pick up the pink lego brick",
    "robot arm moves towards transparent box": "move towards the transparent box",
    "robot arm releases pink lego brick into transparent box": "release the pink lego brick into the transparent box",
    "robot arm retracts from transparent box": "retract from the transparent box",
    "robot arm closes gripper to pick up the pink lego brick": "close the gripper to pick up the pink lego brick",
    "robot arm carries the cup and places it on shelf": "carry the cup and place it on the shelf",
    "The robot picks up a apple": "pick up an apple",
    "robot arm tilts bottle over bowl": "tilt the bottle over the bowl",
    "robot is moving towards cup": "move towards the cup",
    "robot grasps object": "grasp the object",
    "robot arm drops the ball.": "drop the ball",
    "gripper closes": "close the gripper",
    "gripper closes on block": "close the gripper on the block",
    "gripper moves down": "move down",
    "left arm picks up spoon": "pick up the spoon with the left arm",
    "move above the drawer handle": "move above the drawer handle",
    "lower the fingers behind the drawer handle": "lower the fingers behind the drawer handle",
    "pull drawer open": "pull the drawer open",
    "retreat upwards": "retreat upwards",
    "open the gripper": "open the gripper",
    "open drawer": "open the drawer",
    "pick up the blue mug from the counter": "pick up the blue mug from the counter",
    "wipe table with cloth": "wipe the table with the cloth",
    "fold t-shirt sleeves": "fold t-shirt sleeves",
    "reach for handle": "reach for the handle",
    "turn on the stove": "turn on the stove",
    "put down the spoon": "put down the spoon",
    "put the banana on the plate": "put the banana on the plate",
    "grasp": "grasp it",
    "pick up": "pick it up",
    "release": "release it",
    "wait": "wait",
    "pick_up_cube": "pick up the cube",
    "PickUpCube": "pick up the cube",
    "pick_and_place": "pick and place it",
    "pick and place cube in bin 2": "pick and place the cube in bin 2",
    "picking up the cup": "pick up the cup",
    "pick bottle from rack": "pick up the bottle from the rack",
    "pick up KitKat": "pick up the KitKat",
    "PICK UP THE CUBE": "pick up the cube",
    "Pick Up The Blue Cup": "pick up the blue cup",
    "Step 2: open fridge": "open the fridge",
    "Slowly pour water into glass": "slowly pour the water into the glass",
    "carefully lift cup of coffee": "carefully lift the cup of coffee",
    "move left": "move left",
    "move left drawer": "move the left drawer",
    "move to left": "move to the left",
    "go to home position": "go to the home position",
    "stack red cube on top of blue cube": "stack the red cube on top of the blue cube",
    "turn knob clockwise": "turn the knob clockwise",
    "rotate 90 degrees": "rotate 90 degrees",
    "move cup next to plate": "move the cup next to the plate",
    "hold pan while stirring soup": "hold the pan while stirring the soup",
    "push button until light turns on": "push the button until the light turns on",
    "take two plates out of cupboard": "take two plates out of the cupboard",
    "reach, grasp and lift bottle": "reach, grasp and lift the bottle",
    "put piece of bread on side of plate": "put the piece of bread on the side of the plate",
    "put Anna's cup in sink": "put Anna's cup in the sink",
    "place the fork and knife beside plate": "place the fork and knife beside the plate",
    "get scissors and tape from drawer": "get scissors and tape from the drawer",
    "lie down": "lie down",
    "place it on rack": "place it on the rack",
}


@pytest.mark.parametrize("label", IMPERATIVES)
def test_a_label_becomes_an_imperative(label):
    assert read(label).do == IMPERATIVES[label]


@pytest.mark.parametrize(
    ("label", "gerund"),
    [
        (
            "robot arm closes gripper to pick up the pink lego brick",
            "closing the gripper to pick up the pink lego brick",
        ),
        ("robot arm carries the cup and places it on shelf", "carrying the cup and placing it on the shelf"),
        ("put down the spoon", "putting down the spoon"),
        ("pick_and_place", "picking and placing it"),
        ("Slowly pour water into glass", "slowly pouring the water into the glass"),
        ("hold pan while stirring soup", "holding the pan while stirring the soup"),
        ("push button until light turns on", "pushing the button until the light turns on"),
        ("reach, grasp and lift bottle", "reaching, grasping and lifting the bottle"),
        ("lie down", "lying down"),
    ],
)
def test_a_label_becomes_a_gerund(label, gerund):
    assert read(label).doing == gerund


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


@settings(max_examples=60, deadline=None)
@given(labels)
def test_reading_never_fails_and_leaves_nothing_that_cannot_be_said_in_one_line(label):
    phrase = read(label)
    for text in (phrase.text, phrase.do, phrase.doing, phrase.done, *phrase.objects):
        assert text == one_line(text)
        assert "  " not in text
