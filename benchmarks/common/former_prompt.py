"""The former prompt of `hi-robot`, version 2: a request for one dialogue, with all definitions behind the images."""

import tomllib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from pgen.components import PromptBuilder
from pgen.records import Plan, Prompt, Sample
from pgen.seeds import derive
from pgen_dialogue.prompts.reply_schema import example_dialogue, fingerprint_of, typed, typed_schema
from pgen_dialogue.prompts.seed import numbered

FILE = Path(__file__).parents[1] / "data" / "hi_robot_2.toml"
_RESPONSES = {
    "specific_object": ("acknowledgment", "confirmation", "error_handling"),
    "negative_task": ("acknowledgment", "confirmation", "constraint_acknowledgment"),
    "situated_correction": ("acknowledgment", "confirmation", "error_handling"),
    "implicit_request": ("acknowledgment", "confirmation", "clarification"),
    "constraint_based": ("acknowledgment", "confirmation", "constraint_acknowledgment"),
}


class FormerPrompt(PromptBuilder):
    """Asks for one dialogue whose types are drawn evenly."""

    name = "former"

    def build(self, sample: Sample, seed: int) -> Prompt:
        random = Random(derive(seed, "former"))
        scenario = random.choice([*_RESPONSES])
        response = random.choice(_RESPONSES[scenario])
        span, style = sample.span, _texts()["styles"].items()
        text = str(_texts()["text"]).strip()
        filled = text.format(
            task_description=span.task or "not described",
            skill_history=numbered(span.history, "nothing yet"),
            skill_current=span.skill,
            skill_future=numbered(span.future, "nothing more"),
            **_described("scenario", scenario),
            **_described("response", response),
            boundary="",
            style=_texts()["style"].format(**{name: random.choice(choices) for name, choices in style}),
        )
        return Prompt(filled, typed_schema(), _texts()["system"].strip(), plans=(Plan(scenario, response),))

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        return typed(example_dialogue(sample), Plan())

    def fingerprint(self) -> str:
        return fingerprint_of(FILE.read_text(encoding="utf-8"))


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _described(kind: str, name: str) -> dict[str, str]:
    entry = _texts()[f"{kind}s"][name]
    examples = "\n".join(f"- {example}" for example in entry["examples"])
    return {f"{kind}_type": name, kind: entry["text"], f"{kind}_examples": examples}
