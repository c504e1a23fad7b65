"""A write that is killed: the dataset has its old files or the new ones, and the next write completes it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "support/apply_kills.py"


def outcomes_of(run, folder, *options):
    shutil.copytree(run, folder / "run")
    result = subprocess.run([sys.executable, SCRIPT, folder, *options], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.long
def test_a_write_to_a_new_folder_that_is_killed_at_any_step_leaves_none_or_all_of_it(numbered_run, tmp_path):
    outcomes = outcomes_of(numbered_run, tmp_path, "copy")
    assert all(killed and after for killed, _, after in outcomes)
    states = [state for _, state, _ in outcomes]
    assert {*states} == {"none", "new"}
    assert states == sorted(states, key=["none", "new"].index)


@pytest.mark.long
def test_a_write_that_is_killed_at_any_step_leaves_the_old_or_the_new_dataset_and_is_completed(numbered_run, tmp_path):
    outcomes = outcomes_of(numbered_run, tmp_path)
    assert all(killed and after == "new" for killed, _, after in outcomes)
    states = [state for _, state, _ in outcomes]
    first = {state: states.index(state) for state in ("old", "pending", "new")}
    assert 0 == first["old"] < first["pending"] < first["new"]
    assert states == sorted(states, key=["old", "pending", "new"].index)
