"""The closed list of skills and the objects of the scenes, as an external model gets them."""

import json
import shutil

import pytest
from parsed_page import invoked
from rendered_example import write_example
from report_runs import SKILLS, rendered

import pgen
from pgen.formats.syn_annotations import read_lines


def exported(folder, out, *arguments):
    printed = invoked("export", folder, "--vocabulary", "--output-dir", out, *arguments)
    return json.loads((out / "vocabulary.json").read_text(encoding="utf-8")), printed.splitlines()


@pytest.mark.parametrize("sink", ["lerobot", "high-level-policy"])
def test_skills_and_objects_are_listed_with_their_counts(tmp_path, sink):
    """Whatever the sink made of the tasks, they are those of the demonstrations."""
    root = rendered(tmp_path / "data", codec="png")
    pgen.annotate(root, tmp_path / "out", generator="template", sink=sink)
    found, printed = exported(tmp_path / "out", tmp_path / "steering")
    answered = [line for line in read_lines(tmp_path / "out/meta/syn_annotations.jsonl") if line["status"] == "ok"]
    for entry, (name, *_) in zip(found["skills"], sorted(SKILLS), strict=True):
        dialogues = sum(line["skill_current"] == entry["skill"] for line in answered)
        skill = {"skill": name, "command": name, "spans": 4, "episodes": 4, "frames": 40}
        assert entry == skill | {"dialogues": dialogues}
    assert found["objects"] == [{"object": "cup", "episodes": 4, "spans": 8}]
    assert found["tasks"] == [{"task": "tidy up", "episodes": 4}]
    assert printed == ["skills     2 in 4 episodes", "objects    1", f"output     {tmp_path / 'steering'}"]


def test_the_skills_are_exactly_those_of_the_dataset_and_each_has_its_command(tmp_path):
    root = write_example(tmp_path / "data")
    pgen.annotate(root, tmp_path / "out", generator="template")
    found, _ = exported(tmp_path / "out", tmp_path / "steering")
    spans = [
        span["name"]
        for e in json.loads((root / "meta/skills.json").read_text())["episodes"].values()
        for span in e["skills"]
    ]
    assert {entry["skill"]: entry["spans"] for entry in found["skills"]} == {name: spans.count(name) for name in spans}
    assert all(
        entry["command"].split()[0] in ("move", "pick", "place", "release", "retract", "lift")
        for entry in found["skills"]
    )
    assert {entry["object"] for entry in found["objects"]} == {"pink lego brick", "red lego brick", "transparent box"}


def test_lines_alone_give_the_spans_that_have_samples_and_no_frames(tmp_path):
    root = rendered(tmp_path / "data", codec="png")
    pgen.annotate(root, tmp_path / "out", generator="template", sink="jsonl")
    shutil.rmtree(root)
    found, _ = exported(tmp_path / "out", tmp_path / "steering")
    assert {(entry["skill"], entry["spans"], entry["frames"]) for entry in found["skills"]} == {
        (name, 4, None) for name, *_ in SKILLS
    }


def test_options_of_chats_and_a_folder_that_exists_are_refused(out, tmp_path):
    refused = invoked("export", out, "--vocabulary", "--seed", "3", "--output-dir", tmp_path / "new", code=2)
    assert "--vocabulary writes no chats: leave out --seed" in refused
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    assert "exists" in invoked("export", out, "--vocabulary", "--output-dir", tmp_path / "old", code=2)
