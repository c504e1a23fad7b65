"""Samples as the tests of prompts and of the template generator use them."""

from altered import altered
from hypothesis import strategies as st

from pgen.records import Moment, Sample, SpanContext

EPISODES = [
    (task, skills.split("; "))
    for task, skills in (
        (
            "pink lego brick into the transparent box",
            "robot arm moves towards pink lego brick; robot arm picks up pink lego brick; robot arm moves towards "
            "transparent box; robot arm releases pink lego brick into transparent box; robot arm retracts from "
            "transparent box",
        ),
        (
            "pink lego brick into the transparent box",
            "robot arm moves towards red lego brick; robot arm picks up red lego brick; robot arm moves towards "
            "transparent box; robot arm places red lego brick into transparent box; robot arm moves away from "
            "transparent box",
        ),
        (
            "pick up the purple block and place it on the goal position",
            "move above the purple block; lower the gripper around the block; close the gripper on the block; "
            "lift the block; carry the block to the goal; lower the block onto the table; open the gripper; "
            "retreat upwards",
        ),
        (
            "open the drawer",
            "move above the drawer handle; lower the fingers behind the drawer handle; pull the drawer open",
        ),
        (
            "put the banana on the plate",
            "reach for banana; grasp; lift banana; move banana above plate; release; return to home position",
        ),
        (
            "making a sandwich",
            "open fridge; pick up lettuce; place lettuce on bread; pick up tomato slices; place tomato slices on "
            "bread; close fridge",
        ),
        (
            "clean the kitchen",
            "pick up the blue mug from the counter; put the blue mug into the sink; pick up cloth; wipe table "
            "with cloth; put down the cloth; turn on the stove; put down the spoon",
        ),
        (
            "fold the t-shirt",
            "grasp t-shirt sleeves; fold t-shirt sleeves; smooth the shirt; fold the shirt in half",
        ),
        (
            "pick_and_place",
            "pick_up_cube; place_cube; gripper opens",
        ),
        (
            "pour the tea",
            "robot arm closes gripper to pick up the teapot; slowly pour tea into cup; set the teapot down next "
            "to the cup",
        ),
        (
            "Sort parcels",
            "left arm picks up parcel; hand over the parcel to the right arm; right arm places the parcel on "
            "shelf 3; push the button until light turns green",
        ),
        (
            "set the table for two",
            "open the cupboard; take two plates out of cupboard; place the plates on the table; get forks from "
            "drawer; place the forks beside the plates; close the cupboard",
        ),
        (
            "water the plants",
            "pick up watering can; tilt the watering can over the fern; put the watering can on the windowsill",
        ),
        (
            "pack the box",
            "unfold cardboard box; insert bubble wrap; put the vase into the box; close the flaps; tape the box "
            "shut; push box onto conveyor belt",
        ),
        (
            "cook an egg",
            "turn on the stove; crack egg into pan; stir egg with spatula; sprinkle salt on the egg; slide egg "
            "onto plate; turn off the stove",
        ),
        (
            "assemble the gearbox",
            "align the gripper with shaft; insert peg into hole; rotate gear clockwise; tighten the screw with "
            "screwdriver",
        ),
        (
            "put the apple in the bowl",
            "approach apple; close gripper; move up; move to the left of bowl; lower apple into bowl; open "
            "gripper; move back to home position",
        ),
        (
            "tidy the desk",
            "pick up the pen; put the pen in the pencil case; zip pencil case; stack books; wipe desk with "
            "sponge; switch off the lamp",
        ),
        (
            "make coffee",
            "press the power button; place cup under nozzle; pull lever down; wait until cup is full; carry cup "
            "to the tray",
        ),
    )
]
"""Tasks with their skills, as datasets name them."""


def sample(skill: str, history=(), future=(), task="tidy up", **fields) -> Sample:
    span = SpanContext(0, "0", task, len(history), skill, tuple(history), tuple(future))
    return altered(Sample(span, Moment(7, 0.5, ("front",), ("front.jpg",))), **fields)


BRICKS = sample(
    "robot arm moves towards red lego brick",
    ["robot arm picks up pink lego brick", "robot arm releases pink lego brick into transparent box"],
    ["robot arm picks up red lego brick", "robot arm releases red lego brick into box"],
)
"""The second of two bricks, for which every scenario type fits."""


def moments() -> list[Sample]:
    """Each skill of each episode once."""
    return [
        sample(name, skills[:index], skills[index + 1 :], task, episode_index=number, frame_index=10 * index)
        for number, (task, skills) in enumerate(EPISODES)
        for index, name in enumerate(skills)
    ]


ODD = ["", " ", "|", "{0}", "{task_description}", "[a|b]", "{", "%s", "{{ x }}", "pick", "the", "robot arm", "and and"]
ODD += ["a\nb", '"', "_", "PICK_UP", "pick up " + "x" * 500, "pick up the " + "big " * 60 + "cup"]
labels = st.one_of(
    st.sampled_from([name for _, skills in EPISODES for name in skills]),
    st.text(max_size=600),
    st.text(st.characters(categories=["Cs", "Cc", "Zs", "Zl", "Nd", "Ll", "So"]), max_size=30),
    st.sampled_from(ODD),
)
seeds = st.integers(0, 2**32 - 1)
samples = st.builds(
    sample,
    labels,
    st.lists(labels, max_size=4),
    st.lists(labels, max_size=3),
    labels,
    timestamp=st.none() | st.floats(0, 9),
)
