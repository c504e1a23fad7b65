"""A write that is killed: the dataset has its old files or the new ones, and the next write completes it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "support/apply_kills.py"


@pytest.mark.long
def test_a_write_that_is_killed_at_any_step_leaves_the_old_or_the_new_dataset_and_is_completed(numbered_run, tmp_path):
    shutil.copytree(numbered_run, tmp_path / "run")
    result = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    outcomes = json.loads(result.stdout)
    assert all(killed and after == "new" for killed, _, after in outcomes)
    states = [state for _, state, _ in outcomes]
    first = {state: states.index(state) for state in ("old", "pending", "new")}
    assert 0 == first["old"] < first["pending"] < first["new"]
    assert states == sorted(states, key=["old", "pending", "new"].index)
