import pytest
from prompt_samples import sample
from template_dialogues import dialogues

from pgen_dialogue.template.short_names import short_names, shortened


@pytest.mark.parametrize(
    ("labels", "shorter"),
    [
        (("lift the milk carton", "lift the red can"), {"the milk carton": "the milk", "the red can": "the can"}),
        (
            ("lift the milk carton", "lift the juice carton"),
            {"the milk carton": "the milk", "the juice carton": "the juice"},
        ),
        (("lift the red brick", "lift the blue brick"), {}),
        (("lift the milk carton", "lift the milk bottle"), {}),
        (("open the tool box", "lift the cup", "拿起杯子"), {}),
    ],
)
def test_a_thing_has_a_shorter_name_where_no_other_thing_has_the_word(labels, shorter):
    assert short_names(labels) == shorter


def test_things_of_other_episodes_count_too():
    one = sample("lift the red brick", elsewhere=("lift the blue brick",))
    assert shortened({"obj": "the red brick"}, one.span)["obj"] == "the red brick"
    assert shortened({"Obj": "The red brick"}, sample("lift the red brick").span)["Obj"] == "The brick"


def test_long_and_short_names_both_occur():
    skills = ["move above the milk carton", "grasp the milk carton", "put the milk carton into the bin", "return home"]
    prompts = [reply["user_prompt"] for _, _, reply in dialogues("sort the groceries", skills)]
    assert any("milk carton" in prompt for prompt in prompts)
    assert any("milk" in prompt and "carton" not in prompt for prompt in prompts)


def test_a_task_is_summed_up_by_what_stands_before_the_details():
    task = "sort the groceries: put the milk carton and the red can into their bins, in this order"
    skills = ["pick up the milk carton", "put it in the bin", "pick up the red can", "put it in the bin"]
    prompts = [it[2]["user_prompt"] for it in dialogues(task, skills) if it[0].question.scope == "episode"]
    assert any("the groceries" in prompt and "milk" not in prompt for prompt in prompts)
