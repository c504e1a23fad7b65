"""The command `pgen score`: files and datasets that it compares, and those that it refuses."""

import json

import pytest
from parsed_page import invoked
from PIL import Image

from pgen.records import Skill
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

TRUE = [Skill("reach", 0, 2), Skill("grasp the cup", 2, 3), Skill("lift the cup", 3, 5)]


def described(spans):
    return {"skills": [{"name": span.name, "start": span.start, "end": span.end} for span in spans]}


def file(path, spans, index=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"episodes": {str(index): described(spans)}}))
    return path


def dataset(root, seconds, spans):
    recording = Recording(length=round(seconds * 10), draw=lambda *_: Image.new("RGB", (16, 16)), task="tidy up")
    layout = Layout(fps=10, cameras=("observation.images.top",), codec="png")
    skills = {"coarse_description": "tidy up", "episodes": {"0": described(spans)}}
    return write_dataset(root, [recording], layout, skills=skills)


def test_the_command_compares_files_and_datasets(tmp_path):
    file(tmp_path / "true/meta/skills.json", TRUE)
    candidate = file(tmp_path / "candidate.json", [Skill("reach", 0, 2.4), Skill("lift the cup", 2.4, 5)])
    assert invoked("score", candidate, tmp_path / "true").splitlines() == [
        "episodes   1",
        "spans      2, expected 3",
        "",
        "edges within  precision    recall        F1",
        "0.25 s             0.00      0.00      0.00",
        "0.5 s              1.00      0.50      0.67",
        "1 s                1.00      0.50      0.67",
        "",
        "mean overlap over union     0.60",
        "spans with the same name    0.67",
        "words in common             0.89",
        "frames with the same name   0.80",
    ]


def test_as_json_the_command_prints_every_figure(tmp_path):
    true = file(tmp_path / "true.json", TRUE)
    scores = json.loads(invoked("score", true, true, "--json"))
    assert scores["boundaries"][1] == {"tolerance": 0.5, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert (scores["mean_iou"], scores["same_frames"], scores["missing"]) == (1.0, 1.0, 0)


@pytest.mark.parametrize(
    ("candidate", "reference", "message"),
    [
        ("none.json", "b", "there is no skills file"),
        (".", "b", "there is no skills file"),
        ("a", "b", "are of different datasets: episode 0 lasts"),
        ("b", "a", "are of different datasets: episode 0 lasts"),
        ("a/meta/skills.json", "b", "are of different datasets: episode 0 lasts"),
        ("late.json", "a", "episode 0 lasts 5.00 s, and a span ends at 40.00 s. Name two sets"),
        ("late.json", "other.json", "they have no episode in common"),
    ],
)
def test_skills_that_are_missing_or_of_different_datasets_are_refused(tmp_path, candidate, reference, message):
    dataset(tmp_path / "a", 5, TRUE)
    dataset(tmp_path / "b", 4.9, TRUE[:2])
    file(tmp_path / "late.json", [Skill("reach", 0, 40)])
    file(tmp_path / "other.json", TRUE, index=7)
    assert message in invoked("score", tmp_path / candidate, tmp_path / reference, code=2)


def test_two_sets_of_skills_of_one_dataset_are_compared(tmp_path):
    root = dataset(tmp_path / "a", 5, TRUE)
    copy = dataset(tmp_path / "b", 5, [Skill("reach", 0, 2), Skill("lift", 2, 5.2)])
    candidate = file(tmp_path / "candidate.json", [Skill("reach", 0, 2), Skill("lift", 2, 5.4)])
    for other in (copy, candidate):
        invoked("score", other, root)
