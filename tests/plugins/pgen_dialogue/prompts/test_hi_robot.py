import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from altered import altered
from hypothesis import given, settings
from prompt_samples import BRICKS, moments, sample, samples, seeds
from template_dialogues import episode_samples

from pgen_dialogue.prompts.hi_robot import IMAGE_PASSAGES, HiRobotPrompt, texts
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES

GROCERIES = ["pick up the milk", "put the milk in the left bin", "pick up the bread", "put the bread in the right bin"]


def asked(skills, at=0, seed=0, variants=3, running=False, **options):
    """Return the prompt about a moment of an episode, with all dialogues that begin there."""
    builder, moments = HiRobotPrompt(**options), episode_samples("unpack the groceries", skills, running=running)
    questions = builder.questions(moments, seed)[at]
    varied = [replace(question, variant=n) for question in questions for n in range(variants)]
    return builder.build_moment([replace(moments[at], question=question) for question in varied], seed)


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


def test_what_the_requests_of_an_episode_share_comes_first():
    prompts = [asked(GROCERIES, at) for at in range(4)]
    assert len({prompt.system for prompt in prompts}) == len({prompt.context for prompt in prompts}) == 1
    assert "3. pick up the bread" in prompts[0].context
    assert len({prompt.text for prompt in prompts}) == 4


def test_the_system_message_is_the_same_for_all_samples():
    assert len({HiRobotPrompt().build(one, 1).system for one in moments()}) == 1
    assert all(passage in texts()["system"] for passage in IMAGE_PASSAGES)


def test_all_types_are_defined_there_with_two_examples_from_different_places():
    system = HiRobotPrompt().build(BRICKS, 1).system
    for kind, names in (("scenarios", SCENARIO_TYPES), ("responses", RESPONSE_TYPES)):
        assert set(texts()[kind]) == set(names)
        for entry in texts()[kind].values():
            assert entry["text"] in system
            assert all(example in system for example in entry["examples"])
            assert len({re.split("[,:]", example)[0] for example in entry["examples"]}) == 2


def test_the_dialogues_of_a_moment_are_numbered_under_their_scopes():
    prompt = asked(GROCERIES)
    lines = prompt.text.partition("Write these 12 dialogues:\n")[2].splitlines()
    headings = [line.split(",")[0] for line in lines if not line[0].isdigit()]
    assert headings == ["episode", "standing", "phase", "step"]
    numbered = [line.split("; ")[0] for line in lines if line[0].isdigit()]
    assert numbered == [f"{n}. {it.scenario_type}, {it.response_type}" for n, it in enumerate(prompt.plans, 1)]


def test_a_moment_says_what_is_done_and_whether_the_skill_is_in_progress():
    assert asked(GROCERIES).text.startswith("Nothing has been done yet. The robot is about to begin with 1: pick up")
    assert asked(GROCERIES, 2).text.startswith("Done: 1 to 2. The robot is about to begin 3: pick up the bread")
    failed = HiRobotPrompt().build(sample("grasp the cup", ["grasp the cup", "move back", "move to the cup"]), 0).text
    assert failed.startswith("Done: 1 to 3 (though 1 did not succeed). The robot is about to begin 4: grasp the cup")
    inside = asked(GROCERIES, 3, running=True).text
    assert inside.startswith("Done: 1. The robot has been busy with 2 for 4 seconds and goes on with it: put the milk")
    assert "not to begin" in inside


def test_each_scope_names_the_skills_to_which_it_leads():
    text = asked(GROCERIES).text
    assert "episode, which leads to 1 to 4" in text
    assert "phase, which leads to 1 to 2" in text
    assert "step, which leads to 1 (pick up the milk)" in text


def test_a_decision_names_the_alternatives_and_other_moments_do_not():
    assert "could turn to the bread or something else that is visible" in asked(GROCERIES).text
    one = altered(sample("pick up the milk"), elsewhere=("pick up the jam",))
    assert "could turn to the jam (if there) or something else" in HiRobotPrompt().build(one, 1).text
    assert "could turn to" not in HiRobotPrompt().build(sample("lift the cup", ["grasp the cup"]), 1).text


def test_exclusions_are_named_only_for_a_negative_task():
    negative, other = HiRobotPrompt(scenarios={"negative_task": 1}), HiRobotPrompt(scenarios={"constraint_based": 1})
    one = sample("pick up red brick", ["place pink brick in bin"], ["place red brick in box"])
    assert "rules out the pink brick" in negative.build(one, 1).text
    assert "rules out" not in other.build(one, 1).text


@pytest.mark.parametrize(("history", "failed"), [(["move to the cup", "grasp the cup"], True), ([], False)])
def test_an_error_is_one_that_the_skills_show_or_a_request_for_what_is_not_there(history, failed):
    text = HiRobotPrompt(responses={"error_handling": 1}).build(sample("grasp the cup", history), 0).text
    assert ("an earlier try did not succeed (grasp the cup)" in text) == failed
    assert ("not to be found here" in text) == (not failed)


@settings(max_examples=60, deadline=None)
@given(samples, seeds)
def test_sentences_of_one_dialogue_do_not_contradict_each_other(one, seed):
    for scope in ("step", "phase", "episode", "standing"):
        prompt = HiRobotPrompt().build(altered(one, scope=scope), seed)
        line = next(line for line in prompt.text.splitlines() if line.startswith("1. "))
        assert "not to be found" not in line or "did not succeed" not in line
        assert not re.search("forbids|rules out", line) or "negative_task" in line
        short = "a few words" in line
        assert not (short and (prompt.plans[0].absent or scope != "step"))
        if "negative_task" in line or "constraint_based" in line:
            assert not short
            assert "a question" not in line
        if "a remark" in line:
            assert prompt.plans[0].scenario_type == "implicit_request"


def test_all_requests_of_an_episode_have_one_speaker_and_other_episodes_others():
    prompts = [asked(GROCERIES, at, seed=seed).text for seed in range(60) for at in range(4)]
    speakers = [re.search("The user is (.*)", text)[1] for text in prompts]
    assert all(len(set(speakers[n : n + 4])) == 1 for n in range(0, 240, 4))
    assert len(set(speakers)) > 40


def test_a_counterfactual_is_listed_as_one_and_has_no_types():
    prompt = asked(GROCERIES, counterfactuals=1.0)
    assert "instead: the user wants something else now, which leads to: pick up the bread" in prompt.text
    assert [plan.scenario_type for plan in prompt.plans[-6:]] == [None] * 6
    assert json.loads(json.dumps(prompt.schema))["properties"].keys() >= {"user_prompt", "scenario_type"}
