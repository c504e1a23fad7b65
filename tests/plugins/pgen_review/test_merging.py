"""Journals of several people: exported, merged, and compared."""

import json
import sys
from pathlib import Path

import pytest
from forked import run_pgen
from hypothesis import given, settings
from hypothesis import strategies as st
from review_edits import copied, decided

from pgen.errors import ConfigError
from pgen_review.agreement import Agreement, agreement
from pgen_review.event_file import Header, write
from pgen_review.events import Event, Key
from pgen_review.exported import Exported, read_exported
from pgen_review.fold import Fold
from pgen_review.merging import merge
from pgen_review.several import export_journal, merge_journals
from pgen_review.starting import open_session

MAIN = "from pgen.cli import main; main()"


@pytest.fixture
def journal_of(numbered_run, tmp_path):
    """Let a person review a copy of the run, and return the journal that they export."""

    def review(name, *decisions, folder=None):
        folder = folder or copied(numbered_run, tmp_path / name)
        with open_session(folder, None, name) as session:
            for number, kind, content in decisions:
                decided(session, number, kind, **content)
            export_journal(session, tmp_path / f"{name}.jsonl")
        return tmp_path / f"{name}.jsonl"

    return review


@pytest.fixture
def target(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path / "target")


WRONG = {"reason": "wrong"}
EDIT = {"user": "Take the cup.", "robot": "I take it."}


def merged(folder, *paths, by="Eve"):
    """Merge journals, and return the outcomes of the first dialogues with the number of events."""
    with open_session(folder, None, by) as session:
        merge_journals(session, [read_exported(path) for path in paths])
        return [session.fold.outcome(key) for key in session.review.keys[:5]], len(session.fold.events)


def test_equal_verdicts_agree_and_others_are_a_conflict_with_both(journal_of, target):
    ada = journal_of("Ada", (0, "accept", {}), (1, "reject", WRONG), (2, "edit_text", EDIT), (3, "accept", {}))
    bob = journal_of("Bob", (0, "accept", {}), (1, "accept", {}), (2, "edit_text", EDIT))
    outcomes, events = merged(target, ada, bob)
    assert [outcome.state for outcome in outcomes] == ["accepted", "open", "edited", "accepted", "open"]
    assert [outcome.by for outcome in outcomes] == ["Ada, Bob", None, "Ada, Bob", "Ada", None]
    assert [(it["by"], it["state"], it["reason"]) for it in outcomes[1].conflict] == [
        ("Ada", "rejected", "wrong"),
        ("Bob", "accepted", ""),
    ]
    assert outcomes[2].values == EDIT
    assert merged(target, ada, bob) == (outcomes, events)
    assert merged(target, bob, ada) == (outcomes, events)


def test_samples_that_edits_of_spans_added_are_not_merged(numbered_run, journal_of, tmp_path, target):
    folder = copied(numbered_run, tmp_path / "Ada")
    first, key = Key.of_spans(0), Key(0, 5, "step", 0)
    with open_session(folder, None, "Ada") as session:
        (span, *rest) = session.episode(0).state(first)["spans"]
        parts = [{**span, "stop": 5}, {**span, "start": 5}, *rest]
        for number, (name, kind, content) in enumerate([(first, "spans", {"spans": parts}), (key, "edit_text", EDIT)]):
            event = {"id": f"event-{number}-of-Ada", "key": list(name), "base": 0, "kind": kind, **content}
            session.store({"journal": session.journal.header.journal, "events": [event]})
        assert session.number(key) not in (None, *range(len(session.review.keys)))
    ada = journal_of("Ada", (0, "accept", {}), folder=folder)
    outcomes, events = merged(target, ada)
    assert ([it.state for it in outcomes[:2]], events) == (["accepted", "open"], 2)
    with open_session(target, None, "Eve", read_only=True) as session:
        assert session.fold.outcome(key).state == "open"


def test_a_conflict_is_settled_by_a_decision_and_the_same_journals_do_not_bring_it_back(journal_of, target):
    ada, bob = journal_of("Ada", (0, "reject", WRONG)), journal_of("Bob", (0, "accept", {}))
    merged(target, ada, bob)
    with open_session(target, None, "Eve") as session:
        assert session.summary()["counts"] == {
            **dict.fromkeys(("accepted", "edited", "rejected", "stale", "flagged"), 0),
            "open": len(session.review.keys),
            "conflict": 1,
        }
        answer = decided(session, 0, "reject", reason="indeed")
        assert answer["states"][0]["conflict"] == []
    outcomes, _ = merged(target, ada, bob)
    assert (outcomes[0].state, outcomes[0].by, outcomes[0].conflict) == ("rejected", "Eve", [])


def test_a_later_verdict_of_the_same_person_replaces_the_former_one(journal_of, target, tmp_path):
    ada = journal_of("Ada", (0, "reject", WRONG))
    assert merged(target, ada)[0][0].state == "rejected"
    journal_of("Ada", (0, "accept", {}), folder=tmp_path / "Ada/cups")
    assert merged(target, ada)[0][0].state == "accepted"
    with open_session(tmp_path / "Ada/cups", None, "Ada") as session:
        session.turn("undo", {"journal": session.header.journal, "id": "undo-one", "n": 2})
        session.turn("undo", {"journal": session.header.journal, "id": "undo-two", "n": 1})
        export_journal(session, ada)
    assert merged(target, ada)[0][0].state == "open"


def test_own_verdicts_count_and_a_merge_is_undone_as_a_whole(journal_of, target):
    ada = journal_of("Ada", (0, "reject", WRONG), (1, "accept", {}), (2, "flag", {"on": True}))
    with open_session(target, None, "Eve") as session:
        decided(session, 0, "accept")
        before = [session.fold.outcome(key) for key in session.review.keys[:3]]
        merge_journals(session, [read_exported(ada)])
        outcomes = [session.fold.outcome(key) for key in session.review.keys[:3]]
        assert [it["by"] for it in outcomes[0].conflict] == ["Eve", "Ada"]
        assert (outcomes[1].state, outcomes[2].state, outcomes[2].flagged) == ("accepted", "open", True)
        session.turn("undo", {"journal": session.header.journal, "id": "undo-merge", "n": 2})
        undone = [session.fold.outcome(key) for key in session.review.keys[:3]]
        assert [(it.state, it.conflict, it.flagged) for it in undone] == [
            (it.state, it.conflict, it.flagged) for it in before
        ]


def test_the_own_journal_changes_nothing(journal_of, tmp_path):
    ada = journal_of("Ada", (0, "reject", WRONG), (1, "accept", {}))
    folder = tmp_path / "Ada/cups"
    with open_session(folder, None, "Ada") as session:
        decided(session, 0, "accept")
        assert merge(session, [read_exported(ada)]) == {}
        assert len(session.fold.events) == 3


def test_a_journal_of_other_dialogues_or_with_impossible_verdicts_is_refused(journal_of, target, faulty, tmp_path):
    ada = journal_of("Ada", (0, "edit_text", EDIT))
    with (
        open_session(copied(faulty, tmp_path / "other"), None, "Eve") as session,
        pytest.raises(ConfigError, match=r"Ada.jsonl is the journal of other dialogues than .* copies of this result"),
    ):
        merge(session, [read_exported(ada)])
    read = read_exported(ada)
    (event,) = read.fold.events
    for value, reason in (
        ({"user": "a\x00b", "robot": "no"}, "control character"),
        ({"user": "a | b", "robot": "no"}, "one line"),
    ):
        evil = Event(1, "evil-one", event.at, "Mallory", event.kind, 1, event.key, {**event.value, **value})
        write(ada, Header("j", read.dialogues), [evil])
        with pytest.raises(ConfigError, match=f"Ada.jsonl cannot be merged: .*{reason}"):
            merged(target, ada)


def test_a_damaged_journal_and_another_file_are_refused(journal_of, target, tmp_path):
    ada = journal_of("Ada", (0, "accept", {}), (1, "accept", {}))
    ada.write_text(ada.read_text().replace('"accept"', '"reject"', 1))
    with pytest.raises(ConfigError, match=r"Ada.jsonl is damaged; export it again"):
        read_exported(ada)
    other = tmp_path / "data.jsonl"
    other.write_text("{}\n")
    with pytest.raises(ConfigError, match=r"is no journal of a review"):
        read_exported(other)
    with open_session(target, None, "Eve") as session:
        with pytest.raises(ConfigError, match=r"has no events of a review"):
            export_journal(session, tmp_path / "new.jsonl")
        decided(session, 0, "accept")
        with pytest.raises(ConfigError, match=r"data.jsonl is there, and is no journal"):
            export_journal(session, other)
    assert other.read_text() == "{}\n"


def fold_of(name, verdicts):
    """Return an exported journal with an accept or a reject of each dialogue, None being no verdict."""
    decided = [(number, verdict) for number, verdict in enumerate(verdicts) if verdict is not None]
    events = [
        Event(n, f"{name}-{n}", "", name, "accept" if verdict else "reject", n, Key(0, number, "step", 0), {})
        for n, (number, verdict) in enumerate(decided, 1)
    ]
    return Exported(Path(name), "same", Fold(events))


def test_kappa_of_a_known_table():
    """Of 50 dialogues: 20 accepted and 15 rejected by both, 5 and 10 differ (a textbook's example)."""
    ada = [True] * 20 + [True] * 5 + [False] * 10 + [False] * 15 + [True]
    bob = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15 + [None]
    found = agreement(fold_of("ada", ada), fold_of("bob", bob))
    assert (found.judged, found.agreed, round(found.kappa, 2)) == (50, 35, 0.4)
    assert str(found) == "70.0% of 50 dialogues judged by both; Cohen's kappa 0.40"
    assert str(agreement(fold_of("ada", []), fold_of("bob", []))) == "no dialogue was judged by both"
    assert agreement(fold_of("a", [True]), fold_of("b", [True])) == Agreement(1, 1, None, 0, None)


@settings(max_examples=50)
@given(st.lists(st.tuples(*[st.sampled_from([True, False, None])] * 2), max_size=30))
def test_agreement_is_symmetric_and_kappa_at_most_one(verdicts):
    ada, bob = (fold_of(name, [pair[place] for pair in verdicts]) for place, name in enumerate("ab"))
    found = agreement(ada, bob)
    other = agreement(bob, ada)
    assert (found.judged, found.agreed) == (other.judged, other.agreed)
    assert found.kappa is None or -1 <= found.kappa <= 1
    assert found.kappa is None or (found.kappa == 1) == (found.agreed == found.judged)
    assert found.kappa is None or abs(found.kappa - other.kappa) < 1e-9


def command(*arguments):
    run = [sys.executable, "-c", MAIN, "review", *map(str, arguments)]
    return run_pgen(run)


def test_the_command_line_exports_merges_and_prints_the_agreement(journal_of, target, tmp_path):
    ada = journal_of("Ada", (0, "accept", {}), (1, "reject", WRONG))
    bob = journal_of("Bob", (0, "accept", {}), (1, "accept", {}))
    exported = command(tmp_path / "Ada/cups", "--export-journal", tmp_path / "again.jsonl")
    assert exported.stdout == f"journal    {tmp_path / 'again.jsonl'}: 2 events\n"
    assert (tmp_path / "again.jsonl").read_bytes() == ada.read_bytes()
    assert command(target, "--merge", ada, bob).stdout == "merged     1 dialogues agree, 1 are in conflict\n"
    assert "conflicts  1 dialogues" in command(target, "--status").stdout
    assert command("--agreement", ada, bob).stdout == (
        "agreement  50.0% of 2 dialogues judged by both; Cohen's kappa 0.00\n"
    )
    assert json.loads(command("--agreement", "--json", ada, bob).stdout)["judged"] == 2
    for arguments in ((target, "--merge"), ("--agreement", ada), (target, ada)):
        failed = command(*arguments)
        assert failed.returncode != 0
        assert len(failed.stderr.strip().splitlines()) == 1, failed.stderr
