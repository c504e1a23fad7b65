import json

from prompt_samples import sample

from pgen_dialogue.prompts.seed import IMAGE_PASSAGES, PGEN_PROMPT_TEMPLATE, SeedPrompt, construct_prompt


def test_the_prompt_names_task_history_and_next_skill_once():
    one = sample("lift the cup", ["open the door", "go in"], task="bring the cup")
    text = construct_prompt(one)
    assert text == SeedPrompt().build(one, 1).text
    assert [text.count(part) for part in ("lift the cup", "(1) open the door; (2) go in", "bring the cup")] == [1, 1, 1]
    assert "in order: none yet\n" in construct_prompt(sample("lift the cup"))


def test_the_template_has_its_three_fields_and_survives_plain_formatting():
    text = PGEN_PROMPT_TEMPLATE.format(task_description="T", skill_history="H", skill_current="C")
    assert json.loads(text.splitlines()[-1]) == {"user_prompt": "...", "robot_utterance": "..."}
    assert all(passage in PGEN_PROMPT_TEMPLATE for passage in IMAGE_PASSAGES)
