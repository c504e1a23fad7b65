"""What a review becomes where its dialogues changed, as a property of any events on any changes."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from review_edits import without_numbers

from pgen_review.events import REDO, SPANS, UNDO, Event, Key
from pgen_review.fold import Fold
from pgen_review.rebasing import rebase
from pgen_review.results import open_review
from pgen_review.reviewed import ReviewedEpisode

TEXTS = {"user": "Grab the cup!", "robot": "On it."}


KINDS = {"accept": {}, "reject": {"reason": "wrong"}, "note": {"text": "hm"}, "flag": {"on": True}}
STEPS = st.lists(
    st.one_of(
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from([*KINDS, "edit_text"])), min_size=1, max_size=3),
        st.sampled_from([UNDO, REDO]),
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def review(numbered_run):
    with open_review(numbered_run) as opened:
        yield opened


def reviewed_as(review, steps, changed):
    """Return events on the first dialogues of a review; some of these were others then."""
    fold = Fold()
    episode = ReviewedEpisode(review, 0, Fold())
    for step in steps:
        first = len(fold.events) + 1
        if isinstance(step, str):
            if stack := fold.undoable if step == UNDO else fold.redoable:
                fold.add(Event(first, f"e{first}", "now", "Ada", step, first, None, {"group": stack[-1]}))
            continue
        for number, (place, kind) in enumerate(step, first):
            about = episode.about(episode.keys[place])
            about = {**about, "user": "another prompt"} if place in changed else about
            was = {name: about[name] for name in ("user", "robot")}
            value = {**TEXTS, "was": was} if kind == "edit_text" else KINDS[kind]
            fold.add(Event(number, f"e{number}", "now", "Ada", kind, first, episode.keys[place], value, about))
    return fold, episode.keys[:6]


@settings(max_examples=150)
@given(STEPS, st.sets(st.integers(0, 5)))
def test_what_is_the_same_keeps_its_state_and_its_undo_and_all_else_is_a_conflict(review, steps, changed):
    former, keys = reviewed_as(review, steps, changed)
    done = rebase(review, former.events, "Eve")
    fold = Fold(Event.from_json(json.loads(json.dumps(event.as_json()))) for event in done.events)
    assert [event.n for event in done.events] == list(range(1, len(done.events) + 1))
    for place, key in enumerate(keys):
        was, outcome = former.outcome(key), fold.outcome(key)
        if place not in changed:
            assert without_numbers(outcome) == without_numbers(was)
        else:
            assert [it["state"] for it in outcome.conflict][:1] == [
                {"accepted": "edited"}.get(it["state"], it["state"]) for it in was.verdicts
            ]
            assert (outcome.state, outcome.note, outcome.flagged) == ("open", was.note, was.flagged)
            assert {it["sources"][0] for it in outcome.conflict if it["sources"]} == set(was.sources)
    conflicts = sum(bool(fold.outcome(key).conflict) for key in keys)
    assert (done.conflicts, done.missing, done.spans) == (conflicts, 0, 0)
    if not changed:
        assert done.events == former.events
    again = rebase(review, done.events, "Eve")
    assert again.events == done.events


def test_a_dialogue_that_has_become_what_a_person_wrote_or_rejected_is_settled(review):
    former, keys = reviewed_as(review, [[(0, "edit_text")], [(1, "reject")]], {0, 1})
    episode = ReviewedEpisode(review, 0, Fold())
    present = episode.about(keys[0])
    first, second = former.events
    first = replace(first, value=first.value | {name: present[name] for name in TEXTS})
    done = rebase(review, [first, second], "Eve")
    assert (done.kept, done.conflicts) == (1, 1)
    assert Fold(done.events).outcome(keys[0]).state == "accepted"


def test_dialogues_that_are_there_no_more_are_counted(review):
    gone = Key(0, 3, "step", 7)
    events = [Event(1, "e1", "now", "Ada", "accept", 1, gone, {}, {"user": "a"})]
    done = rebase(
        review, [*events, Event(2, "e2", "now", "Ada", SPANS, 2, Key.of_spans(9), {"before": [], "after": []})], "Eve"
    )
    assert (done.events[1:], done.missing) == ([], 1)
