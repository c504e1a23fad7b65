"""`pgen annotate --in-place`: the dataset's own folder gains the dialogue, all of it or nothing."""

import json
import os
import shutil
import sys

import pytest
from click.testing import CliRunner
from exchange_helpers import exchange_table
from forked import run_pgen
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import dataset, snapshot

from pgen.cli import cli
from pgen_lerobot.format import COUNTERFACTUALS, Dataset
from pgen_lerobot.verify import verify

KILLED = """
import os, signal, sys
from itertools import count
seen = count(1)
def hook(event, told):
    if event == "os.rename" and "switch.json" in str(told[1]) and {step} == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if event == "os.rename" and "/staging-" in str(told[0]) and next(seen) == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from pgen.cli import main
main()
"""


def command(root):
    return ["annotate", "--root", str(root), "--in-place", "--generator", "template"]


def run(arguments):
    return CliRunner().invoke(cli, arguments)


def contents(root):
    return {name: digest for name, (digest, _) in snapshot(root).items() if name != "meta/pgen/manifest.json"}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("rendered") / "bricks", codec="h264")


@pytest.fixture(scope="module")
def ordinary(rendered, tmp_path_factory):
    """What a run into a new folder makes of the dataset."""
    out = tmp_path_factory.mktemp("ordinary") / "out"
    done = run(["annotate", "--root", str(rendered), "--output-dir", str(out), "--generator", "template"])
    assert done.exit_code == 0, done.output
    return contents(out)


@pytest.fixture
def root(rendered, tmp_path):
    return shutil.copytree(rendered, tmp_path / "bricks")


def test_the_folder_becomes_what_a_new_one_would_have_been(root, ordinary):
    (root / ".git").mkdir()
    (root / ".git/config").write_text("mine")
    videos = {name: told for name, told in snapshot(root).items() if name.endswith(".mp4")}
    done = run(command(root))
    assert done.exit_code == 0, done.output
    assert f"output     {root}" in done.output
    assert contents(root) == ordinary | {".git/config": contents(root)[".git/config"]}
    assert {name: told for name, told in snapshot(root).items() if name.endswith(".mp4")} == videos
    assert [path.name for path in root.parent.iterdir()] == ["bricks"]
    assert verify(root, with_lerobot=False).problems == []


def test_an_older_dataset_too_and_again_with_overwrite(tmp_path):
    root = as_v21(dataset(tmp_path / "bricks", **ONE_A_FILE))
    assert run(command(root)).exit_code == 0
    refused = run(command(root))
    assert refused.exit_code == 2
    assert "replace it with --overwrite" in refused.output
    assert run([*command(root), "--overwrite"]).exit_code == 0
    assert verify(root, with_lerobot=False).problems == []


@pytest.mark.parametrize("step", [0, 1, 5], ids=["before the record", "at the first file", "in the middle"])
def test_a_run_killed_while_it_switches_is_made_whole_by_the_same_command(root, ordinary, rendered, step):
    killed = run_pgen([sys.executable, "-c", KILLED.format(step=step), *command(root)])
    assert killed.returncode == -9
    if step == 0:
        assert contents(root) == contents(rendered)
    else:
        assert verify(root, with_lerobot=False).problems
    again = run(command(root))
    assert again.exit_code == 0, again.output
    assert "answered   " in again.output
    assert contents(root) == ordinary
    assert verify(root, with_lerobot=False).problems == []


def test_between_old_and_new_the_dataset_is_read_by_nobody_but_the_run(root):
    run_pgen([sys.executable, "-c", KILLED.format(step=3), *command(root)])
    other = run(["annotate", "--root", str(root), "--output-dir", f"{root}-2", "--generator", "template"])
    assert other.exit_code == 2
    assert "Start that command again first" in other.output
    plan = run([*command(root), "--dry-run"])
    assert "had yet to replace files of" in plan.output
    assert Dataset(root).info["features"]


@pytest.mark.parametrize("kind", ["symbolic link", "several names"])
def test_a_file_that_is_not_the_folders_alone_is_refused_before_anything_is_asked(root, tmp_path, kind):
    shared = tmp_path / "blob"
    path = root / "meta/info.json"
    if kind == "symbolic link":
        path.rename(shared)
        path.symlink_to(shared)
    else:
        os.link(path, shared)
    done = run(command(root))
    assert done.exit_code == 2
    assert f"{path}" in done.output
    assert kind in done.output
    assert not (tmp_path / ".bricks.pgen").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--repo-id", "me/bricks"], "name it with --root DIR"),
        (["--root", "a", "--output-dir", "b"], "leave --output-dir out, or --in-place"),
    ],
)
def test_in_place_needs_one_folder(arguments, told):
    done = run(["annotate", "--in-place", "--generator", "template", *arguments])
    assert done.exit_code == 2
    assert told in done.output


def test_exchanges_and_counterfactuals_are_those_of_a_new_folder_and_are_replaced_with_the_dialogue(rendered, tmp_path):
    root = shutil.copytree(rendered, tmp_path / "bricks")
    spans = [
        ("pick up the red brick", 0.0, 0.4),
        ("put the red brick in the box", 0.4, 0.8),
        ("lift the cup", 0.8, 1.2),
    ]
    skills = json.loads((root / "meta/skills.json").read_text())
    skills["episodes"]["0"]["skills"] = [{"name": name, "start": start, "end": end} for name, start, end in spans]
    (root / "meta/skills.json").write_text(json.dumps(skills))
    elsewhere = ["--counterfactuals", "1.0"]
    new = ["annotate", "--root", str(root), "--output-dir", str(tmp_path / "new"), "--generator", "template"]
    assert run([*new, *elsewhere]).exit_code == 0
    assert run([*command(root), *elsewhere]).exit_code == 0
    assert contents(root) == contents(tmp_path / "new")
    assert (root / COUNTERFACTUALS).read_text()
    assert {row["scope"] for row in exchange_table(root)} >= {"episode", "phase", "step"}
    assert verify(root, with_lerobot=False).problems == []
    assert run([*command(root), "--overwrite", "--seed", "1", "--scopes", "step=1"]).exit_code == 0
    assert (root / COUNTERFACTUALS).read_text() == ""
    assert {row["scope"] for row in exchange_table(root)} == {"step"}
    assert verify(root, with_lerobot=False).problems == []
