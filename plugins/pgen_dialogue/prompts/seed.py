"""The prompt builder `seed`: the plain template, for the user's words and the robot's, with no plan.

A label is inserted once and literally: a skill named "{task_description}" stays that.
"""

from importlib.resources import files
from typing import Any

from pgen.components import PromptBuilder
from pgen.records import Prompt, Sample
from pgen_dialogue.prompts.reply_schema import dialogue_schema, example_dialogue, fingerprint_of
from pgen_dialogue.prompts.without_images import unseen

VERSION = "1"
PGEN_PROMPT_TEMPLATE = files("pgen_dialogue.prompts").joinpath("seed.txt").read_text(encoding="utf-8").strip()
"""The template, with the fields {task_description}, {skill_history} and {skill_current}."""
SEEN = {
    "- images of the scene as it is now, one for each camera;\n": "",
    "Both must fit what the images show, the task,": "Both must fit the task,",
}
"""What it says of pictures, and what it says where there are none."""
_UNSEEN_TEMPLATE = unseen(PGEN_PROMPT_TEMPLATE, SEEN)


def construct_prompt(sample: Sample) -> str:
    """The template with the sample's task, completed skills and next skill."""
    return _filled(PGEN_PROMPT_TEMPLATE, sample)


def _filled(template: str, sample: Sample) -> str:
    return template.format(
        task_description=sample.span.task or "not described",
        skill_history=listed(sample.span.history),
        skill_current=sample.span.skill,
    )


def listed(skills: tuple[str, ...], nothing: str = "none yet") -> str:
    """Skills in their order, numbered, in one line."""
    return "; ".join(f"({number}) {skill}" for number, skill in enumerate(skills, 1)) or nothing


class SeedPrompt(PromptBuilder):
    """Asks for `user_prompt` and `robot_utterance` and leaves the kind of interaction to the model."""

    name = "seed"

    def build(self, sample: Sample, seed: int) -> Prompt:
        template = PGEN_PROMPT_TEMPLATE if sample.moment.images else _UNSEEN_TEMPLATE
        return Prompt(text=_filled(template, sample), schema=dialogue_schema())

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        return example_dialogue(sample)

    def fingerprint(self) -> str:
        return fingerprint_of(VERSION, PGEN_PROMPT_TEMPLATE)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "version": VERSION}
