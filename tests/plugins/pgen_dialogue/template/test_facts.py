import pytest
from hypothesis import given, settings
from prompt_samples import BRICKS, moments, sample, samples, seeds

from pgen.records import Plan
from pgen_dialogue.english import read
from pgen_dialogue.prompts.grounding_facts import exclusions
from pgen_dialogue.template.facts import facts_of
from pgen_dialogue.template.purposes import purpose_of


def facts(one, plan=None, draw=0):
    return facts_of(one, purpose_of(one), plan or Plan(), draw)


def test_a_request_forbids_what_the_plan_does_and_otherwise_an_exclusion():
    assert (
        facts(BRICKS, Plan("negative_task", "confirmation", excluded="the blue brick"))["not_obj"] == "the blue brick"
    )
    for one in moments():
        excluded = exclusions(one.span)
        for draw in range(0, 2**32, 2**29):
            drawn = facts(one, Plan("negative_task"), draw)
            assert drawn.get("not_obj") in {None, *excluded.objects}
            assert "not_do" not in drawn or drawn["not_do"] in {action.do for action in excluded.actions}
            assert bool(excluded) == ("not_obj" in drawn or "not_do" in drawn)


def test_nothing_is_forbidden_by_another_plan():
    assert "not_obj" not in facts(BRICKS, Plan("specific_object"))


@pytest.mark.parametrize(
    ("label", "result"),
    [
        ("put the banana on the plate", "the banana on the plate"),
        ("get the brick into the box", "the brick in the box"),
        ("fold the towel", "the towel folded"),
        ("pick up the cup", "the cup picked up"),
        ("move to the cup", None),
        ("push the button", None),
    ],
)
def test_a_wish_names_the_result_where_the_action_leaves_one(label, result):
    assert facts_of(sample(label), read(label), Plan(), 0).get("result") == result


def test_a_place_is_where_something_goes_and_where_it_is_then():
    placed = facts(sample("lower the block into the box"))
    assert (placed["where"], placed["dest"]) == ("into the box", "in the box")
    carried = facts(sample("carry the block to the shelf"))
    assert (carried["where"], carried.get("dest")) == ("to the shelf", None)
    assert facts(sample("place it in the box"))["thing"] == "that"


@settings(max_examples=60, deadline=None)
@given(samples, seeds)
def test_what_is_absent_is_in_no_label(one, seed):
    text = " ".join((one.span.task, one.span.skill, *one.span.history, *one.span.future)).lower()
    assert facts(one, draw=seed).get("absent", "the -").removeprefix("the ") not in text
