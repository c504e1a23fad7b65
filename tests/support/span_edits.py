"""Edits of spans through the routes of a review, and what they leave."""

import json
import sys

from forked import run_pgen
from review_edits import spans_event
from review_helpers import MAIN, SKILLS

REACH, LIFT, PUT = SKILLS


def episode(client, index=0):
    return client.get(f"/api/episodes/{index}")


def edit(client, change, index=0):
    """Post the spans that a function makes of the present ones; return the episode after it."""
    shown = episode(client, index)
    status, answer = client.edit(spans_event(shown, change(shown["spans"])))
    assert status == 200, answer
    return episode(client, index)


def renamed(spans):
    return [{**spans[0]}, {**spans[1], "name": "raise the mug"}, {**spans[2]}]


def moved(spans):
    """The first span takes a frame of the second one, whose first sample stays in it."""
    return [{**spans[0], "stop": spans[0]["stop"] - 1}, {**spans[1], "start": spans[1]["start"] - 1}, spans[2]]


def split(spans):
    first, *rest = spans
    return [{**first, "stop": 5}, {**first, "start": 5}, *rest]


def apply(folder, expected=0):
    command = [sys.executable, "-c", MAIN, "review", str(folder), "--apply"]
    result = run_pgen(command)
    assert result.returncode == expected, result.stderr
    return result.stdout


def lines(folder):
    return [json.loads(line) for line in (folder / "meta/syn_annotations.jsonl").read_text().splitlines()]


def states(shown):
    return {tuple(sample["key"]): sample["review"]["state"] for sample in shown["samples"]}
