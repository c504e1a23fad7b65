"""D_labeled lines in, D_syn lines out: the mission's own form."""

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
    folder = tmp_path / "in"
    (folder / "frames").mkdir(parents=True)
    for name, mode in (("cam0_t.jpg", "RGB"), ("cam1_t.jpg", "L")):
        Image.new(mode, (64, 48)).save(folder / "frames" / name)
    Image.new("RGBA", (64, 48)).save(folder / "frames/clear.png")
    path = folder / "labeled.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in (LINE, {**LINE, "t": 60}, {**LINE, "episode_id": "ep_002"})))
    return path


def annotated(labeled, *flags, out="out"):
    folder = labeled.parent.parent / out
    arguments = ["annotate", "--root", str(labeled), "--output-dir", str(folder), "--generator", "template", *flags]
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 0, told.output
    return [json.loads(line) for line in (folder / "syn_annotations.jsonl").read_text().splitlines()]


def test_each_line_comes_back_with_its_user_prompt_and_robot_utterance(labeled):
    lines = annotated(labeled)
    assert [(line["episode_id"], line["t"]) for line in lines] == [("ep_001", 37), ("ep_001", 60), ("ep_002", 37)]
    for line in lines:
        assert {key: line[key] for key in LINE if key not in ("t", "episode_id")} == {
            key: LINE[key] for key in LINE if key not in ("t", "episode_id")
        }
        assert "kitkat" in (line["user_prompt"] + line["robot_utterance"]).lower()
        assert (line["status"], line["generator"]) == ("ok", "template")


def test_the_manifest_lies_beside_the_lines(labeled):
    annotated(labeled)
    manifest = json.loads((labeled.parent.parent / "out/manifest.json").read_text())
    assert manifest["counts"] == {"episodes": 2, "frames": 0, "samples": 3, "answered": 3, "failed": {}}


def test_a_sample_that_names_fewer_pictures_than_cameras_has_none(labeled):
    source = JsonlSource(root=labeled)
    source.open()
    sample = next(source.episodes()).samples[0]
    with source.reader(10**6) as reader, pytest.raises(SampleError, match="1 images are named for 2 cameras"):
        reader.images(altered(sample, images=sample.moment.images[:1]))


def test_half_of_a_surrogate_pair_comes_back_as_it_was(labeled):
    odd = {"skill_current": "pick up the \ud800 KitKat", "task_description": "\udfff", "episode_id": "\ud834"}
    labeled.write_text(json.dumps({**LINE, **odd}))
    (line,) = annotated(labeled)
    assert {key: line[key] for key in odd} == odd


@pytest.mark.parametrize(("key", "value"), [("t", 2**63), ("timestamp", 10**400), ("timestamp", -(10**400))])
def test_a_frame_or_a_time_that_no_table_can_hold_is_refused_by_its_line(labeled, key, value):
    labeled.write_text("\n".join(json.dumps(line) for line in (LINE, {**LINE, key: value})))
    arguments = ["--root", str(labeled), "--output-dir", str(labeled.parent / "out"), "--generator", "template"]
    told = CliRunner().invoke(cli, ["annotate", *arguments])
    assert told.exit_code == 2, told.output
    assert f"line 2 does not fit the schema `labeled` at $.{key}" in told.output


def test_the_largest_frame_index_is_one(labeled):
    labeled.write_text(json.dumps({**LINE, "t": 2**63 - 1}))
    assert annotated(labeled)[0]["t"] == 2**63 - 1


def test_a_frame_index_may_be_written_as_a_float(labeled):
    """As pandas writes integers of a column that had a gap; to JSON Schema 37.0 is an integer."""
    as_integers = annotated(labeled)
    labeled.write_text(labeled.read_text().replace('"t": 37', '"t": 37.0').replace('"t": 60', '"t": 60.0'))
    assert annotated(labeled, out="again") == as_integers


def test_the_same_seed_gives_the_same_lines_and_another_one_others(labeled):
    first = annotated(labeled)
    assert annotated(labeled, out="again") == first
    assert annotated(labeled, "--seed", "1", out="other") != first


def test_views_shows_the_first_images_only(labeled):
    assert annotated(labeled, "--num-image-views-per-sample", "1")[0]["images"] == ["frames/cam0_t.jpg"]


def test_a_sample_without_views_shows_no_picture(labeled):
    assert annotated(labeled, "--num-image-views-per-sample", "0")[0]["images"] == []


def test_pictures_of_any_mode_are_sent_as_rgb_jpeg(labeled):
    from pgen_jsonl.source import JsonlSource

    labeled.write_text(json.dumps({**LINE, "images": ["frames/cam1_t.jpg", "frames/clear.png"]}))
    source = JsonlSource(root=labeled)
    source.open()
    (episode,) = source.episodes()
    with source.reader(10**6) as reader:
        for image in reader.images(episode.samples[0]):
            assert image.jpeg.startswith(b"\xff\xd8")


def test_a_picture_cut_short_fails_its_sample_alone(labeled):
    Image.effect_noise((320, 240), 60).save(labeled.parent / "frames/cut.jpg")
    whole = (labeled.parent / "frames/cut.jpg").read_bytes()
    (labeled.parent / "frames/cut.jpg").write_bytes(whole[: len(whole) // 2])
    labeled.write_text("\n".join(json.dumps(line) for line in (LINE, {**LINE, "images": ["frames/cut.jpg"]})))
    good, bad = annotated(labeled, "--max-failures", "0.5")
    assert good["status"] == "ok"
    assert (bad["status"], bad["stage"], bad["user_prompt"]) == ("failed", "decode", None)
    assert "cut.jpg" in bad["reason"]


def missing(path):
    """Nothing is there."""


def giant(path):
    Image.new("1", (9000, 9000)).save(path, "PNG")


UNREADABLE = {
    "missing": missing,
    "a folder": lambda path: path.mkdir(),
    "empty": lambda path: path.write_bytes(b""),
    "no picture": lambda path: path.write_text("<html>404</html>"),
    "a broken header": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40)),
    "too large": giant,
    "a named pipe": os.mkfifo,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_image_that_does_not_open_fails_its_sample_alone_and_is_counted(labeled, kind):
    UNREADABLE[kind](labeled.parent / "frames/bad.png")
    bad = {**LINE, "images": ["frames/cam0_t.jpg", "frames/bad.png"]}
    labeled.write_text("\n".join(json.dumps(line) for line in (LINE, bad, {**LINE, "t": 60})))
    found = annotated(labeled, "--max-failures", "0.4")
    assert [(line["status"], line["stage"]) for line in found] == [("ok", None), ("failed", "decode"), ("ok", None)]
    assert "frames/bad.png" in found[1]["reason"]
    source = JsonlSource(root=labeled)
    source.open()
    assert source.notes() == {"samples with an image that does not open": 1}


def test_images_that_do_not_open_are_bounded_by_max_failures(labeled):
    labeled.write_text("\n".join(json.dumps(line) for line in (LINE, {**LINE, "t": 60, "images": ["none.png"]})))
    arguments = ["--root", str(labeled), "--output-dir", str(labeled.parent / "out"), "--generator", "template"]
    done = CliRunner().invoke(cli, ["annotate", *arguments])
    assert done.exit_code == 4, done.output
    assert "1 of 2 samples failed (1 at decode)" in done.output
    assert "none.png is missing" in done.output
    assert not (labeled.parent / "out").exists()


def test_a_dry_run_counts_the_samples_with_an_image_that_does_not_open(labeled):
    labeled.write_text("\n".join(json.dumps(line) for line in (LINE, {**LINE, "t": 60, "images": ["none.png"]})))
    arguments = ["--root", str(labeled), "--output-dir", str(labeled.parent / "out"), "--generator", "template"]
    done = CliRunner().invoke(cli, ["annotate", *arguments, "--dry-run"])
    assert "1 samples with an image that does not open" in done.output


def test_an_image_that_is_not_shown_need_not_open(labeled):
    labeled.write_text(json.dumps({**LINE, "images": ["frames/cam0_t.jpg", "none.png"]}))
    assert annotated(labeled, "--num-image-views-per-sample", "1")[0]["status"] == "ok"


@pytest.mark.parametrize("side", [9000, 20_000])
def test_a_small_file_that_holds_a_giant_picture_is_refused_before_it_is_decoded(labeled, side):
    """A decompression bomb: a few kilobytes that would take hundreds of megabytes."""
    bomb = labeled.parent / "frames/bomb.png"
    Image.new("1", (side, side)).save(bomb)
    assert bomb.stat().st_size < 200_000
    labeled.write_text(json.dumps({**LINE, "images": ["frames/bomb.png"]}))
    arguments = [
        "annotate",
        "--root",
        str(labeled),
        "--output-dir",
        str(labeled.parent / "out"),
        "--generator",
        "template",
    ]
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 2, told.output
    assert "bomb.png does not open" in told.output
    assert "pixels" in told.output
