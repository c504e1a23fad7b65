"""`pgen demo`: what it draws, what it leaves behind, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from review_helpers import ADDRESS, MAIN

from pgen.cli import cli
from pgen_demo.command import MARK, make_folder
from pgen_demo.example import BRICKS, example_skills
from pgen_demo.motion import BOX, BOX_SIZE, state_at
from pgen_demo.scene import PINK, VIEWS, Scene

SPANS = {
    number: [(skill["start"], skill["end"]) for skill in episode["skills"]]
    for number, episode in enumerate(example_skills()["episodes"].values())
}


def demo(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["demo", *map(str, arguments)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a demo that was opened with review, and the lines that it printed up to the address."""
    folder = tmp_path_factory.mktemp("demo") / "here"
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-c", MAIN, "demo", "--output-dir", str(folder), "--review"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        printed = []
        for line in process.stdout:
            printed.append(line)
            if ADDRESS.search(line):
                break
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    return folder, printed


def test_a_demo_leaves_two_datasets_and_prints_where_with_a_dialogue_of_each_scope_and_no_model(
    made: tuple[Path, list[str]],
) -> None:
    folder, lines = made
    end = lines.index(f"Play them in a browser: pgen review {folder / 'annotated'}\n")
    infos = [json.loads((folder / name / "meta/info.json").read_text()) for name in ("source", "annotated")]
    assert [info["total_frames"] for info in infos] == [570, 570]
    assert ["task_index_high_level" in info["features"] for info in infos] == [False, True]
    printed = "".join(lines[:end])
    assert str(folder / "annotated") in printed
    assert printed.count("  user   ") == printed.count("  robot  ") == 4
    assert "by the generator `template`, from phrases, without a model" in printed


def test_the_result_is_opened_with_review(made: tuple[Path, list[str]]) -> None:
    lines = made[1]
    assert ADDRESS.search(lines[-1])
    assert any("48 samples in 2 episodes" in line for line in lines)


def test_a_folder_that_is_no_demo_is_refused_even_with_force(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("keep")
    for arguments in ((), ("--force",)):
        done = demo("--output-dir", tmp_path / "mine", *arguments)
        assert done.exit_code == 2
        assert "was not made by `pgen demo`; choose another --output-dir." in done.output
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_former_demo_is_replaced_with_force_only(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / MARK).touch()
    (folder / "old").touch()
    refused = demo("--output-dir", folder)
    assert refused.exit_code == 2
    assert "replace it with --force" in refused.output
    make_folder(folder, force=True)
    assert [path.name for path in folder.iterdir()] == [MARK]


def test_a_link_to_a_former_demo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / MARK).touch()
    (tmp_path / "link").symlink_to(tmp_path / "demo")
    assert demo("--output-dir", tmp_path / "link", "--force").exit_code == 2
    assert (tmp_path / "demo" / MARK).exists()


@pytest.mark.parametrize("episode", [0, 1])
def test_the_motion_keeps_to_its_skills_and_has_no_jumps(episode: int) -> None:
    spans, brick = SPANS[episode], BRICKS[episode][1]
    before_pick, after_pick = (state_at(spans[1][0] - 0.001, spans, brick), state_at(spans[2][0], spans, brick))
    released = state_at(spans[4][0], spans, brick)
    assert before_pick.brick == brick
    assert after_pick.brick[2] > 0.2
    assert abs(released.brick[0] - BOX[0]) < BOX_SIZE[0] / 2
    assert released.brick[2] < 0.05
    assert released.opening > after_pick.opening
    states = [state_at(frame / 30, spans, brick) for frame in range(round(spans[-1][1] * 30))]
    steps = [
        max(abs(a - b) for a, b in zip((*one.gripper, one.opening), (*two.gripper, two.opening), strict=True))
        for one, two in pairwise(states)
    ]
    assert max(steps) < 0.06


@pytest.mark.parametrize("camera", list(VIEWS))
def test_the_brick_is_seen_at_the_start_of_an_episode(camera: str) -> None:
    colour, brick = BRICKS[0]
    picture = Scene(camera).draw(state_at(0.0, SPANS[0], brick), colour)
    pixels = [picture.getpixel((x, y)) for x in range(320) for y in range(240)]
    assert (
        sum(abs(red - PINK[0]) + abs(green - PINK[1]) + abs(blue - PINK[2]) < 120 for red, green, blue in pixels) > 300
    )
