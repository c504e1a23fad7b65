"""The fold of events: the same events give the same states, and undo of everything is the start."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pgen_review.events import REDO, UNDO, Event, Key
from pgen_review.fold import Fold, Outcome

KEYS = [Key(0, 4, "step", 0), Key(0, 4, "step", 1), Key(1, 9, "phase", 0)]
TEXT = st.sampled_from(["as it was", "b", "c"])
WAS = {"user": "as it was", "robot": "as it was"}
VALUES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "accept": st.just({}),
    "reject": st.fixed_dictionaries({"reason": TEXT}),
    "edit_text": st.fixed_dictionaries({"user": TEXT, "robot": TEXT, "was": st.just(WAS)}),
    "take": st.fixed_dictionaries(
        {"user": TEXT, "robot": TEXT, "scenario": st.none(), "response": st.none()}
        | {"was": st.just(WAS | {"scenario": None, "response": None})}
        | {"asked": st.integers(1, 3), "generator": st.sampled_from(["template", "qwen"])}
    ),
    "note": st.fixed_dictionaries({"text": TEXT}),
    "flag": st.fixed_dictionaries({"on": st.booleans()}),
}


def posted() -> st.SearchStrategy[list[tuple[Key, str, dict[str, Any]]]]:
    return st.lists(
        st.sampled_from(sorted(VALUES)).flatmap(
            lambda kind: st.tuples(st.sampled_from(KEYS), st.just(kind), VALUES[kind])
        ),
        min_size=1,
        max_size=3,
    )


STEPS = st.lists(st.one_of(posted(), st.sampled_from([UNDO, REDO])), max_size=25)


def extend(fold: Fold, step: Any) -> None:
    """Append the events of a step; an undo or redo without anything to turn does nothing."""
    first = len(fold.events) + 1
    if isinstance(step, str):
        if stack := fold.undoable if step == UNDO else fold.redoable:
            fold.add(Event(first, f"e{first}", "now", "Ada", step, first, None, {"group": stack[-1]}))
        return
    for number, (key, kind, value) in enumerate(step, first):
        fold.add(Event(number, f"e{number}", "now", "Ada", kind, first, key, value))


def folded(steps: list[Any]) -> Fold:
    fold = Fold()
    for step in steps:
        extend(fold, step)
    return fold


def states(fold: Fold) -> list[Outcome]:
    return [fold.outcome(key) for key in KEYS]


def without_numbers(fold: Fold) -> list[dict[str, Any]]:
    fields = [name for name in Outcome.__slots__ if name != "n"]
    return [{name: getattr(outcome, name) for name in fields} for outcome in states(fold)]


@given(STEPS)
def test_events_that_are_read_again_give_the_same_states_and_the_same_undo(steps):
    fold = folded(steps)
    again = Fold(Event.from_json(json.loads(json.dumps(event.as_json()))) for event in fold.events)
    assert states(again) == states(fold)
    assert (again.undoable, again.redoable) == (fold.undoable, fold.redoable)


@given(STEPS)
def test_undo_of_everything_is_the_start_and_redo_of_everything_the_end(steps):
    fold = folded(steps)
    end = without_numbers(fold)
    undone = len(fold.undoable)
    redoable = len(fold.redoable)
    for _ in range(undone):
        extend(fold, UNDO)
    assert without_numbers(fold) == without_numbers(Fold())
    for _ in range(undone):
        extend(fold, REDO)
    assert without_numbers(fold) == end
    assert len(fold.redoable) == redoable


@given(STEPS, posted())
def test_an_undo_restores_the_state_before_the_request(steps, request):
    fold = folded(steps)
    before = without_numbers(fold)
    extend(fold, request)
    extend(fold, UNDO)
    assert without_numbers(fold) == before


@given(STEPS)
def test_each_dialogue_has_the_number_of_the_last_event_that_changed_it(steps):
    fold = folded(steps)
    for since in range(len(fold.events) + 1):
        before = Fold(fold.events[:since])
        changed = {key for key in KEYS if fold.number(key) != before.number(key)}
        assert set(fold.changed(since)) == changed


def test_an_edit_back_to_the_original_text_is_an_acceptance():
    edit = [(KEYS[0], "edit_text", {"user": "b", "robot": "as it was", "was": WAS})]
    fold = folded([edit])
    assert (fold.outcome(KEYS[0]).state, fold.outcome(KEYS[0]).values) == ("edited", {"user": "b"})
    extend(fold, [(KEYS[0], "edit_text", {**WAS, "was": WAS})])
    assert (fold.outcome(KEYS[0]).state, fold.outcome(KEYS[0]).values) == ("accepted", {})


def test_a_rejection_keeps_the_edited_text_for_a_later_acceptance():
    edit = {"user": "b", "robot": "c", "was": WAS}
    fold = folded([[(KEYS[0], "edit_text", edit)], [(KEYS[0], "reject", {"reason": "wrong"})]])
    assert (fold.outcome(KEYS[0]).state, fold.outcome(KEYS[0]).reason) == ("rejected", "wrong")
    extend(fold, [(KEYS[0], "accept", {})])
    assert (fold.outcome(KEYS[0]).state, fold.outcome(KEYS[0]).reason) == ("edited", "")
