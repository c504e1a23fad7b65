"""What was acknowledged is never lost nor doubled: killed servers, full disks, damaged files, two processes."""

import shutil
import sys
from contextlib import suppress
from http.client import HTTPException
from random import Random

import pytest
from forked import run_pgen
from review_edits import Client, copied, event
from review_helpers import MAIN, served

KILL = f"""
import os, signal, sys
left = [{{}}]
def hook(name, arguments):
    if name == "open" and str(arguments[0]).endswith("review.jsonl") and arguments[2] & os.O_APPEND:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
{MAIN}
"""
"""Ends the process between the two copies of an event."""

LIMIT = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({{0}}, {{0}}))
{MAIN}
"""
"""Lets no file grow beyond a size, as a full disk does."""


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


def work(folder):
    return folder.with_name(f".{folder.name}.pgen")


def notes_of(folder):
    """Return the note of each dialogue that has one, and the number of events."""
    with served(folder) as running:
        answer = Client(running).get("/api/events?since=0")
    return {tuple(state["key"]): state["note"] for state in answer["states"] if state["note"]}, answer["n"]


def write_notes(client, rng, length=20):
    """Send notes until the server fails; return the notes that were acknowledged, and the last event."""
    acknowledged, samples = {}, client.samples() + client.samples(1)
    sent = {}
    with suppress(HTTPException, OSError):
        while True:
            sample = rng.choice(samples)
            sent = event(sample, "note", text=f"{len(acknowledged)}-{rng.random()}".ljust(length, "x"))
            status, answer = client.edit(sent)
            if status != 200:
                return acknowledged, sent, answer
            (sample["review"],) = answer["states"]
            acknowledged[tuple(sample["key"])] = sent["text"]
    return acknowledged, sent, None


@pytest.mark.parametrize("step", [1, 2, 9])
def test_a_server_that_is_killed_before_its_answer_has_stored_the_event_once(folder, step):
    with served(folder, main=KILL.format(step)) as running:
        acknowledged, sent, _ = write_notes(Client(running), Random(step))
        assert running.process.wait() < 0
    assert not (set(acknowledged.items()) - {(tuple(sent["key"]), acknowledged.get(tuple(sent["key"])))}) - set(
        notes_of(folder)[0].items()
    )
    with served(folder) as running:
        client = Client(running)
        status, answer = client.edit(sent)
        assert (status, answer["n"], answer["states"][0]["note"]) == (200, step, sent["text"])


@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_is_killed_at_any_moment_loses_nothing_that_was_acknowledged(folder, seed):
    rng = Random(seed)
    with served(folder) as running:
        client = Client(running)
        acknowledged = {}
        for sample in rng.sample(client.samples(), 5):
            sent = event(sample, "note", text=str(rng.random()))
            assert client.edit(sent)[0] == 200
            acknowledged[tuple(sample["key"])] = sent["text"]
        running.process.kill()
        running.process.wait()
    assert notes_of(folder) == (acknowledged, 5)


def test_a_full_disk_is_reported_and_loses_nothing_that_was_acknowledged(folder):
    with served(folder, main=LIMIT.format(150_000)) as running:
        acknowledged, sent, reason = write_notes(Client(running), Random(0), 2000)
    assert len(acknowledged) > 5
    assert "cannot be used" in reason
    assert "\n" not in reason
    assert reason.count(str(folder.parent)) == 1
    stored, _ = notes_of(folder)
    refused = tuple(sent["key"])
    assert {key: note for key, note in stored.items() if key != refused} == {
        key: note for key, note in acknowledged.items() if key != refused
    }
    assert stored.get(refused) in (acknowledged.get(refused), sent["text"])


def edited(folder):
    with served(folder) as running:
        client = Client(running)
        for sample in client.samples():
            assert client.edit(event(sample, "note", text=f"about {sample['key']}" * 20))[0] == 200
    return notes_of(folder)


@pytest.mark.parametrize("name", ["review.sqlite", "review.jsonl"])
def test_damage_to_either_file_loses_nothing(folder, name):
    before = edited(folder)
    path = work(folder) / name
    content = bytearray(path.read_bytes())
    for start in range(len(content) // 8, len(content), len(content) // 8):
        content[start : start + 700] = b"\0" * len(content[start : start + 700])
    path.write_bytes(content)
    assert notes_of(folder) == before
    path.unlink()
    assert notes_of(folder) == before


def refused(folder, *options):
    command = [sys.executable, "-c", MAIN, "review", str(folder), *options]
    result = run_pgen(command)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    return result.stderr


def test_damage_to_both_files_is_refused_in_a_sentence_and_changes_neither(folder):
    edited(folder)
    database, copy = work(folder) / "review.sqlite", work(folder) / "review.jsonl"
    database.unlink()
    lines = copy.read_text().splitlines(keepends=True)
    copy.write_text("".join([*lines[:3], *lines[4:]]))
    assert "lack 1 of" in refused(folder)
    assert copy.read_text() == "".join([*lines[:3], *lines[4:]])


def test_a_second_process_is_refused_and_learns_who_holds_the_review(folder):
    with served(folder) as running:
        assert f"process {running.process.pid} on" in refused(folder)
        with served(folder, "--read-only"):
            pass


def test_the_review_of_other_dialogues_is_refused(folder):
    with served(folder) as running:
        client = Client(running)
        client.edit(event(client.samples()[0], "accept"))
    lines = folder / "meta/syn_annotations.jsonl"
    lines.write_text(lines.read_text().replace('"robot_utterance": "', '"robot_utterance": "Well, ', 1))
    for options in ([], ["--read-only"]):
        assert "is the review of other dialogues than" in refused(folder, *options)
    shutil.rmtree(work(folder))
    with served(folder):
        pass
