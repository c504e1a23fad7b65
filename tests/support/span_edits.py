"""Edits of spans through the routes of a review, and what they leave."""

import json
import sys
from uuid import uuid4

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
    first, second, *rest = spans
    return [{**first, "stop": first["stop"] - 1}, {**second, "start": second["start"] - 1}, *rest]


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


def present(session, index=0):
    """Return the spans of an episode in a session."""
    return [span.as_json() for span in session.episode(index).spans]


def store_spans(session, kind, wanted, index=0):
    """Store an event about the spans of an episode in a session, and return their state."""
    key = [index, 0, "spans", 0]
    event = {"id": str(uuid4()), "key": key, "base": session.fold.number(tuple(key)), "kind": kind, "spans": wanted}
    return session.store({"journal": session.header.journal, "events": [event]})["states"][0]
