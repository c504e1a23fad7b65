"""The generator `template`: plain English composed from what a dialogue leads to, its scope and its plan.

It needs no model and depends on the request alone. Its dialogue is true but simple: it shows what a result looks like
and tests everything around the model; it does not replace one.
"""

import json
from dataclasses import replace
from random import Random
from typing import Any

from pgen.components import Generator, Options, tuning
from pgen.records import Plan, Reply, Request, Sample
from pgen.seeds import derive
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES, PlanOptions, fitting_responses, plan
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH, sayable
from pgen_dialogue.template.dialogue import dialogue

_INSTEAD = {"ask": "clarification", "decline": "error_handling"}
"""The types of answers that lead to no skill."""


class TemplateOptions(Options):
    concurrency: int = tuning(64, ge=1)
    """How many requests are taken at once."""


class TemplateGenerator(Generator[TemplateOptions]):
    """Replies composed from phrases, the same for the same request."""

    name = "template"
    languages = frozenset({"en"})
    any_schema = False

    @property
    def concurrency(self) -> int:
        return self.options.concurrency

    async def generate(self, request: Request) -> Reply:
        return Reply(text=json.dumps(reply_to(request), ensure_ascii=False))


def reply_to(request: Request) -> dict[str, str]:
    """Return the reply as an object with the properties of the request's schema."""
    properties = request.prompt.schema.get("properties", {})
    planned = complete(request.prompt.plans[0], request.sample, request.seed)
    user, robot = dialogue(request.sample, planned, request.seed)
    reply = {
        "user_prompt": sayable(user, _limit(properties, "user_prompt")),
        "robot_utterance": sayable(robot, _limit(properties, "robot_utterance")),
        "scenario_type": planned.scenario_type or "",
        "response_type": planned.response_type or "",
    }
    return {name: value for name, value in reply.items() if name in properties}


def complete(planned: Plan, sample: Sample, seed: int) -> Plan:
    """Return the plan with fitting types for those that it leaves open."""
    scenario, response = planned.scenario_type, planned.response_type
    if kind := sample.question.counterfactual:
        return Plan("specific_object", _INSTEAD.get(kind, "acknowledgment"))
    if scenario not in SCENARIO_TYPES:
        options = PlanOptions(responses={response: 1.0}) if response in RESPONSE_TYPES else PlanOptions()
        drawn = plan(sample, derive(seed, "open"), options)
        return replace(drawn, response_type=response) if response in RESPONSE_TYPES else drawn
    if response not in RESPONSE_TYPES:
        response = Random(derive(seed, "answer")).choice(fitting_responses(scenario, sample))
    return replace(planned, response_type=response)


def _limit(properties: dict[str, Any], name: str) -> int:
    return min(int(properties.get(name, {}).get("maxLength", MAX_LENGTH)), MAX_LENGTH)
