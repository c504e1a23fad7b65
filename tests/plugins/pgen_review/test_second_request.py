"""The request about a dialogue: of the same sample as in the run, and in the conversation as it is now."""

import json

import pytest
from hostile_server import HostileServer, is_probe, says
from review_edits import Client, asked, copied, event, spans_event
from review_helpers import numbered, served

import pgen
from pgen.config import Parts
from pgen_review.fold import Fold
from pgen_review.results import open_review
from pgen_review.reviewed import ReviewedEpisode
from pgen_review.run_parts import parts_of
from pgen_review.second_request import sample_about


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """A run whose episodes are conversations."""
    folder = tmp_path_factory.mktemp("talk")
    pgen.annotate(numbered(folder / "data"), folder / "out", generator="template", turns="episode")
    return folder / "out"


def test_each_sample_is_the_one_of_the_run_with_the_dialogue_and_the_problem(numbered_run, tmp_path):
    with open_review(copied(numbered_run, tmp_path)) as review:
        parts, options = parts_of(review, {}, ())
        assert isinstance(parts, Parts)
        for stored in review.episodes.values():
            episode = ReviewedEpisode(review, stored.episode.index, Fold())
            for key, original in zip(episode.keys, episode.originals, strict=True):
                sample = sample_about(episode, parts, options, key, "wrong object")
                assert (sample.moment, sample.skills) == (original.sample.moment, original.sample.skills)
                assert (sample.question.about, sample.question.problem) == (original.dialogue, "wrong object")
                assert sample.question.speaker


def test_a_dialogue_of_a_conversation_is_asked_for_after_the_others_as_they_are_now(talk, tmp_path):
    def decide(body, count):
        dialogue = {"user_prompt": "Now that.", "robot_utterance": "Yes.", "scenario_type": "specific_object"}
        listed = [{"number": 1, **dialogue, "response_type": "confirmation"}]
        return says() if is_probe(body) else says(json.dumps({"seen": "a cup", "fits": True, "dialogues": listed}))

    flags = ["--generator", "qwen-openai", "--base-url"]
    with HostileServer(decide) as server, served(copied(talk, tmp_path), *flags, server.url) as running:
        client = Client(running)
        steps = [sample for sample in client.samples() if sample["scope"] == "step" and not sample["key"][3]]
        first, second, *_ = sorted(steps, key=lambda sample: sample["frame"])
        client.edit(event(first, "edit_text", user="Reach for the blue cup!", robot=first["robot"]))
        assert asked(client, {"key": second["key"], "reason": "too vague"})["state"] == "done"
        (body,) = (it for it in server.bodies.values() if not is_probe(it))
    sent = json.dumps(body["messages"])
    assert "The conversation so far" in sent
    assert "Reach for the blue cup!" in sent
    assert sent.count(json.dumps(second["user"])[1:-1]) == 1


def test_a_failed_sample_is_asked_for_anew(numbered_run, tmp_path):
    folder = copied(numbered_run, tmp_path)
    path = folder / "meta/syn_annotations.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    place = next(number for number, line in enumerate(lines) if line["scope"] == "step")
    nothing = dict.fromkeys(("user_prompt", "robot_utterance", "scenario_type", "response_type", "start", "stop"))
    lines[place] |= {**nothing, "status": "failed", "stage": "transport", "reason": "no answer"}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with served(folder) as running:
        client = Client(running)
        sample = next(it for it in client.samples() if it["user"] is None)
        assert asked(client, {"key": sample["key"], "reason": "it failed"})["state"] == "done"
        (candidate,) = client.get(f"/api/ask?sample={sample['id']}")["candidates"]
        names = ("user", "robot", "scenario", "response", "generator", "asked")
        code, answer = client.edit(event(sample, "take", **{name: candidate[name] for name in names}))
    assert (code, answer["states"][0]["state"], answer["states"][0]["user"]) == (200, "edited", candidate["user"])


def test_candidates_for_other_skills_are_not_shown_once_the_spans_are_edited(numbered_run, tmp_path):
    def decide(body, count):
        user = "Lift the mug." if "raise the mug" in json.dumps(body["messages"][-3:]) else "Lift the cup."
        dialogue = {"user_prompt": user, "robot_utterance": "Yes.", "scenario_type": "specific_object"}
        listed = [{"number": 1, **dialogue, "response_type": "confirmation"}]
        return says() if is_probe(body) else says(json.dumps({"seen": "a cup", "fits": True, "dialogues": listed}))

    flags = ["--generator", "qwen-openai", "--base-url"]
    with HostileServer(decide) as server, served(copied(numbered_run, tmp_path), *flags, server.url) as running:
        client = Client(running)
        sample = next(it for it in client.samples() if it["scope"] == "step" and it["skills"] == ["lift the cup"])
        place = f"/api/ask?sample={sample['id']}"
        wanted = {"key": sample["key"], "reason": "too vague"}
        asked(client, wanted)
        assert [it["user"] for it in client.get(place)["candidates"]] == ["Lift the cup."]
        shown = client.get("/api/episodes/0")
        first, second, third = shown["spans"]
        assert client.edit(spans_event(shown, [first, {**second, "name": "raise the mug"}, third]))[0] == 200
        assert client.get(place)["candidates"] == []
        asked(client, wanted)
        assert [it["user"] for it in client.get(place)["candidates"]] == ["Lift the mug."]
        present = next(it for it in client.samples() if it["key"] == sample["key"])
        assert present["review"]["state"] == "stale"
        taken = {"user": "Lift the mug.", "robot": "Yes.", "scenario": None, "response": None}
        code, answer = client.edit(event(present, "take", **taken, generator="qwen-openai", asked=1))
    assert (code, answer["states"][0]["state"]) == (200, "edited")
