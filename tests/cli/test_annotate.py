"""`pgen annotate`: the plan of a dry run, and invalid input.

Invalid input ends with exit code 2 and one sentence that names the remedy, before any request, and leaves no output.
"""

import json
import re
import shutil

import pytest
from click.testing import CliRunner
from PIL import Image
from rendered_example import write_example

from pgen.cli import cli

LABELED = {
    "episode_id": "ep_001",
    "t": 37,
    "images": ["a.png"],
    "skill_current": "pick up the KitKat",
    "skill_history": [],
    "task_description": "making a sandwich",
}
SPAN = {"name": "reach", "start": 0.0, "end": 1.0}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("example") / "data")


@pytest.fixture
def root(example, tmp_path):
    return shutil.copytree(example, tmp_path / "data")


def labeled(folder, *lines):
    """Write a file of lines, beside the image that they name."""
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    path = folder / "labeled.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def annotate(*arguments, expect=0):
    done = CliRunner().invoke(cli, ["annotate", *map(str, arguments)])
    assert done.exit_code == expect, done.output
    return done


def refuse(tmp_path, *arguments):
    """Return the message of a command that exits with 2 and leaves neither an output nor a working folder."""
    before = set(tmp_path.rglob("*"))
    done = annotate("--output-dir", tmp_path / "out", "--generator", "template", *arguments, expect=2)
    assert set(tmp_path.rglob("*")) == before
    assert "Traceback" not in done.output
    (message,) = [line for line in done.stderr.splitlines() if line.startswith(("pgen: error: ", "Error: "))]
    return message


def skills(spans):
    return lambda root: (root / "meta/skills.json").write_text(json.dumps({"episodes": {"0": {"skills": spans}}}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "meta/skills.json").unlink(), "meta/skills.json is missing"),
        (lambda root: (root / "meta/skills.json").write_text('{"episodes": '), "skills.json cannot be read as JSON"),
        (skills([SPAN, {**SPAN, "start": "now"}]), "skills[1].start: 'now' is not of type 'number'"),
        (lambda root: shutil.rmtree(root / "videos"), "file-000.mp4 is missing"),
        (lambda root: (root.parent / "out").mkdir(), "exists already"),
    ],
)
def test_a_damaged_dataset_is_refused(root, tmp_path, damage, message):
    damage(root)
    assert message in refuse(tmp_path, "--root", root)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--root", "PLACE/data", "--camera", "observation.images.tip"], "did you mean observation.images.top?"),
        (["--root", "PLACE/data", "--output-dir", "PLACE/data/out"], "lies inside the input"),
        (["--root", "PLACE/data", "--output-dir", "PLACE/data/meta/info.json/out"], "cannot be made: Not a directory"),
        (["--root", "PLACE/none"], "there is no dataset at"),
        (["--root", "PLACE/none.jsonl"], "there is no file"),
        ([], "give its folder with --root"),
        (["--root", "PLACE/data", "--sampler", "segment"], "'segment'; did you mean segments"),
        (["--root", "PLACE/data", "--generator", "temlate"], "did you mean template"),
        (["--root", "PLACE/data", "--opt", "sampler.interval=often"], "sampler segments: option interval"),
        (["--root", "PLACE/data", "--sample-interval", "often"], "'often' is not a valid float"),
        (["--root", "PLACE/data", "--in-place", "--copy-videos"], "leave --output-dir out"),
    ],
)
def test_invalid_arguments_are_refused(root, tmp_path, arguments, message):
    assert message in refuse(tmp_path, *(argument.replace("PLACE", str(tmp_path)) for argument in arguments))


def test_a_missing_output_and_options_for_a_new_one_in_place_are_refused(root):
    arguments = ["--root", root, "--generator", "template"]
    assert "option output_dir is required" in annotate(*arguments, expect=2).stderr
    assert "leave one out" in annotate(*arguments, "--in-place", "--copy-videos", expect=2).stderr


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([LABELED, "{"], "labeled.jsonl, line 2 is not JSON"),
        ([LABELED, "", {**LABELED, "t": "37"}], "line 3 does not fit the schema `labeled` at $.t: '37' is not of type"),
        ([{**LABELED, "images": ["none.png"]}], "line 1: the image"),
        ([{**LABELED, "images": ["labeled.jsonl"]}] * 2, "No sample of"),
        *(
            ([{**LABELED, "images": [path]}], "outside")
            for path in ("../a.png", "/etc/passwd", "C:\\a.png", "x/../../a.png", "a\0.png", "link.png")
        ),
    ],
)
def test_invalid_lines_and_images_are_refused_with_their_line(tmp_path, lines, message):
    folder = tmp_path / "lines"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (folder / "link.png").symlink_to(tmp_path / "a.png")
    assert message in refuse(tmp_path, "--root", labeled(folder, *lines))


def test_a_sink_that_the_input_does_not_fit_is_refused(tmp_path):
    assert "sink lerobot" in refuse(tmp_path, "--root", labeled(tmp_path, LABELED), "--sink", "lerobot")


def test_control_characters_of_a_dataset_do_not_reach_the_terminal(root, tmp_path):
    (root / "meta/skills.json").write_text(json.dumps({"episodes": {"\x1b[31mred": {"skills": []}}}))
    assert "\x1b" not in refuse(tmp_path, "--root", root)


def test_a_dry_run_prints_the_plan_and_a_prompt_and_writes_nothing(example, tmp_path):
    out = ["--output-dir", tmp_path / "out"]
    server = ["--generator", "qwen-openai", "--base-url", "http://127.0.0.1:9/v1"]
    output = annotate("--root", example, *out, *server, "--dry-run").output
    assert "episodes   2\nframes     570\nrequests   10\ndialogues  48\nimages     20\n" in output
    assert "robot arm moves towards pink lego brick" in output
    template = annotate("--root", example, *out, "--generator", "template", "--dry-run").output
    assert "requests   48\ndialogues  48\nimages     96\n" in template
    assert "tokens" not in template
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_prints_conversations_and_judged_dialogues(example, tmp_path):
    options = ["--turns", "episode", "--variants", "2", "--judge", "qwen-openai", "--judge-share", "0.5", "--dry-run"]
    options += ["--opt", "judge.base_url=http://127.0.0.1:9/v1", "--output-dir", tmp_path / "out"]
    output = annotate("--root", example, "--generator", "template", *options).output
    assert "requests   32\ndialogues  32\n" in output
    assert "turns      in 4 conversations" in output
    assert "88 earlier turns are told again" in output
    assert "judged     about 16 (at most two requests more each)" in output


def test_a_dry_run_prints_tokens_what_a_cache_saves_and_what_they_cost(example, tmp_path):
    options = ["--output-dir", tmp_path / "out", "--dry-run", "--generator", "qwen-openai"]
    options += ["--base-url", "http://127.0.0.1:9/v1", "--judge", "qwen-openai", "--opt", "judge.base_url=http://x/v1"]
    lines = annotate("--root", example, *options, "--price-in", "10", "--price-out", "20").output.splitlines()
    plan = {line[:11].strip(): line[11:] for line in lines[: lines.index("")]}
    assert (plan["requests"], plan["dialogues"], plan["images"]) == ("10", "48", "20")
    tokens_in, images, tokens_out = numbers("about N in (N of images), about N out", plan["tokens"])
    assert images == 20 * (11 * 9 + 2)
    cached, computed = numbers("about N of those in, by a server with a prefix cache: it computes N", plan["cached"])
    assert cached + computed == tokens_in
    judge = numbers("about 5 (at most two requests more each, about N tokens in, N out)", plan["judged"])
    assert all(judge)
    cost = ((tokens_in + judge[0]) * 10 + (tokens_out + judge[1]) * 20) / 1e6
    each = f"${500 * cost:.2f} per 1,000 episodes"
    assert plan["cost"] == f"about ${cost:.2f} ({each}), with the judge at the same prices"
    newer = annotate("--root", example, *options, "--model", "Qwen/Qwen3-VL-8B-Instruct").output
    assert f"({20 * (10 * 8 + 2):,} of images)" in newer
    assert "cost " not in newer


def test_the_tokens_of_images_of_unknown_size_are_a_bound(tmp_path):
    lines = labeled(tmp_path, LABELED)
    options = ["--output-dir", tmp_path / "out", "--dry-run", "--generator", "qwen-openai", "--max-pixels", "78400"]
    plan = annotate("--root", lines, *options, "--base-url", "http://127.0.0.1:9/v1", "--price-in", "1").output
    assert "tokens     at most " in plan
    assert f"({100 + 2:,} of images)" in plan
    assert "cost       at most $0.00" in plan


def numbers(pattern, text):
    """Return the numbers that stand for N in a text."""
    found = re.fullmatch(re.escape(pattern).replace("N", r"([\d,]+)"), text)
    assert found, text
    return [int(number.replace(",", "")) for number in found.groups()]


def test_a_run_without_images_says_so_in_its_plan_and_its_report(example, tmp_path):
    run = ["--root", example, "--generator", "template", "--max-samples", "2", "--output-dir"]
    blind = [*run, tmp_path / "out", "--num-image-views-per-sample", "0"]
    plan = annotate(*blind, "--dry-run").output
    assert "note       no picture is shown to the model" in plan
    assert "You are shown no picture of the scene" in plan
    assert "you see the scene" not in plan
    assert "note       no picture is shown to the model" in annotate(*blind).output
    assert "no picture" not in annotate(*run, tmp_path / "seen", "--dry-run").output
