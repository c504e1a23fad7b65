"""Writing a review back: the dataset has it, is verified, and everything else stays as it was."""

import json
import shutil
import sys
from hashlib import sha256
from time import monotonic

import pytest
from forked import run_pgen
from hanging import HANG
from report_pages import report_of
from review_edits import Client, copied, event
from review_helpers import MAIN, served

import pgen
from pgen_lerobot.verify import verify


@pytest.fixture
def folder(numbered_run, tmp_path):
    return copied(numbered_run, tmp_path)


def run(folder, *options, expected=0):
    command = [sys.executable, "-c", MAIN, "review", str(folder), *options]
    result = run_pgen(command)
    assert result.returncode == expected, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


def hashes(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def lines(folder):
    return [json.loads(line) for line in (folder / "meta/syn_annotations.jsonl").read_text().splitlines()]


def line_of(folder, sample):
    place = ("episode_index", "frame_index", "scope", "variant")
    return next(line for line in lines(folder) if [line[name] for name in place] == sample["key"])


def steps(client, episode=0):
    return [sample for sample in client.samples(episode) if sample["scope"] == "step"]


def manifest(folder):
    return json.loads((folder / "meta/pgen/manifest.json").read_text())


def changed(before, after):
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


RECORDS = ["README.md", "meta/pgen/manifest.json", "meta/pgen/reviews.jsonl", "meta/syn_annotations.jsonl"]


def test_a_review_is_written_to_the_dataset_which_verifies(folder):
    before = hashes(folder)
    with served(folder, "--as", "Ada") as running:
        client = Client(running)
        rejected, edited, shortened, accepted, *_ = steps(client)
        client.edit(event(rejected, "reject", reason="it does not lift yet"))
        client.edit(event(edited, "edit_text", user="Grab the cup!", robot="On it."))
        client.edit(event(shortened, "edit_range", start=shortened["start"], stop=shortened["stop"] - 1))
        client.edit(event(accepted, "accept"))
        labels = client.get("/api/episodes/0")["labels"]
        samples = client.samples()
    assert "4 dialogues reviewed, 3 of them changed" in run(folder, "--apply")
    assert verify(folder).ok
    line = line_of(folder, rejected)
    assert (line["status"], line["stage"], line["reason"]) == ("failed", "review", "it does not lift yet")
    assert line["review"]["original"]["user_prompt"] == rejected["user"]
    assert (line["review"]["by"], line["review"]["state"]) == ("Ada", "rejected")
    line = line_of(folder, edited)
    assert (line["user_prompt"], line["robot_utterance"]) == ("Grab the cup!", "On it.")
    assert line_of(folder, shortened)["stop"] == shortened["stop"] - 1
    assert line_of(folder, accepted)["review"]["original"] is None
    frames = list(pgen.open(folder))
    for start, stop, position, _ in labels:
        for frame in frames[start:stop]:
            wanted = (samples[position]["user"], samples[position]["robot"])
            assert (frame.user_prompt, frame.robot_utterance) == wanted
    untouched = [name for name in before if name.startswith(("videos/", "meta/pgen/skills", "meta/skills"))]
    assert not set(untouched) & set(changed(before, hashes(folder)))
    reviews = manifest(folder)["reviews"]
    assert reviews["counts"] == {**reviews["counts"], "accepted": 1, "edited": 2, "rejected": 1}
    assert (reviews["people"], reviews["events"]) == (["Ada"], 4)
    assert manifest(folder)["counts"]["failed"] == {"review": 1}
    assert "4 dialogues were reviewed by people" in (folder / "README.md").read_text()
    assert "accepted 1, edited 2, rejected 1" in report_of(folder)


def test_a_second_write_changes_nothing(folder):
    with served(folder) as running:
        client = Client(running)
        client.edit(event(client.samples()[0], "reject", reason="wrong"))
    run(folder, "--apply")
    after = hashes(folder)
    assert "nothing was written" in run(folder, "--apply")
    assert hashes(folder) == after


def test_an_acceptance_changes_no_data_no_table_and_no_skills(folder):
    before = hashes(folder)
    with served(folder) as running:
        client = Client(running)
        client.edit(*[event(sample, "accept") for sample in client.samples()])
    run(folder, "--apply")
    assert changed(before, hashes(folder)) == RECORDS


def test_an_undo_after_a_write_restores_the_dataset(folder):
    before, original = hashes(folder), lines(folder)
    with served(folder) as running:
        client = Client(running)
        first, second, *_ = steps(client)
        client.edit(event(first, "edit_text", user="Go!", robot="Yes."))
        client.edit(event(second, "reject", reason="no"))
    run(folder, "--apply")
    with served(folder) as running:
        client = Client(running)
        assert client.get("/api/summary")["review"]["applied"] == 2
        shown = next(sample for sample in client.samples() if sample["key"] == first["key"])
        assert (shown["user"], shown["original"]["user"]) == ("Go!", first["user"])
        for _ in range(2):
            client.turn("undo", client.get("/api/events?since=0")["undo"])
    run(folder, "--apply")
    assert lines(folder) == original
    data = [name for name in changed(before, hashes(folder)) if name not in RECORDS]
    assert [name for name in data if name.startswith("data/")] == []
    assert verify(folder).ok


def test_a_dataset_without_its_journal_continues_its_own_review(folder, tmp_path):
    with served(folder) as running:
        client = Client(running)
        sample = client.samples()[0]
        client.edit(event(sample, "reject", reason="wrong"))
        journal = client.journal
    run(folder, "--apply")
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    with served(moved) as running:
        client = Client(running)
        assert client.journal == journal
        assert client.samples()[0]["review"]["reason"] == "wrong"


def test_reviewed_dialogues_whose_events_are_gone_are_kept_by_a_new_review(folder):
    with served(folder) as running:
        client = Client(running)
        first, second, third, *_ = steps(client)
        client.edit(event(first, "reject", reason="wrong"))
        client.edit(event(second, "edit_range", start=second["start"], stop=second["stop"] - 1))
    run(folder, "--apply")
    kept = line_of(folder, first)
    shutil.rmtree(folder.with_name(f".{folder.name}.pgen"))
    (folder / "meta/pgen/reviews.jsonl").unlink()
    with served(folder) as running:
        client = Client(running)
        shown = {tuple(sample["key"]): sample for sample in client.samples()}
        assert shown[tuple(first["key"])]["user"] is None
        client.edit(event(shown[tuple(second["key"])], "accept"), event(shown[tuple(third["key"])], "accept"))
    run(folder, "--apply")
    assert line_of(folder, first) == kept
    assert line_of(folder, second)["stop"] == second["stop"] - 1
    assert verify(folder).ok


def test_the_page_writes_and_goes_on_reviewing(folder):
    with served(folder) as running:
        client = Client(running)
        first, second, *_ = steps(client)
        client.edit(event(first, "reject", reason="wrong"))
        assert client.post("/api/apply", {"journal": client.journal, "base": 0})[0] == 409
        status, progress = client.post("/api/apply", {"journal": client.journal, "base": 1})
        assert (status, progress["state"]) == (202, "running")
        end = monotonic() + HANG
        while progress["state"] == "running" and monotonic() < end:
            progress = client.get("/api/apply")
        assert (progress["state"], progress["applied"]) == ("done", 1)
        assert client.edit(event(second, "accept"))[0] == 200
    assert "1 of them changed" in run(folder, "--apply")
    assert verify(folder).ok


def test_a_write_is_refused_where_the_dialogues_changed_meanwhile(folder):
    with served(folder) as running:
        client = Client(running)
        client.edit(event(client.samples()[0], "reject", reason="wrong"))
        path = folder / "meta/syn_annotations.jsonl"
        path.write_text(path.read_text().replace('"robot_utterance": "', '"robot_utterance": "Well, ', 1))
        before = hashes(folder)
        client.post("/api/apply", {"journal": client.journal})
        progress = client.get("/api/apply")
        end = monotonic() + HANG
        while progress["state"] == "running" and monotonic() < end:
            progress = client.get("/api/apply")
        assert progress["state"] == "failed"
        assert "changed while it was reviewed" in progress["message"]
        assert hashes(folder) == before
    assert "is the review of other dialogues" in run(folder, "--apply", expected=2)


def test_a_dataset_that_does_not_verify_keeps_its_files(folder):
    with served(folder) as running:
        client = Client(running)
        client.edit(event(client.samples()[0], "reject", reason="wrong"))
    video = next(folder.glob("videos/**/*.mp4"))
    video.write_bytes(video.read_bytes()[:1000])
    before = hashes(folder)
    assert "would not pass `pgen verify`" in run(folder, "--apply", expected=5)
    assert hashes(folder) == before


def test_the_status_counts_what_is_reviewed_and_what_the_dataset_lacks(folder):
    with served(folder, "--sample", "5", "--seed", "7") as running:
        client = Client(running)
        items = client.get("/api/queue?sample=yes")["items"]
        assert len(items) == 5
        chosen = {tuple(item["key"]) for item in items}
        samples = [sample for sample in client.samples() + client.samples(1) if tuple(sample["key"]) in chosen]
        client.edit(event(samples[0], "reject", reason="wrong"), *[event(sample, "accept") for sample in samples[1:4]])
        assert "4 of" in run(folder, "--status")
    printed = run(folder, "--status")
    assert "without the last 4 events" in printed
    assert "1 of 4 reviewed dialogues without a finding were bad: 25.0% (4.6% to 69.9% at 95 %)" in printed
    command = [sys.executable, "-c", MAIN, "review", str(folder), "--status", "--json"]
    status = json.loads(run_pgen(command).stdout)
    assert (status["sample"]["bad"], status["applied"], status["counts"]["rejected"]) == (1, 0, 1)
    run(folder, "--apply")
    assert "has all of them" in run(folder, "--status")
    assert manifest(folder)["reviews"]["sample"]["share"] == 0.25
