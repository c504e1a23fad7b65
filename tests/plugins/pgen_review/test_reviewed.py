"""Dialogues as a person left them, in the lines of the dataset."""

import json
import sys

import pytest
from forked import run_pgen
from review_edits import Client, copied, event
from review_helpers import MAIN, served

from pgen_lerobot.verify import verify


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


def apply(folder):
    command = [sys.executable, "-c", MAIN, "review", str(folder), "--apply"]
    assert run_pgen(command).returncode == 0


def lines(folder):
    return [json.loads(line) for line in (folder / "meta/syn_annotations.jsonl").read_text().splitlines()]


def line_of(folder, sample):
    place = ("episode_index", "frame_index", "scope", "variant")
    return next(line for line in lines(folder) if [line[name] for name in place] == sample["key"])


def steps(client):
    return [sample for sample in client.samples() if sample["scope"] == "step"]


def test_a_dialogue_that_was_taken_from_a_model_is_written_with_its_name(folder):
    taken = {"user": "Take the cup!", "robot": "I take it.", "scenario": None, "response": None, "generator": "tiny"}
    with served(folder) as running:
        client = Client(running)
        first, second, *_ = steps(client)
        client.edit(event(first, "reject", reason="wrong object"))
        first = next(sample for sample in steps(client) if sample["key"] == first["key"])
        assert client.edit(event(first, "take", **taken, asked=2))[0] == 200
        client.edit(event(second, "take", **taken, asked=1), event(second, "edit_text", user="The cup!", robot="Yes."))
    apply(folder)
    assert verify(folder).ok
    line = line_of(folder, first)
    assert (line["user_prompt"], line["generator"], line["scenario_type"]) == ("Take the cup!", "tiny", None)
    assert (line["review"]["state"], line["review"]["asked_again"]) == ("edited", 2)
    assert line["review"]["original"]["user_prompt"] == first["user"]
    line = line_of(folder, second)
    assert (line["user_prompt"], line["generator"], line["review"]["asked_again"]) == ("The cup!", "tiny", 1)
    other = next(line for line in lines(folder) if "review" not in line)
    assert other["generator"] == "template"
    with served(folder) as running:
        client = Client(running)
        for _ in range(3):
            client.turn("undo", client.get("/api/events?since=0")["undo"])
    apply(folder)
    assert (line_of(folder, second)["generator"], verify(folder).ok) == ("template", True)
