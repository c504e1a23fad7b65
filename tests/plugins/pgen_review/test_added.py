"""Dialogues of spans that a person made: from the open sample to the dataset, and back by an undo."""

import pytest
from hostile_server import HostileServer, is_probe, says
from review_edits import Client, asked, copied, event
from review_helpers import SKILLS, served
from span_edits import apply, edit, episode, lines, split

import pgen
from pgen_lerobot.verify import verify

REACH, LIFT, PUT = SKILLS
REPLY = """{"seen": "a cup", "fits": true, "dialogues": [{"number": 1, "user_prompt": "Closer to the cup, please.",
"robot_utterance": "I reach for it.", "scenario_type": "specific_object", "response_type": "confirmation"}]}"""


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


def new(client, index=0):
    """Return the samples that edits of spans added."""
    return [sample for sample in episode(client, index)["samples"] if sample["added"]]


def undo(client):
    assert client.turn("undo", client.get("/api/events?since=0")["undo"])[0] == 200


def test_the_second_part_of_a_span_gets_a_sample_that_a_person_writes(folder):
    original = lines(folder)
    with served(folder, "--as", "Ada") as running:
        client = Client(running)
        shown = edit(client, split)
        (sample,) = new(client)
        assert sample["key"] == [0, 5, "step", 0]
        assert (sample["review"]["state"], sample["skills"], sample["stop"]) == ("open", [REACH], None)
        assert [span["open"] for span in shown["spans"]] == [False, True, False, False]
        assert client.get("/api/summary")["review"]["counts"]["open"] == len(original) + 1
        first = client.get("/api/queue?state=no_dialogue&problem=yes")["items"]
        assert [(it["key"], it["text"], it["review"]) for it in first] == [(sample["key"], "no dialogue yet", "open")]
        assert client.get("/api/queue")["items"][0]["key"] == sample["key"]
        in_time = [(it["ep"], it["frame"]) for it in client.get("/api/queue?sort=time")["items"]]
        assert in_time == sorted(in_time)
        assert client.edit(event(sample, "accept")) == (400, "This sample has no dialogue; write its text first.")
        assert client.edit(event(sample, "edit_text", user="A bit closer.", robot="Sure."))[0] == 200
        (sample,) = new(client)
        assert (sample["review"]["state"], sample["start"], sample["stop"]) == ("edited", 5, 14)
        assert not any(span["open"] for span in episode(client)["spans"])
        assert client.get("/api/queue?state=no_dialogue")["total"] == 0
    apply(folder)
    assert verify(folder).ok
    line = next(line for line in lines(folder) if line["frame_index"] == 5)
    assert [line[name] for name in ("user_prompt", "scope", "skill_current", "start", "stop", "generator")] == [
        *("A bit closer.", "step", REACH, 5, 14, "Ada"),
    ]
    assert (line["review"]["state"], line["review"]["original"]["user_prompt"]) == ("edited", None)
    frames = list(pgen.open(folder))
    assert {frame.user_prompt for frame in frames[5:14] if frame.scope == "step"} <= {"A bit closer."}
    with served(folder) as running:
        client = Client(running)
        assert new(client)[0]["id"] == sample["id"]
        undo(client)
        assert new(client)[0]["review"]["state"] == "open"
        undo(client)
        assert new(client) == []
        assert client.get("/api/queue")["total"] == client.get("/api/summary")["review"]["counts"]["open"]
        assert client.get("/api/events?since=0")["states"][0]["state"] == "open"
    apply(folder)
    assert (verify(folder).ok, lines(folder)) == (True, original)


def test_an_open_sample_is_no_line_of_the_dataset_and_a_rejected_one_labels_nothing(folder):
    with served(folder) as running:
        client = Client(running)
        edit(client, split)
        edit(client, split, 1)
        client.edit(event(new(client, 1)[0], "reject", reason="nobody says anything here"))
    apply(folder)
    assert verify(folder).ok
    (line,) = [line for line in lines(folder) if line["frame_index"] == 5]
    assert (line["episode_index"], line["status"], line["review"]["state"]) == (1, "failed", "rejected")
    with served(folder) as running:
        client = Client(running)
        assert [new(client, index)[0]["review"]["state"] for index in (0, 1)] == ["open", "rejected"]


def test_a_span_that_is_drawn_where_there_was_none_gets_a_sample(folder):
    with served(folder) as running:
        client = Client(running)
        edit(client, lambda spans: [spans[0], spans[2]])
        edit(client, lambda spans: [spans[0], {"name": "wait", "start": 16, "stop": 20}, spans[1]])
        (sample,) = new(client)
        assert (sample["frame"], sample["skills"]) == (16, ["wait"])
        client.edit(event(sample, "edit_text", user="Wait!", robot="I wait."))
        renamed = edit(client, lambda spans: [spans[0], {**spans[1], "name": "stop"}, spans[2]])
        (sample,) = new(client)
        assert (sample["review"]["state"], sample["review"]["user"]) == ("stale", "Wait!")
        assert [span["open"] for span in renamed["spans"]] == [False, True, False]
    apply(folder)
    assert verify(folder).ok
    (line,) = [line for line in lines(folder) if line["frame_index"] == 16]
    assert (line["status"], line["review"]["state"]) == ("failed", "stale")


def test_the_model_is_asked_for_the_dialogue_without_a_reason(folder):
    def decide(body, count):
        return says() if is_probe(body) else says(REPLY)

    with HostileServer(decide) as model:
        flags = "--generator", "qwen-openai", "--base-url", model.url
        with served(folder, "--as", "Ada", *flags) as running:
            client = Client(running)
            edit(client, split)
            (sample,) = new(client)
            assert client.get(f"/api/ask?sample={sample['id']}")["tokens"][0] > 300
            assert asked(client, {"key": sample["key"]})["state"] == "done"
            (candidate,) = client.get(f"/api/ask?sample={sample['id']}")["candidates"]
            names = "user", "robot", "scenario", "response", "generator", "asked"
            client.edit(event(sample, "take", **{name: candidate[name] for name in names}))
            other = client.samples()[0]
            status, answer = client.post("/api/ask", {"journal": client.journal, "key": other["key"]})
            assert (status, answer) == (400, "`reason` must be a text of 1 to 500 characters.")
    apply(folder)
    assert verify(folder).ok
    (line,) = [line for line in lines(folder) if line["frame_index"] == 5]
    assert (line["user_prompt"], line["generator"]) == ("Closer to the cup, please.", "qwen-openai")
    assert (line["review"]["state"], line["review"]["asked_again"]) == ("edited", 1)
