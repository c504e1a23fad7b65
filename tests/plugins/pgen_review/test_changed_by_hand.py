"""A dataset that was written by a review, then changed by hand and repaired: the review is not applied to it."""

import json
import shutil
import sys

import pytest
from forked import run_pgen
from review_edits import copied, decided
from review_helpers import MAIN
from span_edits import lines, moved, present, store_spans

from pgen_lerobot.verify import verify
from pgen_review import write_back
from pgen_review.rebasing import rebase_review
from pgen_review.starting import open_session

EDIT = {"user": "Grab the cup!", "robot": "On it."}
LINES, SKILLS = "meta/syn_annotations.jsonl", "meta/skills.json"


def run(*arguments, code=0):
    result = run_pgen([sys.executable, "-c", MAIN, *map(str, arguments)])
    assert result.returncode == code, result.stderr
    return result.stdout + result.stderr


def write(session):
    return write_back.write(session, session.journal, lambda step: None)


@pytest.fixture
def folder(numbered_run, tmp_path):
    """A run whose first dialogues Ada reviewed, and wrote."""
    folder = copied(numbered_run, tmp_path)
    with open_session(folder, None, "Ada") as session:
        decided(session, 0, "accept")
        decided(session, 1, "reject", reason="wrong")
        decided(session, 2, "edit_text", **EDIT)
        write(session)
    return folder


def change(folder, number, **values):
    """Write other values into a line, and let `pgen repair` compute the labels and the manifest again."""
    changed = lines(folder)
    changed[number] |= values
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in changed)
    (folder / LINES).write_text(text)
    run("repair", folder)
    assert verify(folder).ok


def move_edge(folder):
    """Move an edge of the second episode."""
    skills = json.loads((folder / SKILLS).read_text())
    earlier, later = skills["episodes"]["1"]["skills"][1:3]
    earlier["end"] = later["start"] = earlier["end"] - 0.3
    (folder / SKILLS).write_text(json.dumps(skills))


def refused(folder, name, what="dialogues"):
    """Check that nothing is done with the review, and that the sentence names the file and the option."""
    before = (folder / LINES).read_bytes()
    for options in (("--status",), ("--apply",), ("--no-browser",), ("--read-only", "--no-browser")):
        message = run("review", folder, *options, code=2)
        assert f"is the review of other {what} than {folder} has now: {name} changed after the review was" in message
        assert message.count(". ") == 0
        assert f"carry the review over: `pgen review {folder} --rebase`" in message
    assert (folder / LINES).read_bytes() == before


def outcomes(session):
    return [session.fold.outcome(key) for key in session.review.keys[:3]]


def test_a_line_that_was_changed_and_repaired_is_noticed_and_a_person_decides_about_it(folder):
    change(folder, 2, robot_utterance="I am on it.")
    refused(folder, "syn_annotations.jsonl")
    done = rebase_review(folder, None, "Eve")
    assert (done.kept, done.conflicts, done.missing, done.spans) == (2, 1, 0, 0)
    assert rebase_review(folder, None, "Eve") is None
    with open_session(folder, None, "Eve") as session:
        first, second, third = outcomes(session)
        assert (first.state, second.state, third.state) == ("accepted", "rejected", "open")
        assert [(it["by"], it["values"]) for it in third.conflict] == [("Ada", {"robot": EDIT["robot"]}), ("", {})]
        decided(session, 2, "accept")
        write(session)
    assert verify(folder).ok
    written = lines(folder)[:3]
    assert [line["review"]["state"] for line in written] == ["accepted", "rejected", "accepted"]
    assert (written[2]["user_prompt"], written[2]["robot_utterance"]) == (EDIT["user"], "I am on it.")
    with open_session(folder, None, "Eve") as session:
        assert session.applied == len(session.fold.events)


def test_spans_that_were_changed_and_repaired_are_noticed(folder):
    move_edge(folder)
    refused(folder, "skills.json", "spans")
    run("repair", folder)
    refused(folder, "syn_annotations.jsonl and skills.json")
    done = rebase_review(folder, None, "Eve")
    assert (done.kept, done.conflicts) == (3, 0)
    with open_session(folder, None, "Eve") as session:
        assert [outcome.state for outcome in outcomes(session)] == ["accepted", "rejected", "accepted"]


def test_it_is_noticed_without_the_hidden_folder_too(folder):
    change(folder, 2, robot_utterance="I am on it.")
    shutil.rmtree(folder.with_name(f".{folder.name}.pgen"))
    refused(folder, "syn_annotations.jsonl")
    done = rebase_review(folder, None, "Eve")
    assert (done.kept, done.conflicts) == (2, 1)


def test_edited_spans_that_were_written_stay_and_their_verdicts_go_over(folder):
    with open_session(folder, None, "Ada") as session:
        store_spans(session, "spans", moved(present(session)))
        wanted = present(session)
        write(session)
    number = next(at for at, line in enumerate(lines(folder)) if line["episode_index"] == 1)
    change(folder, number, robot_utterance="Of course, I do.")
    refused(folder, "syn_annotations.jsonl")
    done = rebase_review(folder, None, "Eve")
    assert (done.kept, done.conflicts, done.spans) == (3, 0, 0)
    with open_session(folder, None, "Eve") as session:
        assert present(session) == wanted
        assert lines(folder)[number]["robot_utterance"] == "Of course, I do."
        decided(session, number, "accept")
        write(session)
    assert verify(folder).ok


def test_a_repair_of_a_dataset_that_nobody_changed_is_no_reason_to_refuse(folder):
    run("repair", folder)
    with open_session(folder, None, "Ada") as session:
        assert session.applied == 3
        decided(session, 3, "accept")
        write(session)
    assert verify(folder).ok
