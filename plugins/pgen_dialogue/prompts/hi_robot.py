"""The prompt builder `hi-robot`: a planned kind of request and of answer, with its definition and examples.

Besides what Hi Robot conditions on, the model is told what the robot does later, so that no request
contradicts the demonstration. The wording lies in `hi_robot.toml`; what never changes is the system message,
first and identical for every sample, so that a server reads it once.
"""

import tomllib
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from pgen.components import PromptBuilder
from pgen.records import Plan, Prompt, Sample
from pgen.seeds import derive
from pgen_dialogue.prompts.grounding_facts import RuledOut, failed_before, ruled_out
from pgen_dialogue.prompts.once import once_a_span
from pgen_dialogue.prompts.planner import PlanOptions, plan
from pgen_dialogue.prompts.reply_schema import example_dialogue, fingerprint_of, typed, typed_schema
from pgen_dialogue.prompts.seed import listed
from pgen_dialogue.prompts.without_images import unseen

# Not in the wording's file: that is hashed, and the journals of runs that do show pictures stay valid.
SEEN = {
    "You see the scene as it is now, once for each camera, and you are told": "You are told",
    "Name only things that are visible, or that the task and the skills name, and describe them as they look.": (
        "Name only things that the task and the skills name."
    ),
}
"""What the wording says of pictures, and what it says where there are none."""


class HiRobotPrompt(PromptBuilder[PlanOptions]):
    """Asks for a dialogue of a planned scenario type and response type, as in Hi Robot, section A."""

    name = "hi-robot"

    def build(self, sample: Sample, seed: int) -> Prompt:
        planned = plan(sample, seed, self.options)
        text, system = request_text(sample, planned, seed), system_text(seen=bool(sample.moment.images))
        return Prompt(text=text, schema=_schema(), system=system, plan=planned)

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        return typed(example_dialogue(sample), plan(sample, seed, self.options))

    def fingerprint(self) -> str:
        return fingerprint_of(source())

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "version": wording()["version"]}


@cache
def _schema() -> dict[str, Any]:
    """The same for every sample: what is known of it need be found out but once."""
    return typed_schema()


@cache
def source() -> str:
    """The file with the wording."""
    return files("pgen_dialogue.prompts").joinpath("hi_robot.toml").read_text(encoding="utf-8")


@cache
def wording() -> dict[str, Any]:
    """The wording, parsed."""
    return tomllib.loads(source())


@cache
def system_text(*, seen: bool) -> str:
    """What never changes, for samples that are seen and for those that show no picture."""
    text: str = wording()["system"].strip()
    return text if seen else unseen(text, SEEN)


def request_text(sample: Sample, planned: Plan, seed: int) -> str:
    """What changes from sample to sample."""
    before, behind = _around_style(sample, planned)
    return f"{before}{_style(derive(seed, 'style', sample.question.variant))}{behind}"


@once_a_span
def _around_style(sample: Sample, planned: Plan) -> tuple[str, str]:
    """All that stands before the style, and all behind it."""
    scenario, scenario_examples = _type("scenarios", planned.scenario_type)
    response, response_examples = _type("responses", planned.response_type)
    fields = {
        "task_description": sample.span.task or "not described",
        "skill_history": listed(sample.span.history, "nothing yet"),
        "skill_current": sample.span.skill,
        "skill_future": listed(sample.span.future, "nothing more"),
        "scenario_type": planned.scenario_type,
        "scenario": scenario,
        "scenario_examples": scenario_examples,
        "response_type": planned.response_type,
        "response": response,
        "response_examples": response_examples,
        "boundary": _boundary(sample, planned),
    }
    before, _, behind = wording()["text"].strip().partition("{style}")
    return before.format(**fields), behind.format(**fields)


@cache
def _type(kind: str, name: str) -> tuple[str, str]:
    """The definition of a scenario type or a response type, and its examples."""
    told = wording()[kind][name]
    return told["text"], "\n".join(f"- {example}" for example in told["examples"])


def _style(seed: int) -> str:
    """Who speaks, in what tone and at what length."""
    words, random = wording(), Random(seed)
    text: str = words["style"].format(**{name: random.choice(kinds) for name, kinds in words["styles"].items()})
    return text


def _boundary(sample: Sample, planned: Plan) -> str:
    """What keeps a type to the truth: what may be ruled out, and what may go wrong."""
    if planned.response_type == "error_handling":
        failed, pairs = failed_before(sample), wording()["pairs"]
        told = pairs["error_handling_failed"].format(failed=failed) if failed else pairs["error_handling"]
        return f"\n\n{told}\n"
    if planned.scenario_type != "negative_task":
        return ""
    may = ruled_out(sample)
    text: str = wording()["boundary"].format(ruled_out="; ".join(_named(may)) or "nothing")
    return text


def _named(may: RuledOut) -> list[str]:
    return [*may.things, *(f"{deed.doing} again" for deed in may.deeds)]
