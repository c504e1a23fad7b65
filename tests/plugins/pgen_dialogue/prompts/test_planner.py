import re
from collections import Counter

import pytest
from altered import altered
from hypothesis import given, settings
from prompt_samples import moments, sample, samples, seeds

from pgen.errors import ConfigError
from pgen_dialogue.prompts import hi_robot
from pgen_dialogue.prompts.grounding_facts import bystanders, earlier, failed_before, may_be_same, ruled_out
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

SECOND_BRICK = sample(
    "robot arm moves towards red lego brick",
    ["robot arm picks up pink lego brick", "robot arm releases pink lego brick into transparent box"],
    ["robot arm picks up red lego brick", "robot arm releases red lego brick into box"],
)


def planned(one, count=2000, **options):
    chosen = PlanOptions(**options)
    return Counter(
        (p.scenario_type, p.response_type)
        for p in (plan(one, seed, chosen) for seed in range(0, 2**32, 2**32 // count))
    )


def scenarios(one, **options):
    counts = Counter()
    for (scenario, _), count in planned(one, **options).items():
        counts[scenario] += count
    return counts


def test_every_type_that_fits_is_chosen_about_equally_often_by_default():
    counts = scenarios(SECOND_BRICK)
    assert set(counts) == set(SCENARIO_TYPES)
    assert all(abs(count / counts.total() - 0.2) < 0.03 for count in counts.values())


def test_weights_decide_how_often_a_type_is_chosen():
    counts = scenarios(SECOND_BRICK, scenarios={"specific_object": 3, "negative_task": 1})
    assert set(counts) == {"specific_object", "negative_task"}
    assert abs(counts["specific_object"] / counts.total() - 0.75) < 0.03


def test_the_order_of_the_weights_does_not_matter():
    one = PlanOptions(scenarios={"specific_object": 1, "implicit_request": 2})
    other = PlanOptions(scenarios={"implicit_request": 2, "specific_object": 1})
    assert [plan(SECOND_BRICK, seed, one) for seed in range(50)] == [
        plan(SECOND_BRICK, seed, other) for seed in range(50)
    ]


@settings(max_examples=60, deadline=None)
@given(samples, seeds)
def test_a_plan_is_never_impossible(one, seed):
    chosen = plan(one, seed, PlanOptions())
    assert chosen.scenario_type in fitting_scenarios(one)
    assert chosen.response_type in fitting_responses(chosen.scenario_type)


def test_a_first_skill_is_never_a_correction_of_an_earlier_one():
    assert "situated_correction" not in fitting_scenarios(sample("pick up the cup"))
    assert "situated_correction" not in fitting_scenarios(sample("pick up the cup", ["pick up the cup"]))


def test_nothing_can_be_forbidden_where_the_episode_names_nothing_else():
    assert "negative_task" not in fitting_scenarios(sample("pick up the cup", task="pick up the cup"))


def test_a_scenario_that_no_wanted_response_can_answer_gives_way_to_one_that_it_can():
    counts = planned(SECOND_BRICK, responses={"error_handling": 1})
    assert set(counts) == {("situated_correction", "error_handling")}


def test_where_nothing_wanted_fits_the_plainest_kind_is_asked_for():
    counts = planned(sample("pick up the cup"), scenarios={"situated_correction": 1}, responses={"error_handling": 1})
    assert set(counts) == {("specific_object", "acknowledgment")}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scenarios": {"joke": 1.0}}, "there is no type joke; there are specific_object, negative_task"),
        ({"responses": {"confirmation": -1}}, "the weight of confirmation must be a number from 0 up"),
        ({"responses": {"confirmation": float("nan")}}, r"responses\.confirmation: Input should be a finite number"),
        ({"scenarios": {"negative_task": 0}}, "at least one type needs a weight above 0"),
        ({"scenarios": {}}, "at least one type needs a weight above 0"),
    ],
)
def test_wrong_weights_are_refused_in_a_clear_sentence(options, said):
    with pytest.raises(ConfigError, match=said):
        HiRobotPrompt(**options)


def test_the_thing_that_is_done_with_may_be_forbidden_beside_the_next_of_its_kind():
    assert ruled_out(SECOND_BRICK).things == ("the pink lego brick",)


def test_what_only_the_task_names_may_be_forbidden_where_another_of_its_kind_is_handled():
    one = sample("pick up red brick", [], ["place red brick in box"], task="pink brick into the box")
    assert ruled_out(one).things == ("the pink brick",)


def test_what_the_robot_may_be_holding_is_not_forbidden():
    one = sample("move towards box", ["pick up pink brick"], ["release into box"])
    assert ruled_out(one).things == ()
    assert ruled_out(sample("move to the box", ["pick up pink brick", "grasp"], ["turn the box"])).things == ()


def test_nothing_is_forbidden_where_a_skill_cannot_be_read():
    assert not ruled_out(sample("move towards box", ["open the drawer"], ["xyz"]))


def test_a_deed_is_not_forbidden_where_its_like_comes_again():
    one = sample(
        "lift the block",
        ["open the gripper", "close the gripper on the block"],
        ["lower the block", "open the gripper"],
    )
    assert ruled_out(one).deeds == ()


def test_a_negative_never_forbids_what_is_done_now_or_later():
    for one in moments():
        may = ruled_out(one)
        ahead = " ; ".join([one.span.skill, *one.span.future]).lower()
        for thing in may.things:
            assert not re.search(rf"\b{thing.removeprefix('the ')}\b", ahead)
        for deed in may.deeds:
            assert not any(deed.text in name for name in (one.span.skill, *one.span.future))


@settings(max_examples=60, deadline=None)
@given(samples)
def test_nothing_forbidden_may_be_the_same_as_what_a_later_skill_names(one):
    from pgen_dialogue.english import read

    named = [thing for name in (one.span.skill, *one.span.future) for thing in read(name).objects]
    verbs = {read(name).verb for name in (one.span.skill, *one.span.future)}
    assert not any(may_be_same(thing, other) for thing in ruled_out(one).things for other in named)
    assert not any(deed.verb in verbs for deed in ruled_out(one).deeds)


def test_a_thing_may_be_another_by_a_shorter_name():
    assert may_be_same("the brick", "the red lego brick")
    assert not may_be_same("the pink lego brick", "the red lego brick")


def test_bystanders_are_things_that_the_skill_neither_uses_nor_holds():
    one = sample("move above the plate", ["pick up the banana", "open the drawer"], ["close the lid"])
    assert bystanders(one) == ("the drawer", "the lid")


def test_the_earlier_skill_is_the_latest_that_differs():
    assert earlier(sample("lift the cup", ["open the drawer", "robot arm lifts the cup"])).do == "open the drawer"


def test_all_types_are_planned_for_somewhere():
    counts = Counter()
    for one in moments():
        counts += planned(one, count=20)
    assert {response for _, response in counts} == set(RESPONSE_TYPES)


def test_the_variants_of_a_sample_have_different_plans_until_there_are_no_others():
    for one in moments()[:40]:
        possible = shares(one, PlanOptions())
        for seed in (0, 7):
            plans = [plan(altered(one, variant=n), seed, PlanOptions()) for n in range(len(possible))]
            assert {(p.scenario_type, p.response_type) for p in plans} == set(possible)
            assert plans[0] == plan(one, seed, PlanOptions())


def test_the_likely_shares_are_those_that_are_drawn():
    drawn, likely = planned(SECOND_BRICK), shares(SECOND_BRICK, PlanOptions())
    assert abs(sum(likely.values()) - 1) < 1e-9
    assert all(abs(drawn[kinds] / drawn.total() - share) < 0.03 for kinds, share in likely.items())


@pytest.mark.parametrize(
    ("current", "history", "failed"),
    [
        ("regrasp the cup", ["grasp the cup"], "regrasp the cup"),
        ("grasp the cup", ["grasp the cup"], "grasp the cup"),
        ("grasp the cup", ["cup slips out of the gripper"], "cup slips out of the gripper"),
        ("grasp the cup", ["move to the cup"], ""),
    ],
)
def test_a_failure_is_one_that_the_skills_show(current, history, failed):
    one = sample(current, history)
    assert failed_before(one) == failed
    text = HiRobotPrompt(responses={"error_handling": 1}).build(one, 0).text
    if "situated_correction" in fitting_scenarios(one):
        assert ("An earlier try did not succeed" in text) == bool(failed)
        assert ("impossible or unsafe" in text) == (not failed)


def test_who_speaks_and_how_is_varied_by_the_seed():
    prompts = [HiRobotPrompt().build(SECOND_BRICK, seed).text for seed in range(60)]
    told = {line for text in prompts for line in text.splitlines() if line.startswith("The user is ")}
    assert len(told) > 40


@settings(max_examples=400)
@given(samples, seeds)
def test_what_is_kept_of_a_span_serves_that_span_alone(one, seed):
    """More spans than are kept, so that some are worked out again."""
    builder = HiRobotPrompt()
    again = altered(one, frame_index=one.moment.frame_index + 1, images=("another.jpg",))
    assert ruled_out(again) == ruled_out.__wrapped__(one)
    assert fitting_scenarios(again) == fitting_scenarios.__wrapped__(one)
    prompt = builder.build(again, seed)
    before, behind = hi_robot._around_style.__wrapped__(one, prompt.plan)
    assert prompt.text.startswith(before)
    assert prompt.text.endswith(behind)
