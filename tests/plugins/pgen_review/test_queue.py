"""The queue: facets, filters and orders."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen_review.queue import FACETS, SORTS, Queue
from pgen_review.sample_table import SampleTableBuilder


def line(**values: Any) -> dict[str, Any]:
    defaults = {
        "episode_id": "ep_000003",
        "episode_index": 3,
        "frame_index": 5,
        "task_description": "tidy up",
        "skill_current": "lift the cup",
        "skills": ["lift the cup"],
        "scope": "step",
        "user_prompt": "Lift it.",
        "robot_utterance": "All right.",
        "scenario_type": "request",
        "response_type": "confirmation",
        "planned_scenario_type": "request",
        "planned_response_type": "confirmation",
        "checks": [],
        "judgement": None,
        "status": "ok",
        "stage": None,
        "reason": None,
    }
    return {**defaults, **values}


def failed(stage: str = "parse", reason: str = "no JSON") -> dict[str, Any]:
    texts = {"user_prompt": None, "robot_utterance": None, "scenario_type": None, "response_type": None}
    return line(status="failed", stage=stage, reason=reason, **texts)


def found(*codes: str) -> dict[str, Any]:
    return line(checks=[{"code": code, "reason": f"because of {code}"} for code in codes])


def queue_of(*lines: dict[str, Any]) -> Queue:
    builder = SampleTableBuilder()
    builder.add(lines)
    return Queue(builder.build())


LINES = (
    line(),
    failed(),
    found("other_action"),
    found("repeated"),
    found("echo", "repeated"),
    failed("scene", "a cat"),
)


@pytest.mark.parametrize(
    ("facets", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"problem": ["yes"]}, [1, 2, 4, 5]),
        ({"problem": ["no"]}, [0, 3]),
        ({"state": ["failed"]}, [1]),
        ({"state": ["failed:parse", "scene"]}, [1, 5]),
        ({"finding": ["any"]}, [2, 3, 4]),
        ({"finding": ["error"]}, [2]),
        ({"finding": ["echo", "other_action"]}, [2, 4]),
        ({"finding": ["repeated"], "problem": ["yes"]}, [4]),
        ({"finding": ["unknown"]}, []),
        ({"scenario": ["request"], "response": ["confirmation"], "scope": ["step"]}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_a_filter_has_one_value_of_each_facet(facets, expected):
    assert list(queue_of(*LINES).numbers(facets, "", "time")) == expected


def test_poor_judgements_and_other_types_than_planned_are_facets():
    judgement = {f"{name}_reason": "" for name in ("grounding", "consistency", "naturalness")}
    judgement |= {"grounding": 2, "consistency": 5, "naturalness": 5, "chosen": ""}
    queue = queue_of(line(), line(judgement=judgement), line(scenario_type="correction"))
    assert list(queue.numbers({"judge": ["low"]}, "", "time")) == [1]
    assert list(queue.numbers({"type": ["other"]}, "", "time")) == [2]


def test_the_worst_come_first_and_equals_in_their_order():
    assert list(queue_of(*LINES).numbers({}, "", "worst")) == [2, 5, 1, 4, 3, 0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [("LIFT it", [0, 2, 3, 4]), ("cat", [5]), ("because echo", [4]), ("ep_000003 no json", [1]), ("ep_000004", [])],
)
def test_all_words_must_be_in_the_texts_of_a_sample(words, expected):
    assert list(queue_of(*LINES).numbers({}, words, "time")) == expected


def test_a_sample_that_a_person_edited_is_found_by_the_old_and_the_new_text():
    queue = queue_of(*LINES)
    queue.set_text(1, "Take the Mug\nAll right")
    for words in ("mug", "json", "json mug"):
        assert list(queue.numbers({}, words, "time")) == [1]
    queue.set_text(1, "")
    assert list(queue.numbers({}, "mug", "time")) == []


def test_a_facet_that_all_samples_share_is_not_listed():
    facets = queue_of(*LINES).facets()
    assert "task" not in facets
    assert facets["state"] == [("ok", 4), ("failed", 1), ("failed:parse", 1), ("scene", 1)]
    assert queue_of().facets() == {}


def test_an_item_names_its_place_its_text_and_what_is_wrong():
    queue = queue_of(*LINES)
    assert queue.item(4) == {"id": 4, "ep": 3, "frame": 5, "text": "Lift it.", "marks": ["echo", "repeated"]}
    assert queue.item(1)["text"] == "parse: no JSON"
    assert queue.item(1)["marks"] == ["failed", "failed:parse"]


@given(
    st.lists(st.sampled_from(LINES), max_size=20),
    st.dictionaries(st.sampled_from(FACETS), st.lists(st.sampled_from(["yes", "any", "ok", "step"]), min_size=1)),
    st.sampled_from(SORTS),
)
def test_any_filter_selects_the_same_samples_in_every_order_and_never_more_than_a_weaker_one(lines, facets, order):
    queue = queue_of(*lines)
    selected = list(queue.numbers(facets, "", order))
    assert sorted(selected) == list(queue.numbers(facets, "", "time"))
    for name in facets:
        weaker = {other: values for other, values in facets.items() if other != name}
        assert set(selected) <= set(queue.numbers(weaker, "", order))


TEXT = st.text("aAbİß \n\té", max_size=12)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8), TEXT)
def test_a_search_finds_the_samples_whose_texts_contain_all_its_words(spoken, searched):
    queue = queue_of(*(line(episode_id="", user_prompt=user, robot_utterance=robot) for user, robot in spoken))
    texts = [f"{user} {robot} tidy up lift the cup".lower() for user, robot in spoken]
    expected = [number for number, text in enumerate(texts) if all(word in text for word in searched.lower().split())]
    assert list(queue.numbers({}, searched, "time")) == expected
