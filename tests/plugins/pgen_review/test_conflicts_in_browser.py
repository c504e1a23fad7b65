"""A conflict between two people in Chromium: both verdicts side by side, and the keys that decide it."""

import pytest
from review_edits import Client, copied, decided
from span_edits import moved, present, store_spans

from pgen_review.exported import read_exported
from pgen_review.rebasing import rebase_review
from pgen_review.several import export_journal, merge_journals
from pgen_review.starting import open_session

pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)

EDIT = {"user": "Take the cup.", "robot": "I take it."}
VERDICTS = "document.querySelectorAll('#conflict .verdict')"


@pytest.fixture
def folder(numbered_run, tmp_path):
    """A run on whose first two dialogues two people disagree."""
    paths = []
    for name, kinds in (("Ada", ("edit_text", "reject")), ("Bob", ("reject", "accept"))):
        with open_session(copied(numbered_run, tmp_path / name), None, name) as session:
            for number, kind in enumerate(kinds):
                decided(session, number, kind, **(EDIT if kind == "edit_text" else {"reason": "wrong object"}))
            export_journal(session, tmp_path / f"{name}.jsonl")
        paths.append(tmp_path / f"{name}.jsonl")
    target = copied(numbered_run, tmp_path)
    with open_session(target, None, "Eve") as session:
        merge_journals(session, [read_exported(path) for path in paths])
    return target


@pytest.mark.parametrize(("key", "state"), [("1", "edited"), ("2", "rejected"), ("e", "edited"), ("a", "accepted")])
def test_a_conflict_shows_both_verdicts_and_a_key_decides_it(visit, serve, folder, key, state):
    with serve(folder, "--as", "Eve") as server:
        browser = visit(server, "&sort=time&review=conflict")
        browser.until(f"{VERDICTS}.length === 2")
        assert browser.texts("#items .state") == ["□≠", "□≠"]
        shown = browser.texts("#conflict .verdict")
        assert shown[0].startswith("◆ edited by Ada\nuser Take the cup.\nrobot I take it.")
        assert shown[1].startswith("⊘ rejected by Bob")
        assert "reason: wrong object" in shown[1]
        browser.press(key)
        if key == "e":
            browser.press("!")
            browser.chord("\ue009", "\ue007")
        browser.until("document.getElementById('done').textContent.startsWith('1 of')")
        browser.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
        states = Client(server).get("/api/events?since=0")["states"]
        assert [(found["state"], len(found["conflict"])) for found in states] == [(state, 0), ("open", 2)]
        assert states[0]["by"] == "Eve"
        if key == "1":
            assert {name: states[0][name] for name in EDIT} == EDIT


def test_a_conflict_is_decided_with_the_mouse(visit, serve, folder):
    with serve(folder) as server:
        browser = visit(server, "&sort=time&review=conflict")
        browser.until(f"{VERDICTS}.length === 2")
        browser.all("#conflict .verdict button")[1].click()
        browser.until("document.getElementById('said').textContent.startsWith('rejected as by Bob')")
        browser.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
        assert Client(server).get("/api/summary")["review"]["counts"]["conflict"] == 1


def test_after_a_rebase_the_present_dialogue_is_shown_beside_the_verdict_on_the_former_one(
    visit, serve, numbered_run, tmp_path
):
    folder = copied(numbered_run, tmp_path)
    with open_session(folder, None, "Ada") as session:
        decided(session, 0, "accept")
    lines = folder / "meta/syn_annotations.jsonl"
    lines.write_text(lines.read_text().replace('"robot_utterance": "', '"robot_utterance": "Well, ', 1))
    assert rebase_review(folder, None, "Eve").conflicts == 1
    with serve(folder, "--as", "Eve") as server:
        browser = visit(server, "&sort=time&review=conflict")
        browser.until(f"{VERDICTS}.length === 2")
        former, present = browser.texts("#conflict .verdict")
        assert former.startswith("◆ edited by Ada\n")
        assert "robot Well, " not in former
        assert present.startswith("□ as it is now\n")
        assert "robot Well, " in present
        browser.press("2")
        browser.until("document.getElementById('said').textContent.startsWith('accepted as it is now')")
        browser.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
        (state,) = Client(server).get("/api/events?since=0")["states"]
        assert (state["state"], state["by"], state["conflict"]) == ("accepted", "Eve", [])


def test_spans_of_two_people_are_shown_side_by_side_and_a_key_takes_those_of_one(visit, serve, segmentation, tmp_path):
    for name in ("Ada", "Bob"):
        with open_session(copied(segmentation, tmp_path / name), None, name) as session:
            before = present(session)
            if name == "Ada":
                store_spans(session, "spans", moved(before))
            else:
                store_spans(session, "accept_spans", before)
            export_journal(session, tmp_path / f"{name}.jsonl")
    target = copied(segmentation, tmp_path)
    with open_session(target, None, "Eve") as session:
        merge_journals(session, [read_exported(tmp_path / f"{name}.jsonl") for name in ("Ada", "Bob")])
    with serve(target, "--as", "Eve") as server:
        browser = visit(server, "&review=conflict")
        browser.until("document.querySelectorAll('#span-conflict .verdict').length === 2")
        assert browser.texts("#items .state") == ["□≠"]
        shown = browser.texts("#span-conflict .verdict")
        first = moved(before)[0]
        assert shown[0].startswith(f"◆ edited by Ada\n{first['name']}, frames 0 to {first['stop'] - 1}")
        assert shown[1].startswith("■ accepted by Bob")
        browser.press("1")
        browser.until("document.getElementById('edited').textContent === 'the spans as by Ada'")
        browser.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
        assert browser.all("#span-conflict .verdict") == []
        taken = Client(server).get("/api/episodes/0")["spans"]
        assert [(it["name"], it["stop"]) for it in taken] == [(it["name"], it["stop"]) for it in moved(before)]
