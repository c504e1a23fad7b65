"""A checkout that has not fetched its large files: every kind of pointer is refused before anything is asked."""

import json

import pytest
from click.testing import CliRunner
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import dataset, snapshot

from pgen.cli import cli
from pgen_lerobot.verify import verify

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 1234567\n"
ADVICE = "git lfs pull"
V30 = ["meta/info.json", "meta/skills.json", "meta/tasks.parquet", "meta/episodes/*/*", "data/*/*", "videos/*/*/*"]
V21 = ["meta/tasks.jsonl", "meta/episodes.jsonl", "meta/episodes_stats.jsonl", "data/*/*", "videos/*/*/*"]
ANNOTATE = ["annotate", "--generator", "template"]
SEGMENT = ["segment", "--overwrite"]


def replace_with_pointer(root, pattern):
    path = sorted(root.glob(pattern))[-1]
    path.write_text(POINTER)
    return path


def run(command, root, out, *options):
    return CliRunner().invoke(cli, [command, "--root", str(root), "--output-dir", str(out), *options])


@pytest.mark.parametrize(
    ("version", "pattern", "command"),
    [
        *(("v3.0", pattern, ANNOTATE) for pattern in V30),
        *(("v2.1", pattern, ANNOTATE) for pattern in V21),
        ("v3.0", "videos/*/*/*", [*ANNOTATE, "--dry-run"]),
        ("v3.0", "videos/*/*/*", [*ANNOTATE, "--num-image-views-per-sample", "0"]),
        ("v3.0", "videos/*/*/*", SEGMENT),
        ("v2.1", "data/*/*", [*SEGMENT, "--dry-run"]),
    ],
    ids=str,
)
def test_a_pointer_in_place_of_any_file_is_refused_with_the_command_that_fetches_it(
    tmp_path, version, pattern, command
):
    root = dataset(tmp_path / "in", codec="h264", **ONE_A_FILE)
    root = as_v21(root) if version == "v2.1" else root
    path = replace_with_pointer(root, pattern)
    before = snapshot(root)
    name, *options = command
    done = run(name, root, tmp_path / "out", *options)
    assert done.exit_code == 2
    assert f"{path} is a Git LFS pointer, not the file that it stands for; fetch" in done.output
    assert ADVICE in done.output
    assert snapshot(root) == before
    assert [folder.name for folder in tmp_path.iterdir()] == ["in"]


def test_the_number_of_pointers_is_part_of_the_message(tmp_path):
    root = dataset(tmp_path / "in", codec="h264", **ONE_A_FILE)
    for path in root.glob("videos/*/*/*.mp4"):
        path.write_text(POINTER)
    done = run("annotate", root, tmp_path / "out", "--generator", "template")
    assert (done.exit_code, "(and so are 7 other files)" in done.output) == (2, True)


def test_a_pointer_beside_the_dataset_is_carried_along(root, tmp_path):
    (root / "assets").mkdir()
    (root / "assets/preview.gif").write_text(POINTER)
    assert run("annotate", root, tmp_path / "out", "--generator", "template").exit_code == 0
    assert (tmp_path / "out/assets/preview.gif").read_text() == POINTER


def test_a_skills_file_elsewhere_that_is_a_pointer_is_refused(root, tmp_path):
    skills = tmp_path / "skills.json"
    skills.write_text(POINTER)
    done = run("annotate", root, tmp_path / "out", "--generator", "template", "--skills", str(skills))
    assert done.exit_code == 2
    assert f"{skills} is a Git LFS pointer" in done.output


def test_verify_names_the_pointer_too(root, tmp_path):
    assert run("annotate", root, tmp_path / "out", "--generator", "template").exit_code == 0
    path = replace_with_pointer(tmp_path / "out", "data/*/*")
    (problem,) = verify(tmp_path / "out", with_lerobot=False).problems
    assert str(problem).startswith(f"{path} is a Git LFS pointer")


@pytest.mark.parametrize("name", ["labeled.jsonl", "frames/0.jpg"])
def test_lines_and_their_images_are_checked_alike(tmp_path, name):
    from PIL import Image

    (tmp_path / "frames").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "frames/0.jpg")
    line = {"episode_id": "a", "t": 0, "images": ["frames/0.jpg"], "skill_current": "reach", "skill_history": []}
    (tmp_path / "labeled.jsonl").write_text(json.dumps({**line, "task_description": "tidy up"}))
    (tmp_path / name).write_text(POINTER)
    done = run("annotate", tmp_path / "labeled.jsonl", tmp_path / "out", "--generator", "template", "--dry-run")
    assert done.exit_code == 2
    assert f"{tmp_path / name} is a Git LFS pointer" in done.output
    assert ADVICE in done.output
