import json
from array import array

import pytest
from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.errors import InputError
from pgen.formats.syn_annotations import to_line
from pgen.testing import make_annotation, make_episode, make_samples
from pgen_replay.recorded import RecordedDialogues, to_ticks

(SAMPLE,) = make_samples(make_episode(("reach", 0.0, 1.0)))


def written(folder, content):
    """Write lines of (sample, user prompt), or the atoms of an episode, and return the file."""
    if isinstance(content, list):
        path = folder / "said.jsonl"
        lines = (to_line(make_annotation(sample, text), "fake") for sample, text in content)
        path.write_text("\n".join(map(json.dumps, lines)))
        return path
    path = folder / "lerobot_annotations.json"
    path.write_text(json.dumps({"episodes": content}))
    return path


def test_lines_of_one_frame_are_told_apart_by_everything_else(tmp_path):
    others = [altered(SAMPLE, **field) for field in ({"images": ("b.jpg",)}, {"task": "b"}, {"history": ("b",)})]
    lines = [(sample, f"Do {number}.") for number, sample in enumerate([SAMPLE, *others])]
    recorded = RecordedDialogues(written(tmp_path, lines))
    assert [(sample, recorded.find(sample).reply["user_prompt"]) for sample, _ in lines] == lines
    assert recorded.find(altered(SAMPLE, images=("third.jpg",))) is None


def test_the_only_line_of_a_moment_and_skill_serves_a_sample_with_other_images(tmp_path):
    recorded = RecordedDialogues(written(tmp_path, [(SAMPLE, "Go."), (altered(SAMPLE, skill="wipe"), "Wipe.")]))
    assert recorded.find(altered(SAMPLE, images=())).reply["user_prompt"] == "Go."


def test_two_dialogues_for_one_sample_are_refused_and_a_repeated_line_is_not(tmp_path):
    lines = [(SAMPLE, "Go."), (SAMPLE, "Go."), (SAMPLE, "Stop.")]
    assert RecordedDialogues(written(tmp_path, lines[:2])).find(SAMPLE).reply["user_prompt"] == "Go."
    with pytest.raises(InputError, match="two lines say different things about ep_000000, frame 0, step, variant 0"):
        RecordedDialogues(written(tmp_path, lines))


def test_two_requests_at_one_moment_are_refused(tmp_path):
    atoms = [{"role": "user", "content": text, "style": "interjection", "timestamp": 1.0} for text in ("Go", "Stop")]
    with pytest.raises(InputError, match=r"episode 3, 1.0 s: user_prompt stands there twice"):
        RecordedDialogues(written(tmp_path, {"3": {"atoms": atoms}}))


def test_version_one_of_the_file_of_the_page_is_read_too(tmp_path):
    exchange = {"start": 0.0, "end": 1.8, "user_prompt": "Go", "robot_utterance": "Going", "skill": "x"}
    recorded = RecordedDialogues(written(tmp_path, {"0": {"subtasks": [], "high_levels": [exchange]}}))
    assert recorded.find(SAMPLE).reply == {"user_prompt": "Go", "robot_utterance": "Going"}


@given(st.integers(0, 3000), st.sampled_from([5.0, 10.0, 29.97, 30.0, 60.0]))
def test_a_moment_in_float32_is_the_same_and_its_neighbours_are_not(frame, fps):
    single = array("f", [frame / fps])[0]
    assert abs(to_ticks(single) - to_ticks(frame / fps)) <= 1
    assert abs(to_ticks((frame + 1) / fps) - to_ticks(single)) > 1
