"""The prompt of a sample, whoever builds it: with what its clip shows, what was said before, and the language.

These are added to every builder's prompt in the same words, so that a user's own template has them too.
"""

import json
from dataclasses import replace

from pgen.clips import with_clip
from pgen.components import PromptBuilder
from pgen.languages import LANGUAGES
from pgen.records import Prompt, Repair, Sample
from pgen.turns import with_turns


def prompt_for(prompts: PromptBuilder, sample: Sample, seed: int, language: str) -> Prompt:
    """What is asked about a sample; `seed` is that of its moment."""
    prompt = with_turns(with_clip(prompts.build(sample, seed), sample), sample)
    if language == "en":
        return prompt
    told = f"Write user_prompt and robot_utterance in {LANGUAGES[language]}, as native speakers would say them."
    return replace(prompt, text=f"{prompt.text}\n\n{told} Everything else stays as it is.")


def repair_for(sample: Sample) -> Repair | None:
    """What is wrong with the dialogue that a sample is asked about once more."""
    if sample.about is None or not sample.problem:
        return None
    said = {"user_prompt": sample.about.user_prompt, "robot_utterance": sample.about.robot_utterance}
    return Repair(json.dumps(said, ensure_ascii=False), sample.problem)
