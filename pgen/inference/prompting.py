"""The parts of a prompt that no builder writes: about a clip, earlier turns, missing images, and the language.

They are the same for every builder, so that a user's own template has them too.
"""

import json
from dataclasses import replace

from pgen.components import PromptBuilder
from pgen.inference.conversation import with_turns
from pgen.languages import LANGUAGES
from pgen.media import with_clip
from pgen.records import Prompt, Repair, Sample

BLIND = "no picture is shown to the model: it is told so, and knows the scene from the task and the skills alone"
"""A remark on runs without images."""

NO_IMAGES = "You are shown no picture of the scene: name only things that the task and the skills name."
"""What a prompt says then."""


def prompt_for(prompts: PromptBuilder, sample: Sample, seed: int, language: str) -> Prompt:
    """Return the whole prompt of a sample; `seed` is that of its moment."""
    prompt = with_turns(_with_images(prompts.build(sample, seed), sample), sample)
    if language == "en":
        return prompt
    instruction = f"Write user_prompt and robot_utterance in {LANGUAGES[language]}, as native speakers would say them."
    return replace(prompt, text=f"{prompt.text}\n\n{instruction} Everything else stays as it is.")


def _with_images(prompt: Prompt, sample: Sample) -> Prompt:
    return with_clip(prompt, sample) if sample.moment.images else replace(prompt, text=f"{prompt.text}\n\n{NO_IMAGES}")


def repair_for(sample: Sample) -> Repair | None:
    """Return the dialogue that is requested once more, and the problem with it."""
    about, problem = sample.question.about, sample.question.problem
    if about is None or not problem:
        return None
    fields = {"user_prompt": about.user_prompt, "robot_utterance": about.robot_utterance}
    return Repair(json.dumps(fields, ensure_ascii=False), problem)
