"""The prompt builder `hi-robot`: requests a planned scenario type and response type, with definitions and examples.

Besides what Hi Robot conditions on, the prompt lists the later skills, so that no request contradicts the
demonstration. All text is in `hi_robot.toml`. The system message is the same for every sample, so that a server can
cache its prefix.
"""

import tomllib
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from pgen.components import PromptBuilder
from pgen.records import Plan, Prompt, Sample, SpanContext
from pgen.seeds import derive
from pgen_dialogue.prompts.grounding_facts import exclusions, failed_skill
from pgen_dialogue.prompts.planner import PlanOptions, plan
from pgen_dialogue.prompts.reply_schema import example_dialogue, fingerprint_of, typed, typed_schema
from pgen_dialogue.prompts.seed import numbered, without_images

# Not in the TOML file: its hash is part of the fingerprint, and journals of runs with images must stay valid.
IMAGE_PASSAGES = {
    "You see the scene as it is now, once for each camera, and you are told": "You are told",
    "Name only things that are visible, or that the task and the skills name, and describe them as they look.": (
        "Name only things that the task and the skills name."
    ),
}
"""Passages of the system message about images, and their replacements for samples without images."""


class HiRobotPrompt(PromptBuilder[PlanOptions]):
    """Asks for a dialogue of a planned scenario type and response type, as in Hi Robot, section A."""

    name = "hi-robot"

    def build(self, sample: Sample, seed: int) -> Prompt:
        planned = plan(sample, seed, self.options)
        system: str = texts()["system"].strip()
        if not sample.moment.images:
            system = without_images(system, IMAGE_PASSAGES)
        style = _style(derive(seed, "style", sample.question.variant))
        return Prompt(_text(sample.span, planned, style), typed_schema(), system, planned)

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        return typed(example_dialogue(sample), plan(sample, seed, self.options))

    def fingerprint(self) -> str:
        return fingerprint_of(_source())

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "version": texts()["version"]}


@cache
def texts() -> dict[str, Any]:
    """Return the parsed content of `hi_robot.toml`."""
    return tomllib.loads(_source())


def _source() -> str:
    return files("pgen_dialogue.prompts").joinpath("hi_robot.toml").read_text(encoding="utf-8")


def _text(span: SpanContext, planned: Plan, style: str) -> str:
    scenario, response = texts()["scenarios"][planned.scenario_type], texts()["responses"][planned.response_type]
    text: str = texts()["text"].strip()
    return text.format(
        task_description=span.task or "not described",
        skill_history=numbered(span.history, "nothing yet"),
        skill_current=span.skill,
        skill_future=numbered(span.future, "nothing more"),
        scenario_type=planned.scenario_type,
        scenario=scenario["text"],
        scenario_examples=_bulleted(scenario["examples"]),
        response_type=planned.response_type,
        response=response["text"],
        response_examples=_bulleted(response["examples"]),
        boundary=_boundary(span, planned),
        style=style,
    )


def _bulleted(examples: list[str]) -> str:
    return "\n".join(f"- {example}" for example in examples)


def _style(seed: int) -> str:
    """Return the sentence on who speaks, in what tone and at what length."""
    random = Random(seed)
    text: str = texts()["style"]
    return text.format(**{name: random.choice(choices) for name, choices in texts()["styles"].items()})


def _boundary(span: SpanContext, planned: Plan) -> str:
    """Return the paragraph that keeps the dialogue true: what may be forbidden, or what may go wrong."""
    if planned.response_type == "error_handling":
        failed, pairs = failed_skill(span), texts()["pairs"]
        text = pairs["error_handling_failed"].format(failed=failed) if failed else pairs["error_handling"]
        return f"\n\n{text}\n"
    if planned.scenario_type != "negative_task":
        return ""
    excluded = exclusions(span)
    names = [*excluded.objects, *(f"{action.doing} again" for action in excluded.actions)]
    boundary: str = texts()["boundary"]
    return boundary.format(ruled_out="; ".join(names) or "nothing")
