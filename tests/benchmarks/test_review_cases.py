"""Checks measured against the verdicts of people."""

import subprocess
import sys
from pathlib import Path

import pytest
from review_edits import Client, event
from review_helpers import MAIN, annotated, served

TOP = Path(__file__).parents[2]
TAKEN = {"user": "Lift it!", "robot": "I lift it.", "scenario": None, "response": None, "asked": 1, "generator": "tiny"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return annotated(tmp_path_factory.mktemp("cases"))


def measured(folder, code=0):
    command = [sys.executable, str(TOP / "benchmarks/checks.py"), "--reviews", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == code, result.stderr
    return result.stdout.splitlines() or [result.stderr]


def present(client, sample):
    return next(it for it in client.samples() if it["key"] == sample["key"])


def test_a_dataset_without_a_verdict_is_refused_in_a_sentence(run):
    assert "has no verdict" in measured(run, code=1)[0]


def test_verdicts_count_as_cases_and_what_was_taken_back_does_not(run):
    with served(run) as running:
        client = Client(running)
        first, second, third, fourth, fifth, sixth, *_ = client.samples()
        client.edit(event(first, "accept"))
        client.edit(event(second, "reject", reason="too vague"))
        client.edit(event(third, "reject", reason="too vague"))
        client.edit(event(present(client, third), "take", **TAKEN))
        client.edit(event(fourth, "edit_text", user="Now!", robot="Yes."))  # says nothing of what was wrong
        client.edit(event(fifth, "reject", reason="too vague"))
        client.edit(event(present(client, fifth), "accept"))
        undone = client.edit(event(sixth, "reject", reason="too vague"))[1]
        client.turn("undo", undone["undo"])
    subprocess.run([sys.executable, "-c", MAIN, "review", str(run), "--apply"], capture_output=True, check=True)
    title, head, every, *_ = measured(run)
    assert title == "2 bad and 2 good dialogues, as people said"
    assert head.split() == ["finding", "dialogues", "precision", "recall"]
    assert every.split()[:2] == ["any", "finding"]
