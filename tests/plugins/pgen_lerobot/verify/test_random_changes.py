"""`verify` finds every one of many changes, drawn by a seed: of a cell, a row, a file, in outputs of both layouts."""

import shutil

import pytest
from exchange_helpers import with_exchanges
from old_layout import ONE_A_FILE, as_v21
from random_changes import changed
from sink_helpers import annotate, dataset

from pgen_lerobot.format import COLUMN
from pgen_lerobot.verify import verify

pytestmark = pytest.mark.long

CHANGES = 200
_PLACED = {COLUMN, "index", "frame_index"}


@pytest.fixture(scope="module", params=["v2.1", "v3.0", "every scope"])
def good(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    if request.param == "v2.1":
        return annotate(as_v21(dataset(folder / "in", codec="h264", **ONE_A_FILE)), folder / "out")
    root = dataset(folder / "in", codec="h264", episodes_per_data_file=3)
    return with_exchanges(root, folder / "out") if request.param == "every scope" else annotate(root, folder / "out")


def found(root, done):
    """Whether the change is among the problems: its file, where nothing hides it; its row, where it has one."""
    problems = verify(root, with_lerobot=False).problems
    if done.how == "a cell" and done.column in _PLACED and done.file.startswith("data/"):
        return any((p.file, p.row, p.column) == (done.file, done.row, done.column) for p in problems)
    if done.hidden:
        return bool(problems)
    named = "meta/episodes" if done.file.startswith("meta/episodes/") else done.file  # v3.0 reads the folder
    return any(named in str(problem) for problem in problems)


def test_two_hundred_changes_are_all_found(good, tmp_path):
    missed = []
    for number in range(CHANGES):
        root = shutil.copytree(good, tmp_path / "out")
        done = changed(root, f"{number}")
        if not found(root, done):
            missed.append((number, done))
        shutil.rmtree(root)
    assert missed == []
