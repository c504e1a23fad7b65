"""The generator `template`: plain English made from the skill, the task, the history and the planned types.

It needs no model and no time, and depends on the request alone. What it says is varied but simple: it shows
what a result looks like and tests everything around the model; it does not replace one.
"""

import json
from random import Random
from typing import Any

from pydantic import Field

from pgen.components import Generator, Options, tuning
from pgen.records import Plan, Reply, Request, Sample
from pgen.seeds import derive
from pgen_dialogue.english import read
from pgen_dialogue.english.verbs import gerund, participle
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES, PlanOptions, fitting_responses, plan
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH, sayable
from pgen_dialogue.template.asides import with_asides
from pgen_dialogue.template.facts import facts_of, in_other_words
from pgen_dialogue.template.phrasebook import compose, phrases

_BRIEFLY = 0.75
"""How often the robot says "it" where it can."""
_IN_OTHER_WORDS = 0.5
"""How often the person uses another verb than the skill's name."""
_HINTING = 0.7
"""How often a hint is one that was made for the kind of deed."""
_LEADING = 0.1
"""How often the person opens with a word of praise or a greeting."""


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
        count: int = self.options.concurrency
        return count

    async def generate(self, request: Request) -> Reply:
        return Reply(text=json.dumps(reply_to(request, self.options.asides), ensure_ascii=False))


def reply_to(request: Request, asides: float = 0.0) -> dict[str, str]:
    """The reply as an object with the keys that the request's schema has; `asides` as in the options."""
    properties = request.prompt.schema.get("properties", {})
    kind = complete(request.prompt.plan, request.sample, request.seed)
    user, robot = dialogue(request.sample, kind, request.seed)
    random = Random(derive(request.seed, "asides"))
    if random.random() < asides:
        user, robot = with_asides(user, robot, request.sample, kind, random)
    said = {
        "user_prompt": sayable(user, _limit(properties, "user_prompt")),
        "robot_utterance": sayable(robot, _limit(properties, "robot_utterance")),
        "scenario_type": kind.scenario_type or "",
        "response_type": kind.response_type or "",
    }
    return {name: value for name, value in said.items() if name in properties}


def complete(planned: Plan, sample: Sample, seed: int) -> Plan:
    """The planned types, with what is left open chosen so that it fits."""
    response = planned.response_type if planned.response_type in RESPONSE_TYPES else None
    options = PlanOptions(responses={response: 1.0}) if response else PlanOptions()
    chosen = plan(sample, derive(seed, "open"), options).scenario_type or ""
    scenario = planned.scenario_type if planned.scenario_type in SCENARIO_TYPES else chosen
    return Plan(scenario, response or Random(derive(seed, "answer")).choice(fitting_responses(scenario or chosen)))


def dialogue(sample: Sample, kind: Plan, seed: int) -> tuple[str, str]:
    """What the person says and what the robot answers, to the point."""
    random = Random(derive(seed, "phrases"))
    facts = facts_of(sample, random)
    if "do" not in facts:
        unread: dict[str, list[str]] = phrases()["unread" if facts else "nothing"]
        return compose(unread["user"], facts, random), compose(unread["robot"], facts, random)
    user = _user(sample, kind, facts, random)
    refuses = (kind.scenario_type, kind.response_type) == ("negative_task", "constraint_acknowledgment")
    briefly = random.random() < _BRIEFLY and not refuses
    robot = _robot(kind, _heard(_brief(facts, user) if briefly else facts, user, random), random)
    plain = f"Please {facts['do']}.", f"Sure, {facts['doing']}."
    return (user if len(user) <= MAX_LENGTH else plain[0]), (robot if len(robot) <= MAX_LENGTH else plain[1])


def _user(sample: Sample, kind: Plan, facts: dict[str, str], random: Random) -> str:
    leads = random.random() < _LEADING and kind.scenario_type != "situated_correction"
    lead = compose(phrases()["lead"]["said"], {}, random) if leads else ""
    asked = in_other_words(facts, random) if random.random() < _IN_OTHER_WORDS else facts
    book = phrases()["user"][kind.scenario_type]
    said = ""
    if kind.scenario_type == "implicit_request":
        asked = _without_verb(asked, read(sample.span.skill).verb)
        said = _hint(sample, asked, random)
    said = said or compose(book["said"], asked, random) or compose(book["otherwise"], asked, random)
    return f"{lead} {said}" if lead else said


def _without_verb(facts: dict[str, str], verb: str) -> dict[str, str]:
    """The facts for a request that must not name the deed: without what names the same verb beside it."""
    forms = {verb, gerund(verb), participle(verb)}
    return {name: text for name, text in facts.items() if name.startswith("do") or not forms & set(text.split())}


def _hint(sample: Sample, facts: dict[str, str], random: Random) -> str:
    """A hint made for this kind of deed; empty where a general one is to be taken."""
    now = read(sample.span.skill)
    hints = phrases()["hints" if now.objects else "bare"].get(now.act, [])
    return compose(hints, facts, random) if random.random() < _HINTING else ""


def _heard(facts: dict[str, str], user: str, random: Random) -> dict[str, str]:
    """The facts for the robot, which may leave the deed unsaid where the person has named it or its thing."""
    named = {facts["do"], facts["doing"], facts.get("obj", facts["do"])}
    if not any(name.lower() in user.lower() for name in named):
        return facts
    on_it = compose(["<seen>"], {}, random)
    return facts | {"on_it": on_it if on_it.startswith(("I ", "I'")) else on_it[:1].lower() + on_it[1:]}


def _brief(facts: dict[str, str], user: str) -> dict[str, str]:
    """The facts for a robot that says "it" for what the person has just named, and names nothing else."""
    if "obj" not in facts or not (facts["obj"] in user or facts["Obj"] in user):
        return facts
    kept = {name: value for name, value in facts.items() if not name.lower().startswith(("last_", "not_"))}
    return kept | {name: facts[f"{name}_it"] for name in ("do", "doing", "Do", "Doing")}


def _robot(kind: Plan, facts: dict[str, str], random: Random) -> str:
    section: dict[str, Any] = phrases()["robot"][kind.response_type]
    if kind.response_type == "constraint_acknowledgment":
        section = section["negative_task" if kind.scenario_type == "negative_task" else "constraint_based"]
    return compose(section["said"], facts, random) or compose(section["otherwise"], facts, random)


def _limit(properties: dict[str, Any], name: str) -> int:
    return min(int(properties.get(name, {}).get("maxLength", MAX_LENGTH)), MAX_LENGTH)
