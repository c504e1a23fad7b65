"""A review that is carried over to changed dialogues: what is the same goes over, a person decides about the rest."""

import json
import sys
from dataclasses import replace

import pytest
from forked import run_pgen
from review_edits import copied, decided, spans_event, without_numbers
from review_helpers import MAIN

from pgen.errors import ConfigError
from pgen_lerobot.verify import verify
from pgen_review import write_back
from pgen_review.event_file import read
from pgen_review.events import REDO, UNDO, Key
from pgen_review.fold import Fold
from pgen_review.rebasing import rebase, rebase_review
from pgen_review.results import open_review
from pgen_review.reviewed import ReviewedEpisode
from pgen_review.starting import open_session

TEXTS = {"user": "Grab the cup!", "robot": "On it."}
"""What belongs to the numbers of events, which change."""


def run(*arguments, code=0):
    result = run_pgen([sys.executable, "-c", MAIN, *map(str, arguments)])
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


def work(folder):
    return folder.with_name(f".{folder.name}.pgen")


def change(folder, number, **values):
    """Write other values into a line."""
    path = folder / "meta/syn_annotations.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[number] |= values
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


@pytest.fixture
def folder(numbered_run, tmp_path):
    """A copy of the run, whose first dialogues Ada reviewed."""
    folder = copied(numbered_run, tmp_path)
    with open_session(folder, None, "Ada") as session:
        for number, kind, content in (
            (0, "accept", {}),
            (1, "reject", {"reason": "wrong"}),
            (2, "edit_text", TEXTS),
            (3, "accept", {}),
            (3, "note", {"text": "look again"}),
            (4, "reject", {"reason": "no"}),
        ):
            decided(session, number, kind, **content)
        session.turn(UNDO, {"journal": session.header.journal, "id": "undo-one", "n": 6})
    return folder


def outcomes(folder):
    with open_session(folder, None, "Eve", read_only=True) as session:
        return [session.fold.outcome(key) for key in session.review.keys[:5]], session.fold


def test_a_review_of_changed_dialogues_names_the_option_that_carries_it_over(folder):
    before, former = outcomes(folder)
    journal = (work(folder) / "review.jsonl").read_bytes()
    change(folder, 0, user_prompt="Please take it.")
    change(folder, 1, robot_utterance="I will.")
    assert f"carry the review over: `pgen review {folder} --rebase`." in run("review", folder, "--status", code=2)
    printed = run("review", folder, "--rebase", "--as", "Eve")
    assert "rebased    2 dialogues went over, 2 are in conflict\n" in printed
    (kept,) = work(folder).glob("review-*.jsonl")
    assert f"kept       {kept} has the former review" in printed
    assert kept.read_bytes() == journal
    after, fold = outcomes(folder)
    assert list(map(without_numbers, after[2:])) == list(map(without_numbers, before[2:]))
    assert [event.id for event in fold.events[:-2]] == [event.id for event in former.events[2:]]
    shown = [[(it["state"], it["by"], it["values"], it["reason"]) for it in outcome.conflict] for outcome in after[:2]]
    first, second = (event.about for event in former.events[:2])
    assert shown == [
        [("edited", "Ada", {"user": first["user"]}, ""), ("open", "", {}, "")],
        [("rejected", "Ada", {"robot": second["robot"]}, "wrong"), ("open", "", {}, "")],
    ]
    assert "nothing: the review of" in run("review", folder, "--rebase")
    with open_session(folder, None, "Eve") as session:
        session.turn(
            REDO, {"journal": session.header.journal, "id": "redo-one", "n": 4}
        ) if session.fold.redoable else 0
        assert session.summary()["counts"]["conflict"] == 2
        decided(session, 0, "edit_text", user=first["user"], robot=first["robot"])
        decided(session, 1, "accept")
        write_back.write(session, session.journal, lambda step: None)
        states = [session.fold.outcome(key).state for key in session.review.keys[:4]]
        assert states == ["edited", "accepted", "edited", "accepted"]
    assert verify(folder).ok
    assert json.loads((folder / "meta/pgen/manifest.json").read_text())["reviews"]["people"] == ["Ada", "Eve"]


@pytest.mark.parametrize(
    ("applied", "option", "conflicts"),
    [(False, ("--camera", "observation.images.front"), 3), (True, ("--seed", 5), 4)],
)
def test_after_another_run_in_place_each_dialogue_goes_over_or_is_in_conflict(folder, applied, option, conflicts):
    before, former = outcomes(folder)
    if applied:
        run("review", folder, "--apply")
    run("annotate", "--root", folder, "--in-place", "--overwrite", "--generator", "template", *option)
    assert "--rebase" in run("review", folder, "--no-browser", code=2)
    done = rebase_review(folder, None, "Eve")
    after, fold = outcomes(folder)
    with open_review(folder) as review:
        about = {event.key: event.about for event in former.events if event.key}
        episode = ReviewedEpisode(review, 0, Fold())
        same = [key in episode.positions and about[key] == episode.about(key) for key in review.keys[:4]]
    for is_same, was, outcome in zip(same, before, after, strict=False):
        assert without_numbers(outcome) == without_numbers(was) if is_same else len(outcome.conflict) == 2
    assert (done.kept, done.conflicts, done.missing) == (same.count(True), same.count(False), 0)
    assert done.conflicts == conflicts
    with open_session(folder, None, "Eve") as session:
        assert session.fold.events == fold.events
        write_back.write(session, session.journal, lambda step: None)
    assert verify(folder).ok


def test_edited_spans_go_over_with_their_dialogues_or_not_at_all(numbered_run, tmp_path):
    folder = copied(numbered_run, tmp_path)
    with open_session(folder, None, "Ada") as session:
        for index in (0, 1):
            spans = session.episode(index).state(Key.of_spans(index))["spans"]
            wanted = [{**spans[0], "name": "grasp"}, *spans[1:], {**spans[-1], "name": "wait"}]
            wanted[-2]["stop"] = wanted[-1]["start"] = spans[-1]["stop"] - 3
            event = spans_event({"index": index, "edits": 0}, wanted)
            session.store({"journal": session.header.journal, "events": [event]})
            (added,) = session.episode(index).added
            event = {"id": f"added-in-{index}", "key": list(added), "base": 0, "kind": "edit_text", **TEXTS}
            session.store({"journal": session.header.journal, "events": [event]})
        for index in (0, 1):
            decided(session, next(at for at, key in enumerate(session.review.keys) if key.episode == index), "accept")
        keys = session.review.keys
    skills = json.loads((folder / "meta/skills.json").read_text())
    earlier, later = skills["episodes"]["1"]["skills"][1:3]
    earlier["end"] = later["start"] = earlier["end"] + 0.3
    (folder / "meta/skills.json").write_text(json.dumps(skills))
    change(folder, -1, user_prompt="Go on.")
    done = rebase_review(folder, None, "Eve")
    assert (done.kept, done.conflicts, done.missing, done.spans) == (2, 1, 1, 1)
    assert "1 that were reviewed are there no more; the edited spans of 1 episodes were left out" in str(done)
    with open_session(folder, None, "Eve") as session:
        assert session.fold.spans(0)
        assert session.fold.spans(1) is None
        assert [bool(session.fold.outcome(key).conflict) for key in keys].count(True) == 1
        assert [session.fold.outcome(key).state for key in session.episode(0).added] == ["edited"]
        assert not session.episode(1).added


def test_there_must_be_a_review_to_carry_over(numbered_run, tmp_path):
    folder = copied(numbered_run, tmp_path)
    with pytest.raises(ConfigError, match="has no review to carry over"):
        rebase_review(folder, None, "Ada")
    assert not work(folder).exists()
    assert "leave out --read-only" in run("review", folder, "--rebase", "--apply", code=2)


def test_verdicts_of_former_versions_which_do_not_say_what_they_are_about_are_conflicts(folder):
    path = work(folder) / "review.jsonl"
    _, events = read(path)
    with open_review(folder) as review:
        done = rebase(review, [replace(event, about=None) for event in events], "Eve")
    assert (done.kept, done.conflicts) == (0, 4)
