"""What `hybrid` will cost, before any request."""

import pickle

import pytest
from hybrid_helpers import PICK, PLACE, RETREAT, hybrid_job, naming, numbers, pick, reply
from segment_helpers import PICK as PHASES
from segment_helpers import dataset, episode, read_json, run

from pgen.components import Patches
from pgen.inference.token_estimate import request_tokens
from pgen.testing import FakeGenerator
from pgen_lerobot.read import LeRobotSource
from pgen_segment.hybrid.segmenter import Hybrid
from pgen_segment.reading import recordings

SERVER = ["--generator", "qwen-openai", "--base-url", "http://127.0.0.1:9/v1"]


def execute(root, out, generator):
    with hybrid_job(root, out, generator) as job:
        return list(job.execute())


def test_a_dry_run_counts_what_a_run_sends(tmp_path):
    cameras = ("observation.images.top", "observation.images.side", "observation.images.wrist")
    root = dataset(tmp_path / "in", episode(PHASES * 5), episode(), cameras=cameras)
    plan = run("--root", root, "--output-dir", tmp_path / "out", *SERVER, "--dry-run").splitlines()
    generator = naming()
    execute(root, tmp_path / "out", generator)
    images = sum(len(request.images) for request in generator.requests)
    assert f"requests   {len(generator.requests)}" in plan
    assert f"images     {images}" in plan
    assert plan[-1].startswith("gripper    ")


@pytest.mark.parametrize("repeated", [1, 5])
def test_the_estimated_tokens_are_near_those_that_are_sent(tmp_path, repeated):
    root = dataset(tmp_path / "in", episode(PHASES * repeated))
    generator, patches = naming(), Patches(32)
    execute(root, tmp_path / "out", generator)
    sent = sum(
        len(request_tokens(request.prompt, [(it.camera, patches.tokens(it.width, it.height)) for it in request.images]))
        for request in generator.requests
    )
    source, segmenter = LeRobotSource(root=root, skills="task"), Hybrid()
    source.open()
    segmenter.open(source)
    (recording,) = recordings(source, segmenter.columns)
    assert segmenter.planned(recording, patches)["tokens_in"] == pytest.approx(sent, rel=0.15)


def test_a_span_that_contradicts_its_cycle_is_asked_about_once_more(tmp_path):
    def named(skill_again):
        def answer(request):
            value = pick(request.prompt.text)
            shown = numbers(request.prompt.text)
            if len(shown) == 1:
                return reply({shown[0]: ("reach for the cup", skill_again)})
            return {
                **value,
                "spans": [{**s, "skill": "B", "name": "x"} if s["numbers"] == [2] else s for s in value["spans"]],
            }

        return naming(answer)

    root = dataset(tmp_path / "in")
    for skill, expected in ((PICK, "reach for the cup"), (PLACE, "x")):
        generator = named(skill)
        with hybrid_job(root, tmp_path / skill, generator, level="motion") as job:
            list(job.execute())
        _, again = generator.requests
        assert numbers(again.prompt.text) == [2]
        assert len(again.sample.moment.clip) == 3
        spans = read_json(tmp_path / skill / "segmentation.json")["levels"]["0"]
        assert spans["motion"][1]["name"] == expected
        assert [span["name"] for span in spans["skill"]] == [PICK, PLACE, RETREAT]


def test_rollouts_can_be_sent_to_another_process(tmp_path):
    root = dataset(tmp_path / "in")
    source, segmenter = LeRobotSource(root=root, skills="task"), Hybrid()
    source.open()
    segmenter.open(source)
    (recording,) = recordings(source, segmenter.columns)
    item = segmenter.item(recording)
    assert pickle.loads(pickle.dumps(item)).pieces == item.pieces
    assert pickle.loads(pickle.dumps(segmenter.work(FakeGenerator(), 3))).level == "skill"
