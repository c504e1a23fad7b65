"""The prompt builder `seed`: a plain template for the user's prompt and the robot's utterance, without a plan.

Values are inserted once and literally: a skill named "{task_description}" stays that.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pgen.components import PromptBuilder
from pgen.records import Prompt, Sample
from pgen_dialogue.prompts.reply_schema import dialogue_schema, example_dialogue, fingerprint_of

VERSION = "1"
PGEN_PROMPT_TEMPLATE = files("pgen_dialogue.prompts").joinpath("seed.txt").read_text(encoding="utf-8").strip()
"""The template, with the fields {task_description}, {skill_history} and {skill_current}."""
IMAGE_PASSAGES = {
    "- images of the scene as it is now, one for each camera;\n": "",
    "Both must fit what the images show, the task,": "Both must fit the task,",
}
"""Passages of the template about images, and their replacements for samples without images."""


class SeedPrompt(PromptBuilder):
    """Asks for `user_prompt` and `robot_utterance` and leaves the kind of interaction to the model."""

    name = "seed"

    def build(self, sample: Sample, seed: int) -> Prompt:
        template = PGEN_PROMPT_TEMPLATE
        if not sample.moment.images:
            template = without_images(template, IMAGE_PASSAGES)
        return Prompt(text=construct_prompt(sample, template), schema=dialogue_schema())

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        return example_dialogue(sample)

    def fingerprint(self) -> str:
        return fingerprint_of(VERSION, PGEN_PROMPT_TEMPLATE)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "version": VERSION}


def construct_prompt(sample: Sample, template: str = PGEN_PROMPT_TEMPLATE) -> str:
    """Return the template with the sample's task, completed skills and next skill."""
    return template.format(
        task_description=sample.span.task or "not described",
        skill_history=numbered(sample.span.history),
        skill_current=sample.span.skill,
    )


def numbered(skills: tuple[str, ...], default: str = "none yet") -> str:
    """Return the skills in one line, numbered, or the default if there are none."""
    return "; ".join(f"({number}) {skill}" for number, skill in enumerate(skills, 1)) or default


def without_images(text: str, passages: Mapping[str, str]) -> str:
    """Return the text with its passages about images replaced, for a sample that shows none."""
    for passage, replacement in passages.items():
        text = text.replace(passage, replacement)
    return text
