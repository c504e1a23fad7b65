"""Asking a model again: what it is sent, its candidates, and what comes of a server that is late or fails."""

import json
import re

import pytest
from hostile_server import HostileServer, is_probe, says, status, trickle
from review_edits import Client, asked, copied, event
from review_helpers import served

KEY = "sk-0123456789abcdef0123456789abcdef"
REASON = "another object than the robot handles"


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


def model(server):
    """Return the flags that name a server."""
    return "--generator", "qwen-openai", "--base-url", server.url


def numbered(body, count):
    """Say something else for each seed."""
    user = f"Bring me cup number {body['seed'] % 1000}, please."
    single = {"user_prompt": user, "robot_utterance": "I bring it.", "scenario_type": "specific_object"}
    dialogues = [{"number": 1, **single, "response_type": "confirmation"}]
    if is_probe(body):
        return says()
    return says(json.dumps({"seen": "a cup", "fits": True, "dialogues": dialogues}))


def step(client, episode=0):
    return next(sample for sample in client.samples(episode) if sample["scope"] == "step")


def state_of(client, sample):
    return client.get(f"/api/ask?sample={sample['id']}")


def about(sample, **members):
    return {"key": sample["key"], "reason": REASON, **members}


def test_a_model_is_asked_with_the_images_the_dialogue_and_the_reason(folder):
    with HostileServer(numbered) as server, served(folder, *model(server)) as running:
        client = Client(running)
        sample = step(client)
        shown = state_of(client, sample)
        assert (shown["available"], shown["generator"], shown["address"]) == (True, "qwen-openai", server.url)
        assert shown["tokens"][0] > 300
        progress = asked(client, about(sample, each=3))
        assert (progress["state"], progress["done"], progress["failed"]) == ("done", 3, 0)
        assert progress["tokens"] == [300, 60]
        bodies = [body for body in server.bodies.values() if not is_probe(body)]
        candidates = state_of(client, sample)["candidates"]
    messages = bodies[0]["messages"]
    assert sum(part["type"] == "image_url" for turn in messages for part in turn["content"] if "type" in part) == 3
    assert sample["user"] in messages[-2]["content"]
    assert REASON in json.dumps(messages[-1])
    assert len({candidate["user"] for candidate in candidates}) == 3
    assert {candidate["asked"] for candidate in candidates} == {1}
    assert all(candidate["generator"] == "qwen-openai" for candidate in candidates)


def test_candidates_survive_a_killed_server_and_asking_again_gives_others(folder):
    with HostileServer(numbered) as server:
        with served(folder, *model(server)) as running:
            client = Client(running)
            sample = step(client)
            asked(client, about(sample, each=2))
            first = state_of(client, sample)["candidates"]
            running.process.kill()
        with served(folder, *model(server)) as running:
            client = Client(running)
            assert state_of(client, sample)["candidates"] == first
            asked(client, about(sample, each=2))
            both = state_of(client, sample)["candidates"]
    assert both[:2] == first
    assert [candidate["asked"] for candidate in both] == [1, 1, 2, 2]
    assert len({candidate["user"] for candidate in both}) == 4


def test_candidates_for_a_text_that_was_replaced_are_not_shown(folder):
    with served(folder) as running:
        client = Client(running)
        sample = client.samples()[3]
        assert asked(client, about(sample, each=4))["state"] == "done"
        candidate = state_of(client, sample)["candidates"][0]
        taken = {name: candidate[name] for name in ("user", "robot", "scenario", "response", "generator", "asked")}
        code, answer = client.edit(event(sample, "take", **taken))
        assert (code, answer["states"][0]["state"], answer["states"][0]["asked"]) == (200, "edited", 1)
        assert state_of(client, sample)["candidates"] == []


def test_findings_of_the_checks_come_with_a_candidate(folder):
    def copies(body, count):
        if is_probe(body):
            return says()
        single = {"user_prompt": other["user"], "robot_utterance": other["robot"], "scenario_type": "specific_object"}
        dialogue = {"number": 1, **single, "response_type": "confirmation"}
        return says(json.dumps({"seen": "a cup", "fits": True, "dialogues": [dialogue]}))

    with HostileServer(copies) as server, served(folder, *model(server)) as running:
        client = Client(running)
        sample, *_, other = (found for found in client.samples() if found["scope"] == "step")
        asked(client, about(sample))
        (candidate,) = state_of(client, sample)["candidates"]
    assert candidate["findings"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [(status(400, "no such thing"), "no such thing"), (says("not JSON"), "JSON"), (says("{}"), "")],
)
def test_a_request_that_fails_says_why_and_gives_no_candidate(folder, behaviour, reason):
    def decide(body, count):
        return says() if is_probe(body) else behaviour

    with HostileServer(decide) as server, served(folder, *model(server)) as running:
        client = Client(running)
        sample = step(client)
        progress = asked(client, about(sample))
        assert (progress["state"], progress["failed"]) == ("failed", 1)
        assert progress["message"]
        assert reason in progress["message"]
        assert state_of(client, sample)["candidates"] == []
        assert client.get("/api/events?since=0")["n"] == 0


def test_a_server_that_is_absent_is_named_in_a_sentence_and_asked_once_it_is_there(folder):
    with HostileServer() as server:
        url = server.url
    port = int(re.findall(r":(\d+)/", url)[0])
    with served(folder, "--generator", "qwen-openai", "--base-url", url) as running:
        client = Client(running)
        sample = step(client)
        progress = asked(client, about(sample))
        assert (progress["state"], url.removesuffix("/v1") in progress["message"]) == ("failed", True)
        with HostileServer(numbered, port=port):
            assert asked(client, about(sample))["state"] == "done"


def test_all_rejected_dialogues_are_asked_about_eight_at_once_and_those_with_candidates_no_more(folder):
    with HostileServer(numbered) as server, served(folder, *model(server)) as running:
        client = Client(running)
        samples = [*client.samples(), *client.samples(1)]
        client.edit(*(event(sample, "reject", reason=REASON) for sample in samples))
        assert client.get("/api/ask?rejected")["dialogues"] == len(samples)
        progress = asked(client, {"rejected": True})
        assert (progress["state"], progress["done"], progress["total"]) == ("done", len(samples), len(samples))
        assert server.peak <= 8
        assert client.get("/api/ask?rejected")["dialogues"] == 0
        again, text = client.post("/api/ask", {"journal": client.journal, "rejected": True})
        assert (again, text) == (400, "No dialogue is rejected that no model was asked about.")


def test_what_was_cancelled_keeps_its_candidates_and_continues_with_the_others(folder):
    left = [5]

    def decide(body, count):
        if left[0] == 0 and not is_probe(body):
            return trickle
        left[0] -= not is_probe(body)
        return numbered(body, count)

    with HostileServer(decide) as server, served(folder, *model(server)) as running:
        client = Client(running)
        samples = client.samples()
        client.edit(*(event(sample, "reject", reason=REASON) for sample in samples))
        progress = client.post("/api/ask", {"journal": client.journal, "rejected": True})[1]
        while client.get(f"/api/ask/{progress['id']}")["done"] < 5:
            assert client.get("/api/ask")["running"]["id"] == progress["id"]
        assert client.post("/api/ask", {"journal": client.journal, "rejected": True})[0] == 409
        sent = {"Origin": running.origin, "Content-Type": "application/json", "Cookie": client.cookie}
        assert running.request(f"/api/ask/{progress['id']}", "DELETE", **sent).status == 200
        while client.get(f"/api/ask/{progress['id']}")["state"] == "running":
            pass
        assert client.get(f"/api/ask/{progress['id']}")["state"] == "cancelled"
        assert client.get("/api/ask?rejected")["dialogues"] == len(samples) - 5
        left[0] = -1
        assert asked(client, {"rejected": True})["total"] == len(samples) - 5


def test_a_server_that_is_killed_in_between_loses_no_candidate_that_was_written(folder):
    left = [6]

    def decide(body, count):
        if left[0] == 0 and not is_probe(body):
            return trickle
        left[0] -= not is_probe(body)
        return numbered(body, count)

    with HostileServer(decide) as server:
        with served(folder, *model(server)) as running:
            client = Client(running)
            samples = client.samples()
            client.edit(*(event(sample, "reject", reason=REASON) for sample in samples))
            progress = client.post("/api/ask", {"journal": client.journal, "rejected": True})[1]
            while client.get(f"/api/ask/{progress['id']}")["done"] < 6:
                pass
            running.process.kill()
        left[0] = -1
        with served(folder, *model(server)) as running:
            client = Client(running)
            assert client.get("/api/ask?rejected")["dialogues"] == len(samples) - 6
            assert asked(client, {"rejected": True})["done"] == len(samples) - 6
            assert all(state_of(client, sample)["candidates"] for sample in samples)


def test_the_key_reaches_the_model_and_never_the_page(folder, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def decide(body, count):
        return says() if is_probe(body) else status(400, f"the key {KEY} is not welcome")

    with HostileServer(decide, key=KEY) as server, served(folder, *model(server)) as running:
        client = Client(running)
        sample = step(client)
        progress = asked(client, about(sample))
        assert "is not welcome" in progress["message"]
        shown = [progress, state_of(client, sample), client.get("/api/summary"), client.get("/api/episodes/0")]
    assert KEY not in json.dumps(shown)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"reason": REASON}, "`key` must be a list"),
        ({"key": [0, 99_999, "step", 0], "reason": REASON}, "There is no dialogue"),
        ({"key": [0, 0, "step", 0], "reason": ""}, "`reason` must be a text"),
        ({"key": [0, 0, "step", 0], "reason": REASON, "each": 5}, "`each` must be a number from 1 to 4."),
        ({"rejected": True}, "No dialogue is rejected"),
    ],
)
def test_an_invalid_request_is_refused_in_a_sentence(server, body, reason):
    client = Client(server)
    code, text = client.post("/api/ask", {"journal": client.journal, **body})
    assert (code, reason in text) == (400, True)


def test_a_read_only_review_asks_nothing(folder):
    with served(folder, "--read-only") as running:
        client = Client(running)
        assert client.get("/api/ask")["available"] is False
        assert client.post("/api/ask", {"journal": None})[0] == 400
