"""The segmenter `labels`: skills and phases from the labels of motions."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_samples import labels
from segment_helpers import dataset, episode, read_json, run

from pgen.records import Skill
from pgen_segment.labels import motions
from pgen_segment.levels import levels

MOTIONS = (
    "move above the milk; lower the gripper around the milk; close the gripper on the milk; lift the milk;"
    " carry the milk to the left bin; lower the milk into the left bin; open the gripper; retreat upwards;"
    " move above the bread; grasp the bread; carry the bread to the right bin; release the bread; return home"
)


def found(text, level, failed=()):
    names = text.split("; ")
    skills = [Skill(name, float(i), i + 1.0, i in failed) for i, name in enumerate(names)]
    return [(span.name, int(span.start)) for span in levels(motions(skills))[level]]


@pytest.mark.parametrize(
    ("text", "skills"),
    [
        (
            MOTIONS,
            [
                ("pick up the milk", 0),
                ("put the milk into the left bin", 4),
                ("retreat upwards", 7),
                ("pick up the bread", 8),
                ("carry the bread to the right bin", 10),
                ("return home", 12),
            ],
        ),
        ("pick up the train; put it in the box", [("pick up the train", 0), ("put it in the box", 1)]),
        (
            "move above the drawer handle; lower the fingers behind the drawer handle; pull the drawer open",
            [("pull the drawer open", 0)],
        ),
        ("reach for the cup; xyz; wait; grasp the cup", [("xyz", 0), ("wait", 2), ("grasp the cup", 3)]),
    ],
)
def test_motions_are_grouped_into_skills_by_their_labels(text, skills):
    assert found(text, "skill") == skills
    assert [name for name, _ in found(text, "motion")] == text.split("; ")


def test_skills_are_grouped_into_phases():
    assert found(MOTIONS, "phase") == [("put the milk into the left bin", 0), ("carry the bread to the right bin", 8)]


def test_an_attempt_that_failed_is_a_skill_of_its_own():
    text = "move above the milk; grasp the milk; lift the milk; open the gripper; move above the milk; grasp the milk"
    assert found(text, "skill", failed=(1, 2)) == [("pick up the milk", 0), ("pick up the milk", 4)]


@settings(max_examples=60, deadline=None)
@given(st.lists(labels.filter(str.strip), min_size=1, max_size=8))
def test_each_level_covers_all_labels_without_gaps(names):
    skills = [Skill(name, float(i), i + 1.0) for i, name in enumerate(names)]
    for spans in levels(motions(skills)).values():
        assert [spans[0].start, *(span.end for span in spans)] == [*(span.start for span in spans), float(len(names))]


def test_a_dataset_with_labels_of_motions_gets_the_levels_without_a_model(tmp_path):
    names = MOTIONS.split("; ")[:8]
    spans = [{"name": name, "start": 0.8 * i, "end": 0.8 * (i + 1)} for i, name in enumerate(names)]
    skills = {"episodes": {"0": {"skills": spans}}}
    root = dataset(tmp_path / "in", episode(task="tidy up"), skills=skills)
    options = ("--segmenter", "labels", "--overwrite")
    report = run("--root", root, "--output-dir", tmp_path / "out", *options)
    assert "segmented  1 by labels, into 3 spans" in report
    written = read_json(tmp_path / "out/meta/skills.json")["episodes"]["0"]["skills"]
    assert [span["name"] for span in written] == [
        "pick up the milk",
        "put the milk into the left bin",
        "retreat upwards",
    ]
    recorded = read_json(tmp_path / "out/meta/pgen/segmentation.json")["levels"]["0"]
    assert [span["name"] for span in recorded["motion"]] == names
    assert [span["name"] for span in recorded["phase"]] == ["put the milk into the left bin"]
    (root / "meta/skills.json").write_text(json.dumps({"episodes": {}}))
    message = run("--root", root, "--output-dir", tmp_path / "none", *options, expect=4)
    assert "the episode has no skills that could be grouped" in message
