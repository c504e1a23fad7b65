"""`pgen segment` with the generators that ask a model: a server that stumbles, and a model in this process."""

import json

import hostile_server as hostile
import pytest
from segment_helpers import dataset, episode, read_json, run
from vlm_helpers import SPANS


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "in"
    return dataset(folder, episode(task="first"), episode(task="second"))


def answer(body):
    described = "description" in json.dumps(body["response_format"])
    return json.dumps({"description": "It moves."} if described else {"skills": SPANS})


def decide(fate):
    """Fine but for the question that cuts the second episode, which meets `fate`, try after try."""

    def choose(body, count):
        if hostile.is_probe(body):
            return hostile.says()
        asked = hostile.question(body)
        if "task: second" in asked and "Split" in asked and count < len(fate):
            return fate[count]
        return hostile.says(answer(body))

    return choose


def segmented(root, out, server, *options, expect=0):
    where = ["--base-url", server.url, "--opt", "generator.retry_wait=0.01", "--opt", "generator.max_retries=2"]
    return run("--root", root, "--output-dir", out, "--generator", "qwen-openai", *where, *options, expect=expect)


@pytest.mark.parametrize(
    "fate",
    [
        [hostile.busy(0.01), hostile.hang_up],
        [hostile.cut, hostile.status(500)],
        [hostile.says("What a nice cup.")],
        [hostile.says('{"skills": [', "length")],
    ],
    ids=["busy", "broken", "prose", "cut short"],
)
def test_a_server_that_stumbles_is_asked_again(root, tmp_path, fate):
    with hostile.HostileServer(decide(fate)) as server:
        told = segmented(root, tmp_path / "out", server)
    assert "segmented  2 by vlm, into 4 spans" in told
    assert "tokens" in told
    found = read_json(tmp_path / "out/meta/pgen/segmentation.json")["segmenter"]["found"]
    assert found["model"] == "tiny"


def test_what_a_server_never_answered_is_all_that_is_asked_again(root, tmp_path):
    with hostile.HostileServer(decide([hostile.status(500)] * 9)) as server:
        assert "1 of 2 episodes failed" in segmented(root, tmp_path / "out", server, expect=4)
    with hostile.HostileServer(decide([])) as server:
        segmented(root, tmp_path / "out", server)
        (asked,) = [text for text in server.asked if "robot's task" in text]
    assert "task: second" in asked
    assert "Split" in asked


def test_another_models_answers_are_not_mixed_in(root, tmp_path):
    with hostile.HostileServer(decide([hostile.status(500)] * 9)) as server:
        segmented(root, tmp_path / "out", server, expect=4)
    with hostile.HostileServer(decide([]), models=("other",)) as server:
        assert "belongs to a run with other options" in segmented(root, tmp_path / "out", server, expect=2)


@pytest.mark.parametrize(("clips", "shown"), [("video", "clips"), ("sheet", "sheets")])
def test_a_model_in_this_process_is_shown_clips_or_sheets(root, tiny_checkpoint, tmp_path, clips, shown):
    (tmp_path / "names.txt").write_text("reach\nlift\n")
    model = ["--generator", "qwen-transformers", "--model", tiny_checkpoint("qwen2_5_vl"), "--device", "cpu"]
    options = ["--dtype", "float32", "--opt", "generator.max_new_tokens=3000", "--vocabulary", tmp_path / "names.txt"]
    small = ["--opt", "segmenter.max_pixels=20000", "--frames-per-second", "1", "--opt", f"generator.clips={clips}"]
    run("--root", root, "--output-dir", tmp_path / "out", "--skills-only", *model, *options, *small)
    for told in read_json(tmp_path / "out/skills.json")["episodes"].values():
        assert {span["name"] for span in told["skills"]} <= {"reach", "lift"}
    assert read_json(tmp_path / "out/segmentation.json")["segmenter"]["found"]["shown"] == shown
