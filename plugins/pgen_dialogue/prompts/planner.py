"""Chooses which kind of interaction a prompt asks for, among those that fit the moment.

A choice depends on the sample, the weights and the seed alone. Types that cannot fit are left out and the
weights of the others decide. Where nothing with a weight is left, it is `specific_object` answered by
`acknowledgment`, which fit everywhere. Types a user does not list have the weight 0. The variants of a sample
differ in their plans, as long as there are others that fit.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from pgen.components import Options
from pgen.records import Plan, Sample
from pgen.seeds import derive
from pgen_dialogue.prompts.grounding_facts import earlier, ruled_out
from pgen_dialogue.prompts.once import once_a_span

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


type Weights = tuple[tuple[str, float], ...]


class PlanOptions(Options):
    """The weights of the kinds of interaction."""

    scenarios: dict[str, float] = dict.fromkeys(SCENARIO_TYPES, 1.0)
    """How often each scenario type is asked for, relative to the others that fit. Not listed: never."""

    responses: dict[str, float] = dict.fromkeys(RESPONSE_TYPES, 1.0)
    """How often each response type is asked for, relative to the others that fit. Not listed: never."""

    @field_validator("scenarios")
    @classmethod
    def _scenarios(cls, value: dict[str, float]) -> dict[str, float]:
        return checked(value, SCENARIO_TYPES)

    @field_validator("responses")
    @classmethod
    def _responses(cls, value: dict[str, float]) -> dict[str, float]:
        return checked(value, RESPONSE_TYPES)


def checked(weights: dict[str, float], known: tuple[str, ...]) -> dict[str, float]:
    """The weights, if each belongs to a known type, is a finite number from 0 up, and one is not 0."""
    if unknown := sorted(set(weights) - set(known)):
        raise _invalid(f"there is no type {', '.join(unknown)}; there are {', '.join(known)}")
    if wrong := sorted(name for name, weight in weights.items() if not (0 <= weight < math.inf)):
        raise _invalid(f"the weight of {', '.join(wrong)} must be a number from 0 up")
    if not any(weights.values()):
        raise _invalid("at least one type needs a weight above 0")
    return weights


@once_a_span
def fitting_scenarios(sample: Sample) -> tuple[str, ...]:
    """The scenario types that suit a sample."""
    fits = {"negative_task": bool(ruled_out(sample)), "situated_correction": earlier(sample) is not None}
    return tuple(name for name in SCENARIO_TYPES if fits.get(name, True))


def fitting_responses(scenario: str) -> tuple[str, ...]:
    """The response types that can answer a scenario type."""
    return _RESPONSES[scenario]


def plan(sample: Sample, seed: int, options: PlanOptions) -> Plan:
    """The kind of interaction to ask for at this sample; `seed` is its moment's, the same for each variant."""
    taken: set[tuple[str, str]] = set()
    chosen = _chosen(sample, seed, options, taken)
    for number in range(1, sample.question.variant + 1):
        taken.add(chosen)
        if not shares(sample, options).keys() - taken:
            taken = set()
        chosen = _chosen(sample, derive(seed, "variant", number), options, taken)
    return Plan(*chosen)


def shares(sample: Sample, options: PlanOptions) -> Mapping[tuple[str, str], float]:
    """How likely each plan is for a sample, by the weights and by what fits; the shares add up to 1."""
    return _shares(fitting_scenarios(sample), *_weights(options))


@lru_cache(64)
def _shares(fitting: tuple[str, ...], scenarios: Weights, responses: Weights) -> Mapping[tuple[str, str], float]:
    """Most samples differ in nothing that matters here."""
    by_scenario, by_response = dict(scenarios), dict(responses)
    wanted = {name for name, weight in responses if weight}
    answerable = [name for name in fitting if wanted.intersection(fitting_responses(name))]
    chosen = _weighted(by_scenario, answerable) or _weighted(by_scenario, fitting)
    found: dict[tuple[str, str], float] = {}
    for scenario, share in (chosen or {"specific_object": 1.0}).items():
        parts = _weighted(by_response, fitting_responses(scenario)) or {"acknowledgment": 1.0}
        found |= {(scenario, response): share * part for response, part in parts.items()}
    return MappingProxyType(found)


def _weighted(weights: Mapping[str, float], names: Iterable[str]) -> dict[str, float]:
    kept = {name: weights[name] for name in names if weights.get(name)}
    return {name: weight / sum(kept.values()) for name, weight in kept.items()}


def _chosen(sample: Sample, seed: int, options: PlanOptions, taken: set[tuple[str, str]]) -> tuple[str, str]:
    """A scenario type and a response type that are not taken together."""
    scenarios, answers = _wheels(fitting_scenarios(sample), *_weights(options), frozenset(taken))
    scenario = scenarios.drawn(derive(seed, "scenario"))
    return scenario, answers[scenario].drawn(derive(seed, "response"))


class _Wheel:
    """Names to draw from by their weights; the first where none has any. The weights' order plays no part."""

    def __init__(self, weights: Mapping[str, float], names: Sequence[str]) -> None:
        self._listed = sorted((name, weights[name]) for name in set(names) if weights.get(name))
        self._all = sum(weight for _, weight in self._listed)
        self._otherwise = self._listed[-1][0] if self._listed else names[0]

    def drawn(self, seed: int) -> str:
        left = self._all * (seed / 2**32)
        for name, weight in self._listed:
            left -= weight
            if left < 0:
                return name
        return self._otherwise


@lru_cache(256)
def _wheels(
    fitting: tuple[str, ...], scenarios: Weights, responses: Weights, taken: frozenset[tuple[str, str]]
) -> tuple[_Wheel, Mapping[str, _Wheel]]:
    """One for the scenario types, and for each of these one for what answers it."""
    answers: dict[str, list[str]] = {}
    for scenario, response in _shares(fitting, scenarios, responses):
        if (scenario, response) not in taken:
            answers.setdefault(scenario, []).append(response)
    by_response = dict(responses)
    return _Wheel(dict(scenarios), [*answers]), {name: _Wheel(by_response, some) for name, some in answers.items()}


def _weights(options: PlanOptions) -> tuple[Weights, Weights]:
    return tuple(options.scenarios.items()), tuple(options.responses.items())


def _invalid(message: str) -> PydanticCustomError:
    return PydanticCustomError("weights", "{reason}", {"reason": message})
