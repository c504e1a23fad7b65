"""The prompt builder `hi-robot`: asks for all dialogues of a moment, each with its scope and its planned types.

Besides what Hi Robot conditions on, the prompt lists the later skills, so that no request contradicts the
demonstration. All text is in `hi_robot.toml`. The system message is the same for every request, the context the same
for every request of an episode, and what is specific to a moment comes last, behind the images: a server that caches
prefixes computes the rest once.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from pgen.components import MomentPromptBuilder
from pgen.records import Plan, Prompt, Question, Sample, SpanContext
from pgen.seeds import derive
from pgen_dialogue.prompts.grounding_facts import alternatives, failed_skill
from pgen_dialogue.prompts.phases import is_readable, names_of, object_of
from pgen_dialogue.prompts.planner import PlanOptions, is_decision, plan, plans, spread
from pgen_dialogue.prompts.questions import questions
from pgen_dialogue.prompts.reply_schema import example_dialogue, fingerprint_of, typed, typed_schema
from pgen_dialogue.prompts.seed import without_images

# Not in the TOML file: its hash is part of the fingerprint, and journals of runs with images must stay valid.
IMAGE_PASSAGES = {
    "Then you see the scene at one moment, once for each camera, and you are told": "Then you are told",
    "what is visible, in at most 15 words: the things, where they are, and what the robot holds.": "nothing.",
    "Name only things that are visible, or that the task and the skills name, and describe them as they look.": (
        "Name only things that the task and the skills name."
    ),
}
"""Passages of the system message about images, and their replacements for samples without images."""

FAILED = " (this attempt does not succeed)"
"""Behind a skill that is marked as failed; not in the TOML file for the same reason."""


class HiRobotPrompt(MomentPromptBuilder[PlanOptions]):
    """Asks for dialogues of planned scopes, scenario types and response types, after Hi Robot, section A."""

    name = "hi-robot"

    def questions(self, samples: Sequence[Sample], seed: int) -> list[list[Question]]:
        return questions(samples, seed, self.options.counterfactuals)

    def build_moment(self, samples: Sequence[Sample], seed: int) -> Prompt:
        planned = tuple(plans(samples, seed, self.options))
        system = _system() if samples[0].moment.images else without_images(_system(), IMAGE_PASSAGES)
        text = _text(samples, [*_dialogues(samples, planned, seed)])
        return Prompt(text, typed_schema(), system, _context(samples[0].span), planned)

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


@cache
def _system() -> str:
    text: str = texts()["system"].strip()
    return text.format(scenarios=_definitions("scenarios"), responses=_definitions("responses"))


def _definitions(kind: str) -> str:
    entries = texts()[kind].items()
    return "\n".join(
        "\n".join((f"- {name}: {entry['text']}", *(f"  {example}" for example in entry["examples"])))
        for name, entry in entries
    )


def _context(span: SpanContext) -> str:
    skills = "\n".join(
        f"{place + 1}. {name}{FAILED if place in span.failed else ''}" for place, name in enumerate(names_of(span))
    )
    text: str = texts()["context"].strip()
    return text.format(task=span.task or "not described", skills=skills)


def _text(samples: Sequence[Sample], lines: Sequence[str]) -> str:
    speaker = Random(samples[0].question.speaker)
    text: str = texts()["text"].strip()
    return text.format(
        position=_position(samples[0]),
        count="this dialogue" if len(samples) == 1 else f"these {len(samples)} dialogues",
        dialogues="\n".join(lines),
        **{name: speaker.choice(choices) for name, choices in texts()["speakers"].items()},
    )


def _position(sample: Sample) -> str:
    """Return the sentence on how far the robot is."""
    done, seconds = sample.span.skill_index, sample.moment.running
    name = ("running" if done else "running_first") if seconds else ("begins" if done else "first")
    text: str = texts()["positions"][name]
    listed = "1" if done == 1 else f"1 to {done}"
    failed = failed_skill(sample.span)
    if failed in sample.span.history and is_readable(failed):
        number = done - sample.span.history[::-1].index(failed)
        listed = texts()["positions"]["failed"].format(done=listed, number=number)
    return text.format(done=listed, number=done + 1, seconds=f"{seconds:.0f}", skill=sample.span.skill)


def _dialogues(samples: Sequence[Sample], plans: Sequence[Plan], seed: int) -> Iterator[str]:
    """Yield the numbered lines of the dialogues, those of one scope under one heading."""
    heading, headed = "", None
    for number, (sample, planned) in enumerate(zip(samples, plans, strict=True), 1):
        question = sample.question
        under = question.scope, question.skills, question.counterfactual, question.target
        if under != headed and (own := _heading(sample)) != heading:
            heading = own
            yield f"{own}:"
        headed = under
        yield f"{number}. {_line(sample, planned, seed)}"


def _heading(sample: Sample) -> str:
    """Return the scope with the skills that it leads to, and what else could have followed at a decision point."""
    question, first = sample.question, sample.span.skill_index + 1
    if question.counterfactual:
        others = [*filter(None, [object_of(sample.span.skill)]), *_others(sample)]
        text: str = texts()["instead"][question.counterfactual]
        return text.format(target=question.target, others=" or ".join(others))
    scope = "running" if question.scope == "step" and sample.moment.running else question.scope
    text = texts()["scopes"][scope].format(first=first, last=first + question.skills - 1, skill=sample.span.skill)
    if question.scope in ("step", "phase") and is_decision(sample):
        text += f". {texts()['notes']['decision'].format(others=' or '.join(_others(sample)))}"
    return text


def _others(sample: Sample) -> list[str]:
    """Return what else could have followed, with a remark on what only other episodes name."""
    span, notes = sample.span, texts()["notes"]
    own = alternatives(replace(span, elsewhere=()))
    names = [name if name in own else notes["elsewhere"].format(name=name) for name in alternatives(span)]
    return [*names, notes["others"]] if sample.moment.images else names


def _line(sample: Sample, planned: Plan, seed: int) -> str:
    """Return the types of a dialogue, what keeps it true, and the form of its request."""
    if sample.question.counterfactual:
        return _form(sample, planned, seed)
    types = f"{planned.scenario_type}, {planned.response_type}"
    return "; ".join([types, *_notes(sample, planned), _form(sample, planned, seed)])


def _notes(sample: Sample, planned: Plan) -> Iterator[str]:
    notes, scope = texts()["notes"], sample.question.scope
    if scope == "episode":
        wide = "summary" if sample.question.variant % 2 else "explicit"
        yield texts()["openness"]["open" if planned.scenario_type == "implicit_request" else wide]
    if planned.excluded is not None:
        name = "forbidden" if scope != "standing" else ("standing" if planned.excluded else "standing_any")
        yield notes[name].format(excluded=planned.excluded)
    if planned.absent:
        yield notes["absent"].format(absent=planned.absent)
    elif planned.response_type == "error_handling":
        yield notes["failed"].format(failed=failed_skill(sample.span))


def _form(sample: Sample, planned: Plan, seed: int) -> str:
    """Return the form of the request, one that suits its type."""
    forms = texts()["forms"]
    own = forms[planned.scenario_type] if planned.scenario_type and sample.question.scope == "step" else []
    suitable: list[str] = forms["long"] if planned.absent else [*forms["any"], *own]
    place = spread(derive(seed, "form", sample.question.scope), sample.question.variant)
    return suitable[int(place * len(suitable))]
