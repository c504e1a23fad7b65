"""The generator `template`: plain English composed from the skill, the task, the history and the plan.

It needs no model and depends on the request alone. Its dialogue is varied but simple: it shows what a result looks
like and tests everything around the model; it does not replace one.
"""

import json
from random import Random
from typing import Any

from pydantic import Field

from pgen.components import Generator, Options, tuning
from pgen.records import Plan, Reply, Request, Sample, SpanContext
from pgen.seeds import derive
from pgen_dialogue.english import read
from pgen_dialogue.english.verbs import gerund, participle
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES, PlanOptions, fitting_responses, plan
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH, sayable
from pgen_dialogue.template.asides import with_asides
from pgen_dialogue.template.facts import facts_of, in_other_words
from pgen_dialogue.template.phrasebook import compose, phrases

_PRONOUN = 0.75
"""How often the robot says "it" where it can."""
_SYNONYM = 0.5
"""How often the person uses another verb than the skill's name."""
_SPECIFIC_HINT = 0.7
"""How often a hint is one for the kind of action."""
_LEAD = 0.1
"""How often the person begins with praise or a greeting."""


class TemplateOptions(Options):
    asides: float = Field(0.0, ge=0, le=1)
    """The share of dialogues in which the two also say something beside the matter, for more varied text."""
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
        return Reply(text=json.dumps(reply_to(request, self.options.asides), ensure_ascii=False))


def reply_to(request: Request, asides: float = 0.0) -> dict[str, str]:
    """Return the reply as an object with the properties of the request's schema; `asides` as in the options."""
    properties = request.prompt.schema.get("properties", {})
    kind = complete(request.prompt.plans[0], request.sample, request.seed)
    user, robot = dialogue(request.sample.span, kind, request.seed)
    random = Random(derive(request.seed, "asides"))
    if random.random() < asides:
        user, robot = with_asides(user, robot, request.sample.span, kind, random)
    reply = {
        "user_prompt": sayable(user, _limit(properties, "user_prompt")),
        "robot_utterance": sayable(robot, _limit(properties, "robot_utterance")),
        "scenario_type": kind.scenario_type or "",
        "response_type": kind.response_type or "",
    }
    return {name: value for name, value in reply.items() if name in properties}


def complete(planned: Plan, sample: Sample, seed: int) -> Plan:
    """Return the plan with fitting types for those that it leaves open."""
    scenario, response = planned.scenario_type, planned.response_type
    if scenario not in SCENARIO_TYPES:
        options = PlanOptions(responses={response: 1.0}) if response in RESPONSE_TYPES else PlanOptions()
        scenario = plan(sample, derive(seed, "open"), options).scenario_type or ""
    if response not in RESPONSE_TYPES:
        response = Random(derive(seed, "answer")).choice(fitting_responses(scenario, sample))
    return Plan(scenario, response)


def dialogue(span: SpanContext, kind: Plan, seed: int) -> tuple[str, str]:
    """Return the user's prompt and the robot's utterance, without asides."""
    random = Random(derive(seed, "phrases"))
    facts = facts_of(span, random)
    if "do" not in facts:
        unread: dict[str, list[str]] = phrases()["unread" if facts else "nothing"]
        return compose(unread["user"], facts, random), compose(unread["robot"], facts, random)
    user = _user(span, kind, facts, random)
    refuses = (kind.scenario_type, kind.response_type) == ("negative_task", "constraint_acknowledgment")
    pronoun = random.random() < _PRONOUN and not refuses
    robot_facts = _without_action(_with_pronoun(facts, user) if pronoun else facts, user, random)
    robot = _robot(kind, robot_facts, random)
    plain = f"Please {facts['do']}.", f"Sure, {facts['doing']}."
    return (user if len(user) <= MAX_LENGTH else plain[0]), (robot if len(robot) <= MAX_LENGTH else plain[1])


def _user(span: SpanContext, kind: Plan, facts: dict[str, str], random: Random) -> str:
    leads = random.random() < _LEAD and kind.scenario_type != "situated_correction"
    lead = compose(phrases()["lead"]["said"], {}, random) if leads else ""
    if random.random() < _SYNONYM:
        facts = in_other_words(facts, random)
    choices = phrases()["user"][kind.scenario_type]
    text = ""
    if kind.scenario_type == "implicit_request":
        skill = read(span.skill)
        facts = _without_verb(facts, skill.verb)
        hints = phrases()["hints" if skill.objects else "bare"].get(skill.act, [])
        text = compose(hints, facts, random) if random.random() < _SPECIFIC_HINT else ""
    text = text or compose(choices["said"], facts, random) or compose(choices["otherwise"], facts, random)
    return f"{lead} {text}" if lead else text


def _without_verb(facts: dict[str, str], verb: str) -> dict[str, str]:
    """Return the facts for a request that must not name the action: without others that use the same verb."""
    forms = {verb, gerund(verb), participle(verb)}
    return {name: text for name, text in facts.items() if name.startswith("do") or not forms & set(text.split())}


def _without_action(facts: dict[str, str], user: str, random: Random) -> dict[str, str]:
    """Return the robot's facts; where the person names the action or its object, `on_it` may stand for the action."""
    named = {facts["do"], facts["doing"], facts.get("obj", facts["do"])}
    if not any(name.lower() in user.lower() for name in named):
        return facts
    on_it = compose(["<seen>"], {}, random)
    return facts | {"on_it": on_it if on_it.startswith(("I ", "I'")) else on_it[:1].lower() + on_it[1:]}


def _with_pronoun(facts: dict[str, str], user: str) -> dict[str, str]:
    """Return the facts for a robot that says "it" for the object that the person has named, and names no other."""
    if "obj" not in facts or not (facts["obj"] in user or facts["Obj"] in user):
        return facts
    own = {name: text for name, text in facts.items() if not name.lower().startswith(("last_", "not_"))}
    return own | {name: facts[f"{name}_it"] for name in ("do", "doing", "Do", "Doing")}


def _robot(kind: Plan, facts: dict[str, str], random: Random) -> str:
    choices: dict[str, Any] = phrases()["robot"][kind.response_type]
    if kind.response_type == "constraint_acknowledgment":
        choices = choices["negative_task" if kind.scenario_type == "negative_task" else "constraint_based"]
    return compose(choices["said"], facts, random) or compose(choices["otherwise"], facts, random)


def _limit(properties: dict[str, Any], name: str) -> int:
    return min(int(properties.get(name, {}).get("maxLength", MAX_LENGTH)), MAX_LENGTH)
