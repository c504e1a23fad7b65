"""`pgen segment` with the generators that use a model: a server with faults, and a model in this process."""

import json

import hostile_server as hostile
import pytest
from segment_helpers import dataset, episode, read_json, run
from vlm_helpers import SPANS


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "in"
    return dataset(folder, episode(task="first"), episode(task="second"))


def failing(*behaviours):
    """A server that meets the request for the second episode's spans with these behaviours, one after another."""

    def decide(body, count):
        if hostile.is_probe(body):
            return hostile.says()
        prompt = hostile.question(body)
        if "task: second" in prompt and "Split" in prompt and count < len(behaviours):
            return behaviours[count]
        described = "description" in json.dumps(body["response_format"])
        return hostile.says(json.dumps({"description": "It moves."} if described else {"skills": SPANS}))

    return decide


def segmented(root, out, server, expect=0):
    options = ["--base-url", server.url, "--opt", "generator.retry_wait=0.01", "--opt", "generator.max_retries=2"]
    options += ["--opt", "generator.extra.top_p=0.9"]
    return run(
        "--root", root, "--output-dir", out, "--segmenter", "vlm", "--generator", "qwen-openai", *options, expect=expect
    )


@pytest.mark.parametrize(
    "behaviours",
    [
        [hostile.busy(0.01), hostile.hang_up],
        [hostile.cut, hostile.status(500)],
        [hostile.says("What a nice cup.")],
        [hostile.says('{"skills": [', "length")],
    ],
    ids=["busy", "broken", "prose", "cut short"],
)
def test_a_request_that_meets_a_fault_is_sent_again(root, tmp_path, behaviours):
    with hostile.HostileServer(failing(*behaviours)) as server:
        report = segmented(root, tmp_path / "out", server)
    assert "segmented  2 by vlm, into 4 spans" in report
    assert "tokens" in report
    assert {body["top_p"] for body in server.bodies.values()} == {0.9}
    assert read_json(tmp_path / "out/meta/pgen/segmentation.json")["segmenter"]["found"]["model"] == "tiny"


def test_only_what_is_missing_is_requested_again_and_from_the_same_model(root, tmp_path):
    def prompts(server):
        return {text for text in server.asked if "robot's task" in text}

    with hostile.HostileServer(failing(*[hostile.status(500)] * 9)) as server:
        assert "1 of 2 episodes failed" in segmented(root, tmp_path / "out", server, expect=4)
        (failed,) = [text for text in prompts(server) if "task: second" in text and "Split" in text]
        answered = prompts(server) - {failed}
    with hostile.HostileServer(failing(), models=("other",)) as server:
        assert "belongs to a run with other options" in segmented(root, tmp_path / "out", server, expect=2)
    with hostile.HostileServer(failing()) as server:
        segmented(root, tmp_path / "out", server)
        assert failed in prompts(server)
        # The failure ends the run, at times before the other episode's second request was sent.
        assert len(answered | prompts(server)) == 4
        assert not answered & prompts(server)


@pytest.mark.parametrize(("clips", "shown"), [("video", "clips"), ("sheet", "sheets")])
def test_a_model_in_this_process_is_shown_clips_or_sheets(root, tiny_checkpoint, tmp_path, clips, shown):
    (tmp_path / "names.txt").write_text("reach\nlift\n")
    model = [
        "--segmenter",
        "vlm",
        "--generator",
        "qwen-transformers",
        "--model",
        tiny_checkpoint("qwen2_5_vl"),
        "--device",
        "cpu",
    ]
    options = ["--dtype", "float32", "--opt", "generator.max_new_tokens=3000", "--vocabulary", tmp_path / "names.txt"]
    small = ["--opt", "segmenter.max_pixels=20000", "--frames-per-second", "1", "--opt", f"generator.clips={clips}"]
    run("--root", root, "--output-dir", tmp_path / "out", "--skills-only", *model, *options, *small)
    for segmented_episode in read_json(tmp_path / "out/skills.json")["episodes"].values():
        assert {span["name"] for span in segmented_episode["skills"]} <= {"reach", "lift"}
    assert read_json(tmp_path / "out/segmentation.json")["segmenter"]["found"]["shown"] == shown
