import pytest
from prompt_samples import sample

from pgen.components import Context
from pgen.records import Annotation, Dialogue, Plan
from pgen_dialogue.checks.grounding import Grounding


def finding(user, robot, language="en", skill="pick up the cup"):
    return Grounding().check(Annotation(sample(skill), Plan(), Dialogue(user, robot)), Context(language))


def test_a_finding_names_the_defect_so_that_a_model_can_repair_it():
    result = finding("Never pick up the cup.", "Sure, picking it up.")
    assert result.code == "forbids_skill"
    assert "pick up the cup" in result.reason
    assert "'Never pick up the cup'" in result.reason


def test_there_is_no_finding_in_another_language_and_for_a_label_without_a_verb():
    assert finding("Heb de beker niet op.", "Ik doe het.", language="nl") is None
    assert finding("Never do it.", "Sure, xyz.", skill="xyz") is None


@pytest.mark.parametrize(
    ("skill", "promise", "code"),
    [
        ("turn on the stove", "I'll turn off the stove.", "other_action"),
        ("turn on the stove", "I'll turn it on now.", None),
        ("switch off the lamp", "Switching the lamp on now.", "other_action"),
        ("turn off the stove", "I'll turn it off and carry on.", None),
        ("turn the knob on the stove", "I'll turn the stove off.", None),
        ("pull the lever down", "I'll push the lever.", "other_action"),
        ("pull the lever down", "I'll pull the lever.", None),
        ("push the box", "I'll pull the box.", "other_action"),
        ("open the gripper", "I'll let go of it.", None),
    ],
)
def test_a_promise_of_the_opposite_is_a_finding(skill, promise, code):
    assert getattr(finding("Go on with it, please.", promise, skill=skill), "code", None) == code
