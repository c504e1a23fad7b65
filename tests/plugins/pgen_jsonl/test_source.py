"""D_labeled lines as input, D_syn lines as output."""

import json
import os

import pytest
from altered import altered
from click.testing import CliRunner
from PIL import Image

from pgen.cli import cli
from pgen.errors import SampleError
from pgen_jsonl.source import JsonlSource

LINE = {
    "episode_id": "ep_001",
    "t": 37,
    "images": ["frames/cam0_t.jpg", "frames/cam1_t.jpg"],
    "skill_current": "pick up the KitKat",
    "skill_history": ["open fridge", "pick up lettuce", "place lettuce"],
    "task_description": "making a sandwich",
}


@pytest.fixture
def labeled(tmp_path):
    """The path of the input, with its images; `write` writes its lines."""
    path = tmp_path / "in/labeled.jsonl"
    (path.parent / "frames").mkdir(parents=True)
    for name, mode in (("cam0_t.jpg", "RGB"), ("cam1_t.jpg", "L"), ("clear.png", "RGBA")):
        Image.new(mode, (64, 48)).save(path.parent / "frames" / name)
    write(path, {}, {"t": 60}, {"episode_id": "ep_002"})
    return path


def write(path, *changes):
    path.write_text("\n".join(json.dumps({**LINE, **changed}) for changed in changes))


def invoked(labeled, *flags, out="out"):
    paths = ["--root", str(labeled), "--output-dir", str(labeled.parent.parent / out)]
    return CliRunner().invoke(cli, ["annotate", *paths, "--generator", "template", *flags])


def annotated(labeled, *flags, out="out"):
    result = invoked(labeled, *flags, out=out)
    assert result.exit_code == 0, result.output
    lines = (labeled.parent.parent / out / "syn_annotations.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def opened(labeled):
    source = JsonlSource(root=labeled)
    source.open()
    return source, next(source.episodes()).samples[0]


def test_each_line_is_in_the_output_with_its_dialogue_and_the_manifest_is_beside_it(labeled):
    lines = annotated(labeled)
    assert [(line["episode_id"], line["t"]) for line in lines] == [("ep_001", 37), ("ep_001", 60), ("ep_002", 37)]
    for line in lines:
        assert {**LINE, **{key: line[key] for key in LINE if key not in ("t", "episode_id")}} == LINE
        assert "kitkat" in (line["user_prompt"] + line["robot_utterance"]).lower()
        assert (line["status"], line["generator"]) == ("ok", "template")
    manifest = json.loads((labeled.parent.parent / "out/manifest.json").read_text())
    counts = {"episodes": 2, "frames": 0, "samples": 3, "answered": 3, "failed": {}}
    assert manifest["counts"] == {**counts, "scopes": {"step": 3}, "counterfactuals": {}}


def test_the_same_seed_gives_the_same_lines_and_another_one_others(labeled):
    first = annotated(labeled)
    assert annotated(labeled, out="again") == first
    assert annotated(labeled, "--seed", "1", out="other") != first


@pytest.mark.parametrize(
    "changed",
    [
        {"skill_current": "pick up the \ud800 KitKat", "task_description": "\udfff", "episode_id": "\ud834"},
        {"t": 2**63 - 1},
        {"t": 37.0},  # as pandas writes integers of a column with a gap; to JSON Schema an integer
    ],
)
def test_unusual_values_come_back_as_they_were(labeled, changed):
    write(labeled, changed)
    (line,) = annotated(labeled)
    assert {key: line[key] for key in changed} == changed
    assert isinstance(line["t"], int)


@pytest.mark.parametrize(("key", "value"), [("t", 2**63), ("timestamp", 10**400), ("timestamp", -(10**400))])
def test_a_frame_or_a_time_that_no_table_can_hold_is_refused_with_its_line(labeled, key, value):
    write(labeled, {}, {key: value})
    result = invoked(labeled)
    assert result.exit_code == 2, result.output
    assert f"line 2 does not fit the schema `labeled` at $.{key}" in result.output


@pytest.mark.parametrize(("views", "images"), [("1", ["frames/cam0_t.jpg"]), ("0", [])])
def test_only_the_first_views_are_shown_and_the_others_need_not_open(labeled, views, images):
    write(labeled, {"images": ["frames/cam0_t.jpg", "none.png"]})
    (line,) = annotated(labeled, "--num-image-views-per-sample", views)
    assert (line["images"], line["status"]) == (images, "ok")


def test_a_sample_with_fewer_images_than_cameras_cannot_be_read(labeled):
    source, sample = opened(labeled)
    with source.reader(10**6) as reader, pytest.raises(SampleError, match="1 images are named for 2 cameras"):
        reader.images(altered(sample, images=sample.moment.images[:1]))


def test_images_of_any_mode_are_sent_as_rgb_jpeg(labeled):
    write(labeled, {"images": ["frames/cam1_t.jpg", "frames/clear.png"]})
    source, sample = opened(labeled)
    with source.reader(10**6) as reader:
        assert [image.jpeg[:2] for image in reader.images(sample)] == [b"\xff\xd8"] * 2


def test_a_truncated_image_fails_its_sample_alone(labeled):
    path = labeled.parent / "frames/cut.jpg"
    Image.effect_noise((320, 240), 60).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    write(labeled, {}, {"images": ["frames/cut.jpg"]})
    good, bad = annotated(labeled, "--max-failures", "0.5")
    assert good["status"] == "ok"
    assert (bad["status"], bad["stage"], bad["user_prompt"]) == ("failed", "decode", None)
    assert "cut.jpg" in bad["reason"]


UNREADABLE = {
    "missing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "empty": lambda path: path.write_bytes(b""),
    "no image": lambda path: path.write_text("<html>404</html>"),
    "a broken header": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40)),
    "too large": lambda path: Image.new("1", (9000, 9000)).save(path, "PNG"),
    "a named pipe": os.mkfifo,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_image_that_does_not_open_fails_its_sample_alone_and_is_counted(labeled, kind):
    UNREADABLE[kind](labeled.parent / "frames/bad.png")
    write(labeled, {}, {"images": ["frames/cam0_t.jpg", "frames/bad.png"]}, {"t": 60})
    lines = annotated(labeled, "--max-failures", "0.4")
    assert [(line["status"], line["stage"]) for line in lines] == [("ok", None), ("failed", "decode"), ("ok", None)]
    assert "frames/bad.png" in lines[1]["reason"]
    assert opened(labeled)[0].notes() == {"samples with an image that does not open": 1}


def test_images_that_do_not_open_are_bounded_by_max_failures_and_counted_by_a_dry_run(labeled):
    write(labeled, {}, {"t": 60, "images": ["none.png"]})
    assert "1 samples with an image that does not open" in invoked(labeled, "--dry-run").output
    result = invoked(labeled)
    assert result.exit_code == 4, result.output
    assert "1 of 2 samples failed (1 at decode)" in result.output
    assert "none.png is missing" in result.output
    assert not (labeled.parent.parent / "out").exists()


@pytest.mark.parametrize("side", [9000, 20_000])
def test_a_small_file_with_a_giant_image_is_refused_before_it_is_decoded(labeled, side):
    """A decompression bomb: a few kilobytes that would take hundreds of megabytes."""
    bomb = labeled.parent / "frames/bomb.png"
    Image.new("1", (side, side)).save(bomb)
    assert bomb.stat().st_size < 200_000
    write(labeled, {"images": ["frames/bomb.png"]})
    result = invoked(labeled)
    assert result.exit_code == 2, result.output
    assert "bomb.png does not open" in result.output
    assert "pixels" in result.output
