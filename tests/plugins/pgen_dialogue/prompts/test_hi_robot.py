import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prompt_samples import BRICKS, moments, sample

from pgen_dialogue.prompts.hi_robot import IMAGE_PASSAGES, HiRobotPrompt, texts
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES


def test_another_process_builds_the_same_bytes():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from prompt_samples import moments\nfrom pgen_dialogue.prompts.hi_robot import HiRobotPrompt\n"
        "from hashlib import sha256\nb = HiRobotPrompt()\n"
        "print(sha256(repr([b.build(m, i) for i, m in enumerate(moments())]).encode()).hexdigest())"
    )
    run = [sys.executable, "-c", code, str(Path(__file__).parents[3] / "support")]
    outputs = {subprocess.run(run, check=True, capture_output=True).stdout for _ in range(2)}
    assert len(outputs) == 1


def test_a_prompt_has_the_plan_the_later_skills_and_no_other_type():
    one = sample("lift the cup", ["open the door"], ["wave"], task="bring the cup")
    for seed in range(30):
        prompt = HiRobotPrompt().build(one, seed)
        scenario, response = prompt.plan.scenario_type, prompt.plan.response_type
        assert "(1) open the door" in prompt.text
        assert "Afterwards: (1) wave" in prompt.text
        assert texts()["scenarios"][scenario]["text"] in prompt.text
        assert all(example in prompt.text for example in texts()["responses"][response]["examples"])
        assert [name for name in SCENARIO_TYPES if name in prompt.text] == [scenario]
        assert json.loads(prompt.text.splitlines()[-1])["response_type"] == response


def test_exclusions_are_named_only_for_a_negative_task():
    one = sample("pick up red brick", ["place pink brick in bin"], ["place red brick in box"])
    negative, other = HiRobotPrompt(scenarios={"negative_task": 1}), HiRobotPrompt(scenarios={"constraint_based": 1})
    assert "nothing other than this: the pink brick" in negative.build(one, 1).text
    assert "nothing other than" not in other.build(one, 1).text


@pytest.mark.parametrize(("history", "failed"), [(["move to the cup", "grasp the cup"], True), (["move to it"], False)])
def test_an_error_is_one_that_the_skills_show_or_a_possible_one(history, failed):
    text = HiRobotPrompt(responses={"error_handling": 1}).build(sample("grasp the cup", history), 0).text
    assert ("An earlier try did not succeed" in text) == failed
    assert ("impossible or unsafe" in text) == (not failed)


def test_the_system_message_is_the_same_for_all_samples():
    assert len({HiRobotPrompt().build(one, 1).system for one in moments()}) == 1
    assert all(passage in texts()["system"] for passage in IMAGE_PASSAGES)


def test_who_speaks_and_how_varies_with_the_seed():
    prompts = [HiRobotPrompt().build(BRICKS, seed).text for seed in range(60)]
    styles = {line for text in prompts for line in text.splitlines() if line.startswith("The user is ")}
    assert len(styles) > 40


def test_every_type_has_a_definition_and_two_examples_from_different_places():
    for kind, names in (("scenarios", SCENARIO_TYPES), ("responses", RESPONSE_TYPES)):
        assert set(texts()[kind]) == set(names)
        for entry in texts()[kind].values():
            assert len({re.split("[,:]", example)[0] for example in entry["examples"]}) == 2
