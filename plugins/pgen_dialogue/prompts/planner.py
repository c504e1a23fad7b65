"""Chooses the plan of a dialogue: a scenario type and a response type that fit its moment and its scope.

The choice depends on the sample, the weights and the seed alone. Types that cannot fit are left out, and the weights
of the others decide; types that the options do not list have the weight 0. If no type with a weight is left, the plan
is `specific_object` with `acknowledgment`, which fit everywhere. The wordings of a dialogue are spread over the types.

No plan claims what the labels do not show: a wish or a condition that selects one of several things needs a decision
point, an error a skill that failed or a request for what is not there, a correction an action before it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from pgen.components import Options
from pgen.records import Plan, Sample, SpanContext
from pgen.seeds import derive
from pgen_dialogue.prompts.grounding_facts import alternatives, exclusions, failed_skill, previous_skill
from pgen_dialogue.prompts.phases import is_readable, is_turn, names_of
from pgen_dialogue.prompts.same_object import content

_RESPONSES = {
    "specific_object": ("acknowledgment", "confirmation", "error_handling"),
    "negative_task": ("acknowledgment", "confirmation", "constraint_acknowledgment"),
    "situated_correction": ("acknowledgment", "confirmation", "error_handling"),
    "implicit_request": ("acknowledgment", "confirmation", "clarification"),
    "constraint_based": ("acknowledgment", "confirmation", "constraint_acknowledgment"),
}
SCENARIO_TYPES = tuple(_RESPONSES)
RESPONSE_TYPES = ("acknowledgment", "confirmation", "clarification", "constraint_acknowledgment", "error_handling")
_GOLDEN = 0.618033988749895
"""Steps of the golden ratio never come close to each other on a circle: the wordings of a dialogue get different types,
and each type still gets exactly its share."""
_ABSENT = (
    "the scissors", "the orange juice", "the sponge", "the green marker", "the screwdriver", "the banana",
    "the water bottle", "the tape", "the spoon", "the yellow cup", "the notebook", "the keys", "the remote control",
    "the teddy bear", "the towel", "the pepper mill",
)  # fmt: skip
"""Things that somebody may ask for although they are not there."""


class PlanOptions(Options):
    """The weights of the scenario types and of the response types, and the share of counterfactual dialogues."""

    scenarios: dict[str, float] = dict.fromkeys(SCENARIO_TYPES, 1.0)
    """How often each scenario type is asked for, relative to the others that fit. Not listed: never."""

    responses: dict[str, float] = dict.fromkeys(RESPONSE_TYPES, 1.0)
    """How often each response type is asked for, relative to the others that fit. Not listed: never."""

    counterfactuals: float = Field(0.0, ge=0, le=1)
    """The share of decision points at which prompts are requested, too, that lead to another skill or to none."""

    @field_validator("scenarios")
    @classmethod
    def _scenarios(cls, value: dict[str, float]) -> dict[str, float]:
        return check_weights(value, SCENARIO_TYPES)

    @field_validator("responses")
    @classmethod
    def _responses(cls, value: dict[str, float]) -> dict[str, float]:
        return check_weights(value, RESPONSE_TYPES)


def check_weights(weights: dict[str, float], types: tuple[str, ...]) -> dict[str, float]:
    """Return the weights if each is of one of the types and finite, none is negative and one is not 0."""
    if unknown := sorted(set(weights) - set(types)):
        raise _invalid(f"there is no type {', '.join(unknown)}; there are {', '.join(types)}")
    if wrong := sorted(name for name, weight in weights.items() if not (0 <= weight < math.inf)):
        raise _invalid(f"the weight of {', '.join(wrong)} must be a number from 0 up")
    if not any(weights.values()):
        raise _invalid("at least one type needs a weight above 0")
    return weights


def is_decision(sample: Sample) -> bool:
    """Return whether the sample is at a decision point: another object or place could have followed here.

    Where images are shown, the robot may turn away from a thing that no label names.
    """
    if sample.moment.running:
        return False
    shown = bool(sample.moment.images) and is_turn(sample.span)
    return shown or bool(alternatives(sample.span))


def fitting_scenarios(sample: Sample) -> tuple[str, ...]:
    """Return the scenario types that fit the sample, in the order of `SCENARIO_TYPES`."""
    span, scope = sample.span, sample.question.scope
    if scope == "episode":
        return ("specific_object", "implicit_request")
    if scope == "standing":
        return ("negative_task",)
    if not is_readable(span.skill):
        return ("specific_object",)
    fits = {
        "negative_task": bool(exclusions(span)),
        "situated_correction": scope == "step" and previous_skill(span) is not None,
        "implicit_request": is_decision(sample),
        "constraint_based": is_decision(sample),
    }
    return tuple(name for name in SCENARIO_TYPES if fits.get(name, True))


def fitting_responses(scenario: str, sample: Sample) -> tuple[str, ...]:
    """Return the response types that fit a scenario type in a sample."""
    responses = _RESPONSES[scenario]
    if sample.question.scope == "standing":
        return ("acknowledgment", "constraint_acknowledgment")
    step = sample.question.scope == "step" and is_readable(sample.span.skill)
    failed = scenario == "situated_correction" and not sample.moment.running and bool(failed_skill(sample.span))
    absent = scenario == "specific_object" and is_decision(sample)
    if step and (failed or absent):
        return responses
    return tuple(name for name in responses if name != "error_handling")


def plan(sample: Sample, seed: int, options: PlanOptions) -> Plan:
    """Return the plan for a sample; `seed` is its moment's, the same for every variant."""
    return next(plans([sample], seed, options))


def plans(samples: Iterable[Sample], seed: int, options: PlanOptions) -> Iterator[Plan]:
    """Yield the plans for samples of one moment, whose seed is `seed`."""
    shares_of: dict[str, dict[tuple[str, str], float]] = {}
    for sample in samples:
        question = sample.question
        if question.counterfactual:
            yield Plan()
            continue
        if question.scope not in shares_of:
            shares_of[question.scope] = shares(sample, options)
        own = derive(seed, question.scope)
        chosen = _at(shares_of[question.scope], spread(derive(own, "types"), question.variant))
        yield Plan(*chosen, excluded=_excluded(sample, chosen[0], own), absent=_absent(sample, chosen, own))


def spread(seed: int, number: int) -> float:
    """Return a place in [0, 1) for each number, uniform over the seeds, and far from those of other numbers."""
    return (seed / 2**32 + number * _GOLDEN) % 1.0


def _at(pairs: dict[tuple[str, str], float], place: float) -> tuple[str, str]:
    """Return the pair that covers a place in [0, 1) where the pairs lie side by side, each as wide as its share."""
    for pair, share in pairs.items():
        place -= share
        if place < 0:
            return pair
    return next(reversed(pairs))


def possible_types(sample: Sample, options: PlanOptions) -> dict[str, list[str]]:
    """Return the scenario types that may be planned for a sample, each with its response types."""
    fitting = fitting_scenarios(sample)
    scenarios = [name for name in fitting if options.scenarios.get(name)] or [fitting[0]]
    responses = {
        scenario: [name for name in fitting_responses(scenario, sample) if options.responses.get(name)]
        for scenario in scenarios
    }
    answerable = {scenario: names for scenario, names in responses.items() if names}
    return answerable or {scenario: ["acknowledgment"] for scenario in scenarios}


def shares(sample: Sample, options: PlanOptions) -> dict[tuple[str, str], float]:
    """Return how likely each pair of scenario type and response type is for a sample; the shares add up to 1.

    They are the same for all samples of one scope at one moment.
    """
    possible = possible_types(sample, options)
    return {
        (scenario, response): share * part
        for scenario, share in _normalized(options.scenarios, possible).items()
        for response, part in _normalized(options.responses, possible[scenario]).items()
        if share * part
    }


def _excluded(sample: Sample, scenario: str, seed: int) -> str | None:
    """Return what a negative request forbids: an object or an action; "" for whatever the robot does not use."""
    if scenario != "negative_task":
        return None
    excluded = exclusions(sample.span)
    if sample.question.scope == "standing":  # an action may be repeated much later
        return excluded.objects[0] if excluded.objects else ""
    names = [*excluded.objects, *(f"{action.doing} again" for action in excluded.actions)]
    return names[derive(seed, "excluded", sample.question.variant) * len(names) // 2**32] if names else ""


def _absent(sample: Sample, types: tuple[str, str], seed: int) -> str | None:
    """Return what a false premise asks for: nothing that the labels name."""
    if types != ("specific_object", "error_handling"):
        return None
    absent = absent_objects(sample.span)
    return absent[derive(seed, "absent", sample.question.variant) * len(absent) // 2**32] if absent else None


def absent_objects(span: SpanContext) -> list[str]:
    """Return things that no label of the episode names."""
    named = content(" ".join((span.task, *names_of(span))).replace("_", " "))
    return [name for name in _ABSENT if not content(name) & named]


def _normalized(weights: Mapping[str, float], names: Iterable[str]) -> dict[str, float]:
    chosen = {name: weights.get(name, 0.0) for name in names}
    total = sum(chosen.values())
    return {name: weight / total if total else 1.0 for name, weight in chosen.items()}  # one name may have no weight


def _invalid(message: str) -> PydanticCustomError:
    return PydanticCustomError("weights", "{reason}", {"reason": message})
