from collections import Counter

import pytest
from altered import altered
from hypothesis import given, settings
from prompt_samples import BRICKS, moments, sample, samples, seeds

from pgen.errors import ConfigError
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.planner import (
    RESPONSE_TYPES,
    SCENARIO_TYPES,
    PlanOptions,
    fitting_responses,
    fitting_scenarios,
    plan,
    shares,
)


def planned(one, count=2000, **options):
    """Return how often each plan is chosen for a sample, over seeds that are evenly spread."""
    options = PlanOptions(**options)
    plans = (plan(one, seed, options) for seed in range(0, 2**32, 2**32 // count))
    return Counter((planned.scenario_type, planned.response_type) for planned in plans)


@pytest.mark.parametrize(
    "options", [{}, {"scenarios": {"specific_object": 3, "negative_task": 1}}, {"responses": {"clarification": 2}}]
)
def test_plans_are_drawn_by_their_shares(options):
    drawn, expected = planned(BRICKS, **options), shares(BRICKS.span, PlanOptions(**options))
    assert drawn.keys() == expected.keys()
    assert abs(sum(expected.values()) - 1) < 1e-9
    assert all(abs(drawn[types] / drawn.total() - share) < 0.03 for types, share in expected.items())


def test_the_weights_are_those_of_the_scenario_types():
    for weights, expected in (
        (dict.fromkeys(SCENARIO_TYPES, 1.0), dict.fromkeys(SCENARIO_TYPES, 0.2)),
        ({"implicit_request": 3, "negative_task": 1}, {"implicit_request": 0.75, "negative_task": 0.25}),
    ):
        totals = Counter()
        for (scenario, _), share in shares(BRICKS.span, PlanOptions(scenarios=weights)).items():
            totals[scenario] += share
        assert dict(totals) == pytest.approx(expected)


def test_the_order_of_the_weights_does_not_matter():
    first = PlanOptions(scenarios={"specific_object": 1, "implicit_request": 2})
    second = PlanOptions(scenarios={"implicit_request": 2, "specific_object": 1})
    assert all(plan(BRICKS, seed, first) == plan(BRICKS, seed, second) for seed in range(50))


@settings(max_examples=60, deadline=None)
@given(samples, seeds)
def test_a_plan_always_fits(one, seed):
    chosen = plan(one, seed, PlanOptions())
    assert chosen.scenario_type in fitting_scenarios(one.span)
    assert chosen.response_type in fitting_responses(chosen.scenario_type)


@pytest.mark.parametrize("history", [[], ["pick up the cup"]])
def test_without_another_skill_nothing_can_be_corrected_or_forbidden(history):
    span = sample("pick up the cup", history, task="pick up the cup").span
    assert not {"situated_correction", "negative_task"} & set(fitting_scenarios(span))


def test_a_scenario_type_that_no_weighted_response_fits_is_left_out():
    assert set(planned(BRICKS, responses={"error_handling": 1})) == {("situated_correction", "error_handling")}


def test_if_nothing_with_a_weight_fits_the_plainest_plan_is_chosen():
    counts = planned(sample("pick up the cup"), scenarios={"situated_correction": 1}, responses={"error_handling": 1})
    assert set(counts) == {("specific_object", "acknowledgment")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenarios": {"joke": 1.0}}, "there is no type joke; there are specific_object, negative_task"),
        ({"responses": {"confirmation": -1}}, "the weight of confirmation must be a number from 0 up"),
        ({"responses": {"confirmation": float("nan")}}, r"responses\.confirmation: Input should be a finite number"),
        ({"scenarios": {"negative_task": 0}}, "at least one type needs a weight above 0"),
        ({"scenarios": {}}, "at least one type needs a weight above 0"),
    ],
)
def test_invalid_weights_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        HiRobotPrompt(**options)


def test_every_response_type_is_planned_somewhere():
    assert {types[1] for one in moments() for types in planned(one, count=20)} == set(RESPONSE_TYPES)


def test_the_variants_of_a_sample_have_different_plans_until_there_are_no_others():
    for one in moments()[:40]:
        possible = shares(one.span, PlanOptions())
        for seed in (0, 7):
            plans = [plan(altered(one, variant=n), seed, PlanOptions()) for n in range(len(possible))]
            assert {(each.scenario_type, each.response_type) for each in plans} == set(possible)
            assert plans[0] == plan(one, seed, PlanOptions())
