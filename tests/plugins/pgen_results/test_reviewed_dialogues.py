"""What people approved as data: references, pairs of preference, and the prompts that show references."""

import json
import subprocess
import sys

import pytest
from parsed_page import invoked
from review_edits import Client, event
from review_helpers import MAIN, annotated, served

from pgen.formats.syn_annotations import from_line, read_lines
from pgen_dialogue.prompts import construct_prompt
from pgen_dialogue.prompts.file import FilePrompt

TAKEN = {"user": "Lift it!", "robot": "I lift it.", "scenario": None, "response": None, "asked": 1, "generator": "tiny"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A reviewed run: a dialogue is accepted, one edited, one rejected and taken from a model, one rejected."""
    folder = annotated(tmp_path_factory.mktemp("approved"))
    with served(folder) as running:
        client = Client(running)
        accepted, edited, taken, rejected, ranged, *_ = (it for it in client.samples() if it["scope"] == "step")
        client.edit(event(accepted, "accept"))
        client.edit(event(edited, "edit_text", user="The cup, please.", robot=edited["robot"]))
        client.edit(event(taken, "reject", reason="too vague"))
        (present,) = [sample for sample in client.samples() if sample["key"] == taken["key"]]
        client.edit(event(present, "take", **TAKEN))
        client.edit(event(rejected, "reject", reason="too vague"))
        client.edit(event(ranged, "edit_range", start=ranged["start"], stop=ranged["stop"] - 1))
    command = [sys.executable, "-c", MAIN, "review", str(folder), "--apply"]
    subprocess.run(command, capture_output=True, check=True)
    return folder


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "chats"
    printed = invoked("export", run, "--output-dir", out, "--reviewed")
    assert "references 4" in printed
    assert "pairs      2" in printed
    return out


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_only_approved_dialogues_are_exported(run, exported):
    approved = [
        line for line in read_lines(run / "meta/syn_annotations.jsonl") if line["status"] == "ok" and "review" in line
    ]
    assert len(approved) == len(lines(exported / "train.jsonl")) == len(lines(exported / "references.jsonl")) == 4
    assert [line["user_prompt"] for line in lines(exported / "references.jsonl")] == [
        line["user_prompt"] for line in approved
    ]


def test_a_pair_prefers_what_a_person_wrote_or_took_to_what_the_run_wrote(run, exported):
    stored = list(read_lines(run / "meta/syn_annotations.jsonl"))
    for pair in lines(exported / "preferences.jsonl"):
        chosen, rejected = (json.loads(pair[name][0]["content"][0]["text"]) for name in ("chosen", "rejected"))
        line = next(it for it in stored if it["user_prompt"] == chosen["user_prompt"])
        assert rejected["user_prompt"] == line["review"]["original"]["user_prompt"]
        *images, prompt = pair["prompt"][0]["content"]
        assert prompt["text"] == construct_prompt(from_line(line).sample)
        assert [part["image"] for part in images] == pair["images"]
        assert all((exported / name).is_file() for name in pair["images"])
        assert pair["part"] == "train"


def test_a_run_that_nobody_reviewed_is_refused(tmp_path):
    folder = annotated(tmp_path)
    text = invoked("export", folder, "--output-dir", tmp_path / "chats", "--reviewed", code=2)
    assert "has no dialogue that a person approved" in text


def test_a_prompt_shows_references_but_none_of_its_own_moment(run, exported, tmp_path):
    template = tmp_path / "mine.txt"
    template.write_text("{skill_current}\n{references}")
    builder = FilePrompt(path=template, references=exported / "references.jsonl", shots=2)
    builder.open()
    references = lines(exported / "references.jsonl")
    for line in read_lines(run / "meta/syn_annotations.jsonl"):
        sample = from_line(line).sample
        if sample.question.scope != "step":
            continue
        for seed in range(20):
            shown = builder.build(sample, seed).text
            assert shown == builder.build(sample, seed).text
            own = [it for it in references if (it["episode_id"], it["frame_index"]) == (line["episode_id"], line["t"])]
            others = [it for it in references if it not in own]
            assert shown.count("- Next skill") == min(2, len(others))
            assert not any(it["user_prompt"] in shown for it in own)


def test_other_references_give_another_fingerprint_and_another_path_does_not(exported, tmp_path):
    template = tmp_path / "mine.txt"
    template.write_text("{skill_current}\n{references}")
    copy, less = tmp_path / "copy.jsonl", tmp_path / "less.jsonl"
    content = (exported / "references.jsonl").read_text()
    copy.write_text(content)
    less.write_text(content.splitlines()[0])
    first, same, other = (
        FilePrompt(path=template, references=path) for path in (exported / "references.jsonl", copy, less)
    )
    assert (first.fingerprint(), first.identity()) == (same.fingerprint(), same.identity())
    assert first.fingerprint() != other.fingerprint()
