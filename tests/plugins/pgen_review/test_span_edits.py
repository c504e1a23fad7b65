"""Edited spans: what the server refuses, which dialogues are withdrawn, and the dataset that is written."""

import pytest
from review_edits import Client, copied, event, spans_event
from review_helpers import SKILLS, served
from span_edits import edit, episode, moved, renamed, split, states

REACH, LIFT, PUT = SKILLS


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


@pytest.fixture
def client(folder):
    with served(folder, "--as", "Ada") as running:
        yield Client(running)


def test_the_dialogues_of_a_renamed_span_are_stale_and_label_nothing(client):
    before = episode(client)
    shown = edit(client, renamed)
    assert [span["name"] for span in shown["spans"]] == [REACH, "raise the mug", PUT]
    assert [(span["edited"], span["open"]) for span in shown["spans"]] == [(False, False), (True, True), (False, False)]
    middle = before["spans"][1]
    for old, sample in zip(before["samples"], shown["samples"], strict=True):
        stale = LIFT in old["skills"]
        assert (sample["review"]["state"] == "stale") == stale
        assert (sample["start"], sample["stop"]) == ((None, None) if stale else (old["start"], old["stop"]))
    for start, stop, position, _ in shown["labels"]:
        if position is not None and start < middle["stop"] and stop > middle["start"]:
            assert "raise the mug" in shown["samples"][position]["skills"]
    counts = client.get("/api/summary")["review"]["counts"]
    assert counts["stale"] == list(states(shown).values()).count("stale")
    assert client.get("/api/queue?review=stale")["total"] == counts["stale"]


def test_dialogues_of_the_same_skills_are_kept_where_edges_move_and_spans_are_split(client):
    before = episode(client)
    for change in (moved, split):
        shown = edit(client, change)
        assert "stale" not in states(shown).values()
        of_run = [it for it in shown["samples"] if not it["added"]]
        assert [(it["user"], it["robot"]) for it in of_run] == [(it["user"], it["robot"]) for it in before["samples"]]


def test_an_acceptance_takes_a_stale_dialogue_for_the_present_skill(client):
    shown = edit(client, renamed)
    stale = next(it for it in shown["samples"] if it["review"]["state"] == "stale" and it["scope"] == "step")
    assert "“raise the mug” now" in stale["review"]["reason"]
    assert client.edit(event(stale, "accept"))[0] == 200
    accepted = next(it for it in episode(client)["samples"] if it["key"] == stale["key"])
    assert (accepted["review"]["state"], accepted["skills"]) == ("accepted", ["raise the mug"])
    assert accepted["stop"] is not None
    again = edit(client, lambda spans: [spans[0], {**spans[1], "name": "hold the mug"}, spans[2]])
    assert states(again)[tuple(stale["key"])] == "stale"


WRONG = [
    ([], "must have a span"),
    ([{"name": "a", "start": 0, "stop": 0}], "at least one of the frames"),
    ([{"name": "a", "start": 0, "stop": 9}, {"name": "b", "start": 8, "stop": 12}], "at least one of the frames"),
    ([{"name": "b", "start": 8, "stop": 12}, {"name": "a", "start": 0, "stop": 8}], "at least one of the frames"),
    ([{"name": "a", "start": 0, "stop": 41}], "at least one of the frames"),
    ([{"name": " ", "start": 0, "stop": 40}], "`name` must be"),
    ([{"name": "a", "start": 0.5, "stop": 40}], "must be frames"),
    ("a", "must be a list"),
]


def test_spans_that_break_a_rule_are_refused_in_a_sentence(client):
    shown = episode(client)
    for spans, reason in WRONG:
        status, answer = client.edit({**spans_event(shown, []), "spans": spans})
        assert (status, reason in answer) == (400, True), answer
    assert episode(client)["spans"] == shown["spans"]


def test_an_event_of_spans_that_names_a_dialogue_is_refused(client):
    shown = episode(client)
    for wrong in ({"kind": "accept"}, {"key": [9, 0, "spans", 0]}, {"key": shown["samples"][0]["key"]}):
        status, answer = client.edit({**spans_event(shown, shown["spans"]), **wrong})
        assert status == 400, answer


def test_an_older_base_is_refused_and_the_same_event_again_stores_nothing(client):
    shown = episode(client)
    sent = spans_event(shown, renamed(shown["spans"]))
    assert client.edit(sent)[0] == 200
    status, answer = client.edit(sent)
    assert (status, answer["n"]) == (200, 1)
    status, answer = client.edit(spans_event(shown, split(shown["spans"])))
    assert (status, answer["states"][0]["spans"][1]["name"]) == (409, "raise the mug")


def test_undo_and_redo_restore_spans_and_labels(client):
    before = episode(client)
    after = edit(client, renamed)
    assert client.turn("undo", 1)[1]["states"][0]["state"] == "open"
    undone = episode(client)
    assert (undone["spans"], undone["labels"]) == (before["spans"], before["labels"])
    client.turn("redo", 1)
    assert episode(client)["labels"] == after["labels"]
