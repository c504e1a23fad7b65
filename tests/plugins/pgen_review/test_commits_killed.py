"""A review whose process is killed after any commit, or while it is carried over: nothing is lost, nothing doubled."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from forked import run_pgen

SCRIPT = Path(__file__).parents[2] / "support/review_kills.py"


def outcome_of(run, folder, *options):
    shutil.copytree(run, folder / "run")
    result = run_pgen([sys.executable, SCRIPT, folder, *options])
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.long)])
def test_processes_that_are_killed_after_each_commit_store_what_one_that_lives_does(numbered_run, tmp_path, kills):
    assert outcome_of(numbered_run, tmp_path, str(kills)) == kills


@pytest.mark.long
def test_a_rebase_that_is_killed_at_any_step_leaves_the_former_review_or_the_new_one(numbered_run, tmp_path):
    outcomes = outcome_of(numbered_run, tmp_path, "rebase")
    assert all(killed and same for killed, _, same in outcomes)
    states = [state for _, state, _ in outcomes]
    assert {*states} == {"former", "new"}
    assert states == sorted(states)
