"""Bad input ends in exit 2 and one sentence that says what to do, before any sample, and leaves no output."""

import json
import shutil

import pytest
from click.testing import CliRunner
from PIL import Image

from pgen.cli import cli
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

SPANS = [{"name": "reach", "start": 0.0, "end": 1.0}]
LABELED = {
    "episode_id": "ep_001",
    "t": 37,
    "images": ["a.png"],
    "skill_current": "pick up the KitKat",
    "skill_history": [],
    "task_description": "making a sandwich",
}


@pytest.fixture
def root(tmp_path):
    skills = {
        "coarse_description": "wipe",
        "episodes": {"0": {"episode_index": 0, "description": "wipe", "skills": SPANS}},
    }
    recording = Recording(length=10, draw=lambda camera, frame: Image.new("RGB", (32, 32)), task="wipe")
    return write_dataset(tmp_path / "data", [recording], Layout(fps=10, cameras=("top",)), skills=skills)


def lines(tmp_path, *texts):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    path = tmp_path / "labeled.jsonl"
    path.write_text("\n".join(text if isinstance(text, str) else json.dumps(text) for text in texts))
    return path


def refused(tmp_path, *arguments, generator="template"):
    """The message of a run that ends with exit 2 and leaves neither an output nor a working folder."""
    before = set(tmp_path.iterdir())
    out = ["--output-dir", str(tmp_path / "out"), "--generator", generator] if generator else []
    told = CliRunner().invoke(cli, ["annotate", *out, *map(str, arguments)])
    assert told.exit_code == 2, told.output
    assert set(tmp_path.iterdir()) == before
    (message,) = [line for line in told.stderr.splitlines() if line.startswith(("pgen: error: ", "Error: "))]
    assert "Traceback" not in told.output
    return message


def test_no_skills(root, tmp_path):
    (root / "meta/skills.json").unlink()
    assert "meta/skills.json is missing" in refused(tmp_path, "--root", root)


def test_skills_that_are_no_json(root, tmp_path):
    (root / "meta/skills.json").write_text('{"episodes": ')
    assert "skills.json cannot be read as JSON" in refused(tmp_path, "--root", root)


def test_skills_of_another_schema_name_the_path_of_the_first_error(root, tmp_path):
    wrong = {"episodes": {"0": {"skills": [SPANS[0], {"name": "x", "start": "now", "end": 1}]}}}
    (root / "meta/skills.json").write_text(json.dumps(wrong))
    assert "skills[1].start: 'now' is not of type 'number'" in refused(tmp_path, "--root", root)


def test_an_unknown_camera(root, tmp_path):
    assert "no camera 'tip'; did you mean top?" in refused(tmp_path, "--root", root, "--camera", "tip")


def test_a_missing_video(root, tmp_path):
    shutil.rmtree(root / "videos")
    assert "file-000.mp4 is missing" in refused(tmp_path, "--root", root)


def test_an_output_that_exists(root, tmp_path):
    (tmp_path / "out").mkdir()
    assert "exists already" in refused(tmp_path, "--root", root)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_output_that_cannot_be_made(root, tmp_path):
    message = refused(
        tmp_path, "--root", root, "--output-dir", tmp_path / "data/meta/info.json/out", generator="template"
    )
    assert "info.json/out cannot be made: Not a directory" in message


def test_an_output_inside_the_input(root, tmp_path):
    message = refused(tmp_path, "--root", root, "--output-dir", root / "out", generator="template")
    assert "lies inside the input" in message
    assert not (root / "out").exists()


def test_no_output_named(root, tmp_path):
    assert "option output_dir is required" in refused(
        tmp_path, "--root", root, "--generator", "template", generator=None
    )


def test_no_such_dataset(tmp_path):
    assert "there is no dataset at" in refused(tmp_path, "--root", tmp_path / "none")


def test_no_dataset_named(tmp_path):
    assert "give its folder with --root" in refused(tmp_path)


@pytest.mark.parametrize(
    ("flag", "name", "close"),
    [("--sampler", "segment", "segments"), ("--prompt", "hirobot", "hi-robot"), ("--sink", "jsnl", "jsonl")],
)
def test_an_unknown_component_offers_the_closest(root, tmp_path, flag, name, close):
    assert f"{name!r}; did you mean {close}" in refused(tmp_path, "--root", root, flag, name)


def test_an_unknown_generator_offers_the_closest(root, tmp_path):
    assert "did you mean template" in refused(tmp_path, "--root", root, generator="temlate")


def test_an_option_of_the_wrong_type(root, tmp_path):
    message = refused(tmp_path, "--root", root, "--opt", "sampler.interval=often")
    assert "sampler segments: option interval" in message
    assert "got 'often'" in message


def test_a_flag_of_the_wrong_type(root, tmp_path):
    assert "'often' is not a valid float" in refused(tmp_path, "--root", root, "--sample-interval", "often")


def test_a_line_that_is_no_json_is_named_by_its_number(tmp_path):
    assert "labeled.jsonl, line 2 is not JSON" in refused(tmp_path, "--root", lines(tmp_path, LABELED, "{"))


def test_a_line_of_another_schema_is_named_by_its_number(tmp_path):
    wrong = {**LABELED, "t": "37"}
    message = refused(tmp_path, "--root", lines(tmp_path, LABELED, "", wrong))
    assert "line 3 does not fit the schema `labeled` at $.t: '37' is not of type 'integer'" in message


def test_images_of_which_none_opens_are_refused_with_the_first_and_its_line(tmp_path):
    (tmp_path / "b.png").write_bytes(b"\x89PNG no")
    message = refused(tmp_path, "--root", lines(tmp_path, *[{**LABELED, "images": ["b.png"]}] * 2))
    assert "line 1: the image" in message
    assert "b.png does not open" in message
    assert "No sample of" in message


def test_an_image_that_is_missing_is_named_by_its_line(tmp_path):
    assert "line 1: the image" in refused(tmp_path, "--root", lines(tmp_path, {**LABELED, "images": ["none.png"]}))


@pytest.mark.parametrize("path", ["../a.png", "/etc/passwd", "C:\\a.png", "x/../../a.png", "a\0.png", "link.png"])
def test_an_image_outside_the_folder_of_its_line_is_refused(tmp_path, path):
    folder = tmp_path / "lines"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    file = lines(folder, {**LABELED, "images": [path]})
    assert "outside" in refused(tmp_path, "--root", file)


def test_no_such_file_of_lines(tmp_path):
    assert "there is no file" in refused(tmp_path, "--root", tmp_path / "none.jsonl")


def test_a_sink_that_the_input_cannot_fill(tmp_path):
    assert "sink lerobot" in refused(tmp_path, "--root", lines(tmp_path, LABELED), "--sink", "lerobot")


def test_control_characters_of_a_dataset_do_not_reach_the_terminal(root, tmp_path):
    (root / "meta/skills.json").write_text(json.dumps({"episodes": {"\x1b[31mred": {"skills": []}}}))
    assert "\x1b" not in refused(tmp_path, "--root", root)
