"""`pgen annotate --segment`: a dataset without skills in, a dataset with dialogue out, by one command."""

import json
import shutil

import hostile_server as hostile
import pytest
from hybrid_helpers import numbers, reply
from parsed_page import invoked
from rendered_example import write_example

from pgen.formats.schemas import validator
from pgen.formats.syn_annotations import read_lines
from pgen_lerobot.skills import read_spans
from pgen_lerobot.verify import verify

SKILLS = ("pick up the brick", "drop the brick")
TEMPLATE = ("--generator", "template", "--sample-interval", "5")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    root = write_example(tmp_path_factory.mktemp("example") / "in")
    (root / "meta/skills.json").unlink()
    return root


@pytest.fixture
def root(example, tmp_path):
    return shutil.copytree(example, tmp_path / "in")


def run(root, out, *options, expect=0):
    return invoked("annotate", "--segment", "--root", root, "--output-dir", out, *options, code=expect)


def in_place(root, *options):
    invoked("annotate", "--root", root, "--in-place", *options, *TEMPLATE)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_output_has_dialogue_about_its_own_skills_and_how_they_were_made(root, tmp_path):
    report = run(root, tmp_path / "out", *TEMPLATE, "--opt", "segmenter.steady=0.5")
    assert "by gripper, into" in report
    assert "answered" in report
    assert names(tmp_path) == ["in", "out"]
    meta = tmp_path / "out/meta"
    for file, schema in (("skills.json", "skills"), ("pgen/segmentation.json", "segmentation")):
        assert validator(schema).first_error(json.loads((meta / file).read_text())) is None
    spans = read_spans(meta / "skills.json")
    assert spans == read_spans(meta / "pgen/skills.json")
    assert spans.keys() == {0, 1}
    skills = {line["skill_current"] for line in read_lines(meta / "syn_annotations.jsonl")}
    assert skills <= {span.name for of_episode in spans.values() for span in of_episode}
    hashed = json.loads((meta / "pgen/manifest.json").read_text())["labels"]["files"]
    assert {"meta/skills.json", "meta/pgen/segmentation.json"} <= hashed.keys()
    invoked("verify", tmp_path / "out")
    invoked("annotate", "--root", tmp_path / "out", "--output-dir", tmp_path / "anew", "--overwrite", *TEMPLATE)
    assert "no skill" not in invoked("report", tmp_path / "anew")
    assert verify(tmp_path / "anew", with_lerobot=False).problems == []


def test_in_place_the_dataset_itself_gains_skills_and_dialogue(root, tmp_path):
    in_place(root, "--segment")
    assert verify(root, with_lerobot=False).problems == []
    run(shutil.copytree(root, tmp_path / "copy"), tmp_path / "out", "--overwrite", *TEMPLATE)
    assert (tmp_path / "out/meta/skills.json").read_bytes() == (root / "meta/skills.json").read_bytes()
    in_place(root, "--overwrite")
    assert verify(root, with_lerobot=False).problems == []
    assert names(tmp_path) == ["copy", "in", "out"]


def test_in_place_labels_are_verified_after_the_skills_have_changed(root):
    in_place(root, "--skills", "task")
    in_place(root, "--segment", "--overwrite")
    (root / "meta/pgen/skills.json").write_text('{"episodes": {}}')
    in_place(root, "--overwrite")
    assert verify(root, with_lerobot=False).problems == []


def test_existing_skills_are_replaced_only_with_overwrite(root, tmp_path):
    own = '{"episodes": {"0": {"skills": [{"name": "wait", "start": 0, "end": 1}]}}}'
    (root / "meta/skills.json").write_text(own)
    assert "replace it in the output with --overwrite" in run(root, tmp_path / "out", *TEMPLATE, expect=2)
    assert names(tmp_path) == ["in"]
    run(root, tmp_path / "out", "--overwrite", *TEMPLATE)
    assert (root / "meta/skills.json").read_text() == own
    assert "wait" not in (tmp_path / "out/meta/skills.json").read_text()


def test_after_a_failed_run_only_what_is_missing_is_requested(root, tmp_path):
    def replying(*, dialogue):
        def decide(body, count):
            schema = json.dumps(body["response_format"])
            if "spans" in schema:
                names = {number: (f"motion {number}", SKILLS[number > 4]) for number in numbers(hostile.question(body))}
                return hostile.says(json.dumps(reply(names)))
            return hostile.says() if dialogue or hostile.is_probe(body) else hostile.status(400)

        return hostile.HostileServer(decide)

    options = ["--generator", "qwen-openai", "--opt", "generator.retry_wait=0.01", "--sample-interval", "5"]
    with replying(dialogue=False) as server:
        run(root, tmp_path / "out", *options, "--base-url", server.url, expect=4)
    assert not (tmp_path / "out").exists()
    with replying(dialogue=True) as server:
        run(root, tmp_path / "out", *options, "--base-url", server.url)
        assert not any("Spans" in text for text in server.asked)
    lines = list(read_lines(tmp_path / "out/meta/syn_annotations.jsonl"))
    assert {line["skill_current"] for line in lines} == set(SKILLS)
    assert names(tmp_path) == ["in", "out"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--skills", "task"], "leave one of them out"),
        (["--camera", "none"], "there is no camera 'none'"),
        (["--opt", "segmenter.stedy=1"], "did you mean steady?"),
    ],
)
def test_a_wrong_option_is_refused_before_the_segmentation(root, tmp_path, options, message):
    assert message in run(root, tmp_path / "out", "--generator", "template", *options, expect=2)
    assert names(tmp_path) == ["in"]


def test_a_dry_run_plans_both_jobs_and_writes_nothing(root, tmp_path):
    model = ["--generator", "qwen-openai", "--base-url", "http://127.0.0.1:9/v1"]
    prices = ["--price-in", "1", "--price-out", "2"]
    plan = run(root, tmp_path / "out", *model, *prices, "--dry-run")
    segmentation, _, dialogue = plan.partition("The dialogue, as far as it can be planned before:")
    lines = [line.split("  ")[0] for line in segmentation.splitlines()]
    assert lines[:6] == ["--segment:", "episodes", "frames", "windows", "requests", "images"]
    assert {"tokens", "cost"} <= set(lines)
    assert "requests   2\n" in segmentation
    assert {"requests", "dialogues", "tokens", "cost"} <= {line.split("  ")[0] for line in dialogue.splitlines()}
    assert names(tmp_path) == ["in"]
    assert "--segment:\nepisodes   2" in run(root, tmp_path / "out", *TEMPLATE, "--dry-run")
