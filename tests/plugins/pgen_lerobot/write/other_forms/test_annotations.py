"""The annotate page's file: written beside what it says already, and read back as the same spans."""

import json

import pytest
from exchange_helpers import results_with_exchanges
from form_helpers import written
from sink_helpers import column, results, snapshot, texts

from pgen.errors import InputError
from pgen.formats.schemas import validator
from pgen.labels.spans import frame_ranges
from pgen_lerobot.verify import verify
from pgen_lerobot.write.other_forms import ANNOTATIONS, LeRobotAnnotationsSink


def episodes(root):
    content = json.loads((root / ANNOTATIONS).read_text())
    assert validator("lerobot_annotations").first_error(content) is None
    assert content["version"] == 2
    return content["episodes"]


def spans(root, skills):
    run = results(root, skills=skills)
    return [([skill.name for skill in episode.skills], frame_ranges(episode)) for episode, _ in run.read()]


def test_each_dialogue_stands_at_the_second_of_its_sample(root, tmp_path):
    out = written(root, tmp_path / "out", LeRobotAnnotationsSink())
    expected = [annotation for _, found in results(root).read() for annotation in found if annotation.dialogue]
    atoms = [(int(index), atom) for index, episode in episodes(out).items() for atom in episode["atoms"]]
    asked = {(index, a["timestamp"]): a["content"] for index, a in atoms if a["style"] == "interjection"}
    answered = {
        (index, a["timestamp"]): a["tool_calls"][0]["function"]["arguments"]["text"]
        for index, a in atoms
        if a["style"] is None
    }
    places = [(a.sample.span.episode_index, a.sample.moment.timestamp) for a in expected]
    assert asked == dict(zip(places, (a.dialogue.user_prompt for a in expected), strict=True))
    assert answered == dict(zip(places, (a.dialogue.robot_utterance for a in expected), strict=True))


def test_its_subtasks_are_read_back_as_the_same_spans_gaps_included(root, tmp_path):
    out = written(root, tmp_path / "out", LeRobotAnnotationsSink())
    assert spans(out, "lerobot-annotations") == spans(root, "auto")


def test_what_others_wrote_into_the_file_stays(root, tmp_path):
    seen = {"role": "user", "content": "Where?", "style": "vqa", "timestamp": 0.1, "camera": "top", "tool_calls": None}
    old = {"role": "assistant", "content": "old", "style": "subtask", "timestamp": 0.0, "tool_calls": None}
    (root / ANNOTATIONS).write_text(
        json.dumps({"version": 2, "episodes": {"0": {"atoms": [seen, old], "by": "ann"}, "9": {"atoms": [old]}}})
    )
    before = snapshot(root)
    out = written(root, tmp_path / "out", LeRobotAnnotationsSink())
    found = episodes(out)
    assert [atom for atom in found["0"]["atoms"] if atom["style"] == "vqa"] == [seen]
    assert "old" not in [atom["content"] for atom in found["0"]["atoms"]]
    assert found["0"]["by"] == "ann"
    assert found["9"]["atoms"] == [old]
    assert snapshot(root) == before


@pytest.mark.parametrize(
    "episode",
    [
        {"atoms": [{"role": "user", "content": "Go", "style": "interjection", "timestamp": 0.0}]},
        {"high_levels": [{"start": 0.0, "user_prompt": "Go", "robot_utterance": "Going"}]},
    ],
    ids=["version 2", "version 1"],
)
def test_dialogue_that_is_there_is_replaced_only_when_told_to(root, tmp_path, episode):
    (root / ANNOTATIONS).write_text(json.dumps({"episodes": {"0": episode}}))
    with pytest.raises(InputError, match=r"holds dialogue of episode 0 already; replace it with --overwrite"):
        written(root, tmp_path / "refused", LeRobotAnnotationsSink())
    out = written(root, tmp_path / "out", LeRobotAnnotationsSink(overwrite=True))
    assert "Go" not in [atom["content"] for atom in episodes(out)["0"]["atoms"]]


def test_a_file_of_another_form_is_refused_before_anything_is_asked(root):
    (root / ANNOTATIONS).write_text('{"episodes": []}')
    with pytest.raises(InputError, match=r"lerobot_annotations.json does not fit the schema"):
        LeRobotAnnotationsSink(overwrite=True).open(results(root).source)


def test_verify_says_that_its_words_are_free_but_not_its_form(root, tmp_path):
    out = written(root, tmp_path / "out", LeRobotAnnotationsSink())
    (out / ANNOTATIONS).write_text((out / ANNOTATIONS).read_text().replace("Reaching.", "On my way."))
    found = verify(out, with_lerobot=False)
    assert found.problems == []
    assert any("its form was checked, its words were not" in note for note in found.notes)
    (out / ANNOTATIONS).write_text('{"episodes": []}')
    assert "lerobot_annotations.json does not fit" in str(verify(out, with_lerobot=False).problems[0])
    (out / ANNOTATIONS).unlink()
    assert "the file is missing" in str(verify(out, with_lerobot=False).problems[0])


def test_a_moment_has_one_dialogue_a_step_where_there_is_one_and_no_counterfactual(root, tmp_path):
    run = results_with_exchanges(root)
    out = written(root, tmp_path / "out", LeRobotAnnotationsSink(), run=run)
    moments = {(e.index, it.sample.moment.timestamp) for e, annotations in run.read() for it in annotations}
    atoms = [(int(index), atom) for index, episode in episodes(out).items() for atom in episode["atoms"]]
    asked = [((index, a["timestamp"]), a["content"]) for index, a in atoms if a["style"] == "interjection"]
    assert sorted(place for place, _ in asked) == sorted(moments)
    assert {content.split()[0] for _, content in asked} == {"step"}
    labels = {texts(out)[label].split(" | ")[0] for label in column(out)}
    steps = {text for text in labels if text.startswith("step")}
    assert steps <= {content for _, content in asked}
