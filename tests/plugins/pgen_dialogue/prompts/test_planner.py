from collections import Counter

import pytest
from altered import altered
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_samples import BRICKS, moments, sample, samples, seeds

from pgen.errors import ConfigError
from pgen.records import SCOPES
from pgen_dialogue.english import read
from pgen_dialogue.prompts.grounding_facts import failed_skill
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.phases import is_waiting, names_of
from pgen_dialogue.prompts.planner import (
    RESPONSE_TYPES,
    SCENARIO_TYPES,
    PlanOptions,
    absent_objects,
    fitting_responses,
    fitting_scenarios,
    is_decision,
    plan,
    plans,
    shares,
    spread,
)
from pgen_dialogue.prompts.same_object import content, may_be_same


def planned(one, count=2000, **options):
    """Return how often each plan is chosen for a sample, over seeds that are evenly spread."""
    options = PlanOptions(**options)
    drawn = (plan(one, seed, options) for seed in range(0, 2**32, 2**32 // count))
    return Counter((planned.scenario_type, planned.response_type) for planned in drawn)


@pytest.mark.parametrize(
    "options", [{}, {"scenarios": {"specific_object": 3, "negative_task": 1}}, {"responses": {"clarification": 2}}]
)
def test_plans_are_drawn_by_their_shares(options):
    drawn, expected = planned(BRICKS, **options), shares(BRICKS, PlanOptions(**options))
    assert drawn.keys() == expected.keys()
    assert abs(sum(expected.values()) - 1) < 1e-9
    assert all(abs(drawn[types] / drawn.total() - share) < 0.03 for types, share in expected.items())


def test_the_weights_are_those_of_the_scenario_types():
    for weights, expected in (
        (dict.fromkeys(SCENARIO_TYPES, 1.0), dict.fromkeys(SCENARIO_TYPES, 0.2)),
        ({"implicit_request": 3, "negative_task": 1}, {"implicit_request": 0.75, "negative_task": 0.25}),
    ):
        totals = Counter()
        for (scenario, _), share in shares(BRICKS, PlanOptions(scenarios=weights)).items():
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
    assert chosen.scenario_type in fitting_scenarios(one)
    assert chosen.response_type in fitting_responses(chosen.scenario_type, one)


@settings(max_examples=100, deadline=None)
@given(samples, seeds, st.sampled_from(SCOPES), st.integers(0, 5), st.booleans())
def test_no_plan_claims_what_the_labels_do_not_show(one, seed, scope, variant, running):
    one = altered(one, scope=scope, variant=variant, skills=len(one.span.future) + 1, running=4.0 if running else 0.0)
    chosen = plan(one, seed, PlanOptions())
    if chosen.response_type == "error_handling":
        assert scope == "step"
        assert not running
        assert failed_skill(one.span) if chosen.scenario_type == "situated_correction" else chosen.absent
    if chosen.scenario_type == "situated_correction":
        assert any(not is_waiting(name) for name in one.span.history)
    if chosen.scenario_type in ("implicit_request", "constraint_based") and scope != "episode":
        assert is_decision(one)
    if chosen.absent:
        assert not content(chosen.absent) & content(" ".join((one.span.task, *names_of(one.span))))
    assert (chosen.excluded is not None) == (chosen.scenario_type == "negative_task")
    ahead = [it for name in one.skills for it in read(name).objects]
    assert not chosen.excluded or not any(may_be_same(chosen.excluded, name) for name in ahead)


@pytest.mark.parametrize("skill", ["wait", "idle", "robot waits"])
def test_nothing_but_a_plain_request_fits_where_the_robot_waits(skill):
    one = sample(skill, ["pick up the milk", "put it in the bin"], ["pick up the bread"])
    assert set(fitting_scenarios(one)) <= {"specific_object", "situated_correction"}
    assert not is_decision(one)


@pytest.mark.parametrize("history", [[], ["pick up the cup"]])
def test_without_another_skill_nothing_can_be_corrected_or_forbidden(history):
    one = sample("pick up the cup", history, task="pick up the cup")
    assert not {"situated_correction", "negative_task"} & set(fitting_scenarios(one))


def test_a_scenario_type_that_no_weighted_response_fits_is_left_out():
    one = sample("grasp the cup", ["move to the cup", "grasp the cup"])
    assert set(planned(one, responses={"error_handling": 1})) == {("situated_correction", "error_handling")}
    assert set(planned(BRICKS, responses={"error_handling": 1})) == {("specific_object", "error_handling")}


def test_if_nothing_with_a_weight_fits_the_plainest_plan_is_chosen():
    one = sample("open the gripper")
    counts = planned(one, scenarios={"situated_correction": 1}, responses={"error_handling": 1})
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


def test_the_variants_of_a_sample_are_spread_over_the_types():
    for one in moments():
        possible = shares(one, PlanOptions())
        for seed in range(5):
            spread_out = [plan(altered(one, variant=n), seed, PlanOptions()) for n in range(3)]
            types = {(each.scenario_type, each.response_type) for each in spread_out}
            assert len(types) >= (3 if max(possible.values()) < 0.2 else 2)


def test_samples_of_one_moment_are_planned_together_as_each_alone():
    moment = [altered(BRICKS, scope=scope, variant=n, skills=2) for scope in SCOPES for n in range(3)]
    moment.append(altered(BRICKS, counterfactual="wait"))
    for seed in range(20):
        assert [*plans(moment, seed, PlanOptions())] == [plan(one, seed, PlanOptions()) for one in moment]


def test_places_of_any_two_numbers_lie_apart():
    places = [spread(seed, number) for seed in (0, 2**31) for number in range(3)]
    for group in (places[:3], places[3:]):
        assert min(abs(a - b) for a in group for b in group if a != b) > 0.2


def test_what_is_forbidden_stays_the_same_over_a_standing_constraint():
    one = altered(BRICKS, scope="standing", skills=3)
    assert plan(one, 1, PlanOptions()).excluded == "the pink lego brick"
    assert plan(altered(sample("pick up the cup"), scope="standing"), 1, PlanOptions()).excluded == ""


def test_things_that_a_label_names_are_not_absent():
    names = absent_objects(sample("pick_sponge", ["grasp the scissors"], task="clean with a towel").span)
    assert not {"the sponge", "the scissors", "the towel"} & set(names)
    assert "the banana" in names
