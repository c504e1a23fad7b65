"""`pgen annotate --segment`: a dataset without skills in, a dataset with dialogue out, by one command."""

import json
import shutil

import hostile_server as hostile
import pytest
from click.testing import CliRunner

from pgen.cli import cli
from pgen.formats.schemas import first_error, validator
from pgen.formats.syn_annotations import read_lines
from pgen_demo.example import write_example
from pgen_lerobot.skills import read_spans
from pgen_lerobot.verify import verify

SPANS = [{"name": "pick up the brick", "start": 0, "end": 4}, {"name": "drop the brick", "start": 4, "end": "99:00"}]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    root = write_example(tmp_path_factory.mktemp("example") / "in")
    (root / "meta/skills.json").unlink()
    return root


@pytest.fixture
def root(example, tmp_path):
    return shutil.copytree(example, tmp_path / "in")


TEMPLATE = ("--generator", "template", "--sample-interval", "5")


def run(root, out, *options, expect=0):
    given = ["--root", root, "--output-dir", out, "--sample-interval", "5", *options]
    return command("annotate", "--segment", *given, expect=expect)


def command(*arguments, expect=0):
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == expect, done.output
    return done.output


def test_skills_are_found_and_then_dialogue_is_written(root, tmp_path):
    told = run(root, tmp_path / "out", "--generator", "template", "--opt", "segmenter.steady=0.5")
    assert "by gripper, into" in told
    assert "answered" in told
    spans = read_spans(tmp_path / "out/meta/pgen/skills.json")
    names = {line["skill_current"] for line in read_lines(tmp_path / "out/meta/syn_annotations.jsonl")}
    assert names <= {span.name for found in spans.values() for span in found}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    assert CliRunner().invoke(cli, ["verify", str(tmp_path / "out")]).exit_code == 0


def test_the_output_has_the_skills_for_its_own_with_how_they_were_made(root, tmp_path):
    run(root, tmp_path / "out", "--generator", "template")
    skills, made = (tmp_path / "out/meta" / name for name in ("skills.json", "pgen/segmentation.json"))
    assert first_error(validator("skills"), json.loads(skills.read_text())) is None
    assert first_error(validator("segmentation"), json.loads(made.read_text())) is None
    assert read_spans(skills).keys() == {0, 1}
    held = json.loads((tmp_path / "out/meta/pgen/manifest.json").read_text())["labels"]["files"]
    assert {"meta/skills.json", "meta/pgen/segmentation.json"} <= held.keys()
    command("annotate", "--root", tmp_path / "out", "--output-dir", tmp_path / "anew", "--overwrite", *TEMPLATE)
    assert "no skill" not in command("report", tmp_path / "anew")
    assert verify(tmp_path / "anew", with_lerobot=False).problems == []


def test_in_place_the_dataset_itself_gains_skills_and_dialogue(root, tmp_path):
    command("annotate", "--segment", "--root", root, "--in-place", *TEMPLATE)
    assert verify(root, with_lerobot=False).problems == []
    run(shutil.copytree(root, tmp_path / "copy"), tmp_path / "out", "--overwrite", *TEMPLATE)
    assert (tmp_path / "out/meta/skills.json").read_bytes() == (root / "meta/skills.json").read_bytes()
    command("annotate", "--root", root, "--in-place", "--overwrite", *TEMPLATE)
    assert verify(root, with_lerobot=False).problems == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "in", "out"]


def test_in_place_with_other_skills_than_before_the_labels_can_still_be_followed(root):
    command("annotate", "--root", root, "--in-place", "--skills", "task", *TEMPLATE)
    command("annotate", "--segment", "--root", root, "--in-place", "--overwrite", *TEMPLATE)
    (root / "meta/pgen/skills.json").write_text('{"episodes": {}}')
    command("annotate", "--root", root, "--in-place", "--overwrite", *TEMPLATE)
    assert verify(root, with_lerobot=False).problems == []


def test_skills_that_the_dataset_has_are_replaced_only_when_told(root, tmp_path):
    own = '{"episodes": {"0": {"skills": [{"name": "wait", "start": 0, "end": 1}]}}}'
    (root / "meta/skills.json").write_text(own)
    assert "replace it in the output with --overwrite" in run(root, tmp_path / "out", *TEMPLATE, expect=2)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    run(root, tmp_path / "out", "--overwrite", *TEMPLATE)
    assert (root / "meta/skills.json").read_text() == own
    assert "wait" not in (tmp_path / "out/meta/skills.json").read_text()


def answer(body):
    asked = json.dumps(body["response_format"])
    if "skills" in asked:
        return hostile.says(json.dumps({"skills": SPANS}))
    return hostile.says(json.dumps({"description": "It moves."})) if "description" in asked else hostile.says()


def test_a_model_is_asked_for_both_and_after_a_stop_only_for_what_is_missing(root, tmp_path):
    def failing(body, count):
        wanted = answer(body)
        dialogue = "user_prompt" in json.dumps(body["response_format"]) and not hostile.is_probe(body)
        return hostile.status(400) if dialogue else wanted

    where = ["--generator", "qwen-openai", "--opt", "generator.retry_wait=0.01"]
    with hostile.HostileServer(failing) as server:
        run(root, tmp_path / "out", *where, "--base-url", server.url, expect=4)
    assert not (tmp_path / "out").exists()
    with hostile.HostileServer(lambda body, count: answer(body)) as server:
        run(root, tmp_path / "out", *where, "--base-url", server.url)
        assert not any("Split" in text for text in server.asked)
    lines = list(read_lines(tmp_path / "out/meta/syn_annotations.jsonl"))
    assert {line["skill_current"] for line in lines} == {"pick up the brick", "drop the brick"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--skills", "task"], "leave one of them out"),
        (["--dry-run"], "--dry-run sends no request"),
        (["--camera", "none"], "there is no camera 'none'"),
        (["--opt", "segmenter.stedy=1"], "did you mean steady?"),
    ],
)
def test_what_cannot_be_done_is_said_before_skills_are_looked_for(root, tmp_path, options, message):
    assert message in run(root, tmp_path / "out", "--generator", "template", *options, expect=2)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
