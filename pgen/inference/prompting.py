"""The prompt of a sample, whoever builds it: with what its clip shows, what was said before, and the language.

These are added to every builder's prompt in the same words, so that a user's own template has them too.
"""

import json
from dataclasses import replace

from pgen.components import PromptBuilder
from pgen.inference.conversation import with_turns
from pgen.languages import LANGUAGES
from pgen.media import with_clip
from pgen.records import Prompt, Repair, Sample

BLIND = "no picture is shown to the model: it is told so, and knows the scene from the task and the skills alone"
"""What a user should know of a run without pictures."""

NO_PICTURE = "You are shown no picture of the scene: name only things that the task and the skills name."
"""What the model is told then."""


def prompt_for(prompts: PromptBuilder, sample: Sample, seed: int, language: str) -> Prompt:
    """What is asked about a sample; `seed` is that of its moment."""
    prompt = with_turns(_with_pictures(prompts.build(sample, seed), sample), sample)
    if language == "en":
        return prompt
    told = f"Write user_prompt and robot_utterance in {LANGUAGES[language]}, as native speakers would say them."
    return replace(prompt, text=f"{prompt.text}\n\n{told} Everything else stays as it is.")


def _with_pictures(prompt: Prompt, sample: Sample) -> Prompt:
    """The prompt with what has to be said of the sample's pictures."""
    return with_clip(prompt, sample) if sample.moment.images else replace(prompt, text=f"{prompt.text}\n\n{NO_PICTURE}")


def repair_for(sample: Sample) -> Repair | None:
    """What is wrong with the dialogue that a sample is asked about once more."""
    if sample.question.about is None or not sample.question.problem:
        return None
    said = {"user_prompt": sample.question.about.user_prompt, "robot_utterance": sample.question.about.robot_utterance}
    return Repair(json.dumps(said, ensure_ascii=False), sample.question.problem)
