"""Chooses the plan of a prompt: a scenario type and a response type that fit the sample.

The choice depends on the sample, the weights and the seed alone. Types that cannot fit are left out, and the weights
of the others decide; types that the options do not list have the weight 0. If no type with a weight is left, the plan
is `specific_object` with `acknowledgment`, which fit everywhere. The variants of a sample have different plans as
long as there are others that fit.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from pgen.components import Options
from pgen.records import Plan, Sample, SpanContext
from pgen.seeds import derive
from pgen_dialogue.prompts.grounding_facts import exclusions, previous_skill

_RESPONSES = {
    "specific_object": ("acknowledgment", "confirmation"),
    "negative_task": ("acknowledgment", "confirmation", "constraint_acknowledgment"),
    "situated_correction": ("acknowledgment", "confirmation", "clarification", "error_handling"),
    "implicit_request": ("acknowledgment", "confirmation", "clarification"),
    "constraint_based": ("acknowledgment", "confirmation", "constraint_acknowledgment"),
}
SCENARIO_TYPES = tuple(_RESPONSES)
RESPONSE_TYPES = (
    "acknowledgment",
    "confirmation",
    "clarification",
    "constraint_acknowledgment",
    "error_handling",
)


class PlanOptions(Options):
    """The weights of the scenario types and of the response types."""

    scenarios: dict[str, float] = dict.fromkeys(SCENARIO_TYPES, 1.0)
    """How often each scenario type is asked for, relative to the others that fit. Not listed: never."""

    responses: dict[str, float] = dict.fromkeys(RESPONSE_TYPES, 1.0)
    """How often each response type is asked for, relative to the others that fit. Not listed: never."""

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


def fitting_scenarios(span: SpanContext) -> tuple[str, ...]:
    """Return the scenario types that fit the span."""
    fits = {"negative_task": bool(exclusions(span)), "situated_correction": previous_skill(span) is not None}
    return tuple(name for name in SCENARIO_TYPES if fits.get(name, True))


def fitting_responses(scenario: str) -> tuple[str, ...]:
    """Return the response types that fit a scenario type."""
    return _RESPONSES[scenario]


def plan(sample: Sample, seed: int, options: PlanOptions) -> Plan:
    """Return the plan for a sample; `seed` is its moment's, the same for every variant."""
    possible = possible_types(sample.span, options)
    chosen = _draw_types(possible, seed, options)
    used: set[tuple[str, str]] = set()
    for number in range(1, sample.question.variant + 1):
        used.add(chosen)
        unused = {
            scenario: left
            for scenario, responses in possible.items()
            if (left := [response for response in responses if (scenario, response) not in used])
        }
        if not unused:
            used, unused = set(), possible
        chosen = _draw_types(unused, derive(seed, "variant", number), options)
    return Plan(*chosen)


def possible_types(span: SpanContext, options: PlanOptions) -> dict[str, list[str]]:
    """Return the scenario types that may be planned for a span, each with its response types."""
    scenarios = [name for name in fitting_scenarios(span) if options.scenarios.get(name)] or ["specific_object"]
    responses = {
        scenario: [name for name in fitting_responses(scenario) if options.responses.get(name)]
        for scenario in scenarios
    }
    answerable = {scenario: names for scenario, names in responses.items() if names}
    return answerable or {scenario: ["acknowledgment"] for scenario in scenarios}


def shares(span: SpanContext, options: PlanOptions) -> dict[tuple[str, str], float]:
    """Return how likely each pair of scenario type and response type is for a span; the shares add up to 1."""
    possible = possible_types(span, options)
    return {
        (scenario, response): share * part
        for scenario, share in _normalized(options.scenarios, possible).items()
        for response, part in _normalized(options.responses, possible[scenario]).items()
    }


def _normalized(weights: Mapping[str, float], names: Iterable[str]) -> dict[str, float]:
    chosen = {name: weights.get(name, 0.0) for name in names}
    total = sum(chosen.values())
    return {name: weight / total if total else 1.0 for name, weight in chosen.items()}  # one name may have no weight


def _draw_types(possible: Mapping[str, Sequence[str]], seed: int, options: PlanOptions) -> tuple[str, str]:
    scenario = _draw([*possible], options.scenarios, derive(seed, "scenario"))
    return scenario, _draw(possible[scenario], options.responses, derive(seed, "response"))


def _draw(names: Sequence[str], weights: Mapping[str, float], seed: int) -> str:
    """Draw a name by its weight, whatever the order of the weights; the first name if none has a weight."""
    weighted = sorted((name, weights[name]) for name in names if weights.get(name))
    rest = sum(weight for _, weight in weighted) * (seed / 2**32)
    for name, weight in weighted:
        rest -= weight
        if rest < 0:
            return name
    return weighted[-1][0] if weighted else names[0]


def _invalid(message: str) -> PydanticCustomError:
    return PydanticCustomError("weights", "{reason}", {"reason": message})
