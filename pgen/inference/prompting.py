"""The parts of a prompt that no builder writes: about a clip, earlier turns, missing images, and the language.

They are the same for every builder, so that a user's own template has them too.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pgen.components import Generator, MomentPromptBuilder, PromptBuilder
from pgen.inference.conversation import with_turns
from pgen.inference.replies import reply_schema
from pgen.languages import LANGUAGES
from pgen.media import with_clip
from pgen.records import Prompt, Repair, Sample

BLIND = "no picture is shown to the model: it is told so, and knows the scene from the task and the skills alone"
"""A remark on runs without images."""

NO_IMAGES = "You are shown no picture of the scene: name only things that the task and the skills name."
"""What a prompt says then."""


def takes_moments(prompts: PromptBuilder, generator: Generator) -> bool:
    """Return whether one request asks for all dialogues of a moment."""
    return isinstance(prompts, MomentPromptBuilder) and generator.several


def prompt_for(prompts: PromptBuilder, samples: Sequence[Sample], seed: int, language: str, *, several: bool) -> Prompt:
    """Return the whole prompt of samples of one moment; `seed` is that of the moment.

    With `several`, the reply lists the dialogues by number; otherwise there is one sample, and it is one dialogue.
    """
    if several:
        assert isinstance(prompts, MomentPromptBuilder)
        prompt = prompts.build_moment(samples, seed)
        prompt = replace(prompt, schema=reply_schema(prompt.schema, range(1, len(samples) + 1)))
    else:
        prompt = prompts.build(samples[0], seed)
    prompt = with_turns(_with_images(prompt, samples[0]), samples[0])
    if language == "en":
        return prompt
    instruction = f"Write user_prompt and robot_utterance in {LANGUAGES[language]}, as native speakers would say them."
    return replace(prompt, text=f"{prompt.text}\n\n{instruction} Everything else stays as it is.")


def _with_images(prompt: Prompt, sample: Sample) -> Prompt:
    return with_clip(prompt, sample) if sample.moment.images else replace(prompt, text=f"{prompt.text}\n\n{NO_IMAGES}")


def repair_for(sample: Sample, *, several: bool) -> Repair | None:
    """Return the dialogue that is requested once more, and the problem with it, in the form of the reply."""
    about, problem = sample.question.about, sample.question.problem
    if about is None or not problem:
        return None
    fields: Any = {"user_prompt": about.user_prompt, "robot_utterance": about.robot_utterance}
    if several:
        fields = {"dialogues": [{"number": 1, **fields}]}
    return Repair(json.dumps(fields, ensure_ascii=False), problem)
