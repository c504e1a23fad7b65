"""`verify` finds what is wrong with an output of v2.1: a good one is changed in one place at a time."""

import json
import re
import shutil

import pytest
from mutations import TASK_ROWS, cell, gone, table
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import annotate, dataset

from pgen_lerobot.format import COLUMN
from pgen_lerobot.verify import verify

DATA = "data/chunk-000/episode_000000.parquet"
TASKS = "meta/tasks.jsonl"
STATS = "meta/episodes_stats.jsonl"
WRIST = "observation.images.wrist"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    return annotate(as_v21(dataset(folder / "in", codec="h264", **ONE_A_FILE)), folder / "out")


@pytest.fixture
def root(good, tmp_path):
    return shutil.copytree(good, tmp_path / "out")


def row(name, number, edit):
    """Edit the object in a line of a file."""

    def apply(root):
        rows = [json.loads(text) for text in (root / name).read_text().splitlines()]
        edit(rows[number])
        (root / name).write_text("".join(json.dumps(one) + "\n" for one in rows))

    return apply


def without_line(name, number):
    def apply(root):
        texts = (root / name).read_text().splitlines(keepends=True)
        (root / name).write_text("".join(texts[:number] + texts[number + 1 :]))

    return apply


def film(root, source, target):
    """Put an episode's video in the place of another's."""
    path = root / f"videos/chunk-000/{WRIST}/episode_{target:06d}.mp4"
    path.unlink()
    shutil.copy(root / f"videos/chunk-000/{WRIST}/episode_{source:06d}.mp4", path)


CHANGES = {
    "a label that is another dialogue": (
        cell(DATA, COLUMN, 6, 2),
        rf"{DATA}, row 6, column {COLUMN}: found 2 'Could you reach .*expected 3 'Please grasp",
    ),
    "a label beyond the tasks": (cell(DATA, COLUMN, 5, 99), rf"{COLUMN}: 99 is no row of {TASKS} \(7 rows\)"),
    "a row less": (table(DATA, lambda t: t.slice(1)), r"episode 0 has 11 rows, meta/episodes.jsonl says 12"),
    "another episode's row": (
        cell(DATA, "episode_index", 3, 2),
        r"episode_index holds 2; the file is that of episode 0",
    ),
    "a data file gone": (gone(DATA), r"episode_000000.parquet is missing"),
    "a task's text": (row(TASKS, 3, lambda r: r.update(task="x")), rf"expected a dialogue that has no row in {TASKS}"),
    "a task less": (without_line(TASKS, 6), r"total_tasks is 7, there are 6"),
    "a task in between gone": (without_line(TASKS, 3), r"tasks.jsonl has no task 3, but 4"),
    "a task twice": (row(TASKS, 3, lambda r: r.update(task="put the red brick away")), r"occurs twice"),
    "a text of the mirror": (
        cell(TASK_ROWS, "task", 4, "x"),
        rf"{TASK_ROWS}, row 4, column task: found 'x', {TASKS} has",
    ),
    "an episode less": (without_line("meta/episodes.jsonl", 1), r"total_episodes is 4, there are 3"),
    "a value of the stats": (
        row(STATS, 2, lambda r: r["stats"][COLUMN].update(mean=[9.0])),
        rf"{STATS}, row 2, column {COLUMN}.mean: is \[9.0\], the episode's labels have 0.0",
    ),
    "a key of the stats": (
        row(STATS, 2, lambda r: r["stats"][COLUMN].pop("max")),
        rf"{STATS}, row 2, column {COLUMN}.max: is missing; task_index has it",
    ),
    "the stats of the column gone": (
        row(STATS, 0, lambda r: r["stats"].pop(COLUMN)),
        rf"{STATS}, row 0, column {COLUMN}.count: is missing",
    ),
    "a line of the stats that is no JSON": (
        lambda root: (root / STATS).write_text("{"),
        rf"{STATS}, line 1 is not JSON",
    ),
    "a video gone": (
        gone(f"videos/chunk-000/{WRIST}/episode_000002.mp4"),
        rf"videos/chunk-000/{WRIST}/episode_000002.mp4: the file is missing; episode 2 of camera {WRIST} is in it",
    ),
    "a video that is another episode's, and shorter": (
        lambda root: film(root, 3, 0),
        rf"videos/chunk-000/{WRIST}/episode_000000.mp4: the video has 7 frames, its episodes have 12",
    ),
}


def test_a_good_output_passes(good):
    assert [str(problem) for problem in verify(good).problems] == []


@pytest.mark.parametrize(("edit", "told"), CHANGES.values(), ids=CHANGES.keys())
def test_one_change_is_found_and_named(root, edit, told):
    edit(root)
    problems = [str(problem) for problem in verify(root).problems]
    assert any(re.search(told, problem) for problem in problems), problems


def test_a_video_that_goes_on_behind_its_episode_is_noted(root):
    film(root, 0, 3)
    found = verify(root, with_lerobot=False)
    assert found.problems == []
    assert "videos with more frames than their episodes: 1" in found.notes
