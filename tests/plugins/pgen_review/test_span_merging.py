"""Edits of spans by several people: merged, in conflict, decided, and compared."""

import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from review_edits import copied, decided
from span_edits import moved, present, renamed, store_spans

from pgen.errors import ConfigError
from pgen_review import write_back
from pgen_review.events import UNDO, Key
from pgen_review.exported import read_exported
from pgen_review.several import export_journal, merge_journals, print_agreement
from pgen_review.span_agreement import _least
from pgen_review.starting import open_session
from pgen_review.validation import InvalidEventError

SPANS = Key.of_spans(0)


def journal(run, tmp_path, name, change=None, accepted=slice(0), dialogue=None):
    """Let a person edit the spans of the first episode of a copy; return the journal that they export."""
    path = tmp_path / f"{name}.jsonl"
    with open_session(copied(run, tmp_path / name), None, name) as session:
        if change:
            store_spans(session, "spans", change(present(session)))
        if accepted != slice(0):
            store_spans(session, "accept_spans", present(session)[accepted])
        if dialogue is not None:
            decided(session, dialogue, "reject", reason="wrong")
        export_journal(session, path)
    return path


def printed(capsys):
    """Return what was printed last, without the lines of exports."""
    return "".join(line for line in capsys.readouterr().out.splitlines(True) if not line.startswith("journal "))


def merge(session, *paths):
    merge_journals(session, list(map(read_exported, paths)))
    return session.episode(0).state(SPANS)


def test_equal_spans_agree_and_spans_that_either_person_accepted_are_accepted(segmentation, tmp_path, capsys):
    ada = journal(segmentation, tmp_path, "Ada", moved, slice(2, 4))
    bob = journal(segmentation, tmp_path, "Bob", moved, slice(3, 5))
    with open_session(copied(segmentation, tmp_path), None, "Eve") as session:
        before = present(session)
        state = merge(session, ada, bob)
        assert printed(capsys) == ("merged     the spans of 1 episodes agree, those of 0 are in conflict\n")
        assert (state["by"], present(session)) == ("Ada, Bob", moved(before))
        assert [span["review"] for span in state["spans"]] == 2 * ["edited"] + 3 * ["accepted"] + 2 * ["open"]
        assert session.summary()["counts"] == {"open": 2 + len(before), "accepted": 3, "edited": 2}
        events = len(session.fold.events)
        merge(session, bob, ada)
        assert len(session.fold.events) == events
        write_back.write(session, session.journal, lambda step: None)
        reviewed = json.loads((session.review.folder / "meta/skills.json").read_text())["episodes"]["0"]["reviewed"]
        assert reviewed["by"] == "Ada, Bob"
        session.turn(UNDO, {"journal": session.header.journal, "id": "undo-merge", "n": 1})
        assert present(session) == before


def test_other_spans_are_a_conflict_that_nobody_s_spans_win_until_it_is_decided(segmentation, tmp_path):
    ada, bob = journal(segmentation, tmp_path, "Ada", moved), journal(segmentation, tmp_path, "Bob", None, slice(0, 9))
    with open_session(copied(segmentation, tmp_path), None, "Eve") as session:
        before = present(session)
        state = merge(session, ada, bob)
        assert present(session) == before
        shown = [(it["by"], it["state"], it["spans"]) for it in state["conflict"]]
        assert shown == [("Ada", "edited", moved(before)), ("Bob", "accepted", before)]
        assert session.item(0)["conflict"]
        assert list(session.review.queue.numbers({"review": ["conflict"]}, "", "time")) == [0]
        with pytest.raises(InvalidEventError, match="take the spans of one of them first"):
            store_spans(session, "accept_spans", before[:1])
        state = store_spans(session, "accept_spans", before)
        assert (state["conflict"], state["state"]) == ([], "accepted")
        session.turn(UNDO, {"journal": session.header.journal, "id": "undo-taken", "n": 2})
        state = store_spans(session, "spans", moved(before))
        assert (state["conflict"], present(session)) == ([], moved(before))
        assert not session.item(0)["conflict"]


def test_a_later_export_replaces_what_the_person_had_before(segmentation, tmp_path):
    ada = journal(segmentation, tmp_path, "Ada", moved)
    with open_session(copied(segmentation, tmp_path), None, "Eve") as session:
        merge(session, ada)
        with open_session(tmp_path / "Ada/cups", None, "Ada") as theirs:
            other = [{**span, "name": span["name"].upper()} for span in present(theirs)]
            store_spans(theirs, "spans", other)
            export_journal(theirs, ada)
        state = merge(session, ada)
        assert (state["conflict"], present(session)) == ([], other)


def test_spans_of_a_run_are_merged_with_its_dialogues(numbered_run, tmp_path, capsys):
    ada, bob = journal(numbered_run, tmp_path, "Ada", renamed), journal(numbered_run, tmp_path, "Bob", dialogue=1)
    eve = journal(numbered_run, tmp_path, "Eve", moved)
    with open_session(copied(numbered_run, tmp_path), None, "Mia") as session:
        before = present(session)
        merge(session, ada, bob)
        expected = "1 dialogues agree, 0 are in conflict; the spans of 1 episodes agree, those of 0 are in conflict"
        assert printed(capsys) == f"merged     {expected}\n"
        assert (present(session), session.summary()["counts"]["rejected"]) == (renamed(before), 1)
        assert session.summary()["counts"]["stale"] > 0
        state = merge(session, eve)
        assert [it["by"] for it in state["conflict"]] == ["Ada", "Eve"]
        assert (present(session), session.summary()["counts"]["stale"]) == (before, 0)
        listed = session.review.queue.numbers({"review": ["spans_in_conflict"]}, "", "time")
        assert {session.review.keys[number].episode for number in listed} == {0}


def test_spans_that_were_made_of_others_are_refused(numbered_run, tmp_path):
    ada = journal(numbered_run, tmp_path, "Ada", renamed)
    folder = copied(numbered_run, tmp_path)
    skills = json.loads((folder / "meta/skills.json").read_text())
    first, second, *_ = skills["episodes"]["0"]["skills"]
    first["end"] = second["start"] = second["start"] + 0.1
    (folder / "meta/skills.json").write_text(json.dumps(skills))
    with (
        open_session(folder, None, "Eve") as session,
        pytest.raises(ConfigError, match="cannot be merged: Episode 0 had other spans"),
    ):
        merge(session, ada)


def test_the_agreement_on_spans_is_the_mean_distance_of_their_edges(segmentation, tmp_path, capsys):
    ada = journal(segmentation, tmp_path, "Ada", moved)
    bob = journal(segmentation, tmp_path, "Bob", lambda spans: [*spans[:5], {**spans[5], "stop": spans[6]["stop"]}])
    print_agreement((ada, bob), as_json=False)
    assert printed(capsys) == (
        "agreement  spans of 1 episodes reviewed by both, equal in 0; 5 edges 0.2 frames apart in the mean; "
        "1 edges of one person alone\n"
    )
    print_agreement((ada, ada), as_json=True)
    assert json.loads(printed(capsys))["spans"] == {
        "episodes": 1,
        "equal": 1,
        "edges": 6,
        "frames": 0.0,
        "single": 0,
    }


EDGES = st.sets(st.integers(0, 60), max_size=7).map(sorted)


@given(first=EDGES, second=EDGES)
def test_edges_are_compared_with_those_that_are_nearest_in_their_order(first, second):
    short, long = sorted((first, second), key=len)
    sums = [sum(abs(a - b) for a, b in zip(short, some, strict=True)) for some in combinations(long, len(short))]
    assert _least(first, second) == _least(second, first) == min(sums)
