"""The suite can fail: each deliberate breakage is turned on, and a test that passes without it has to fail."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from fault_breakages import BREAKAGES, turned_on
from fault_journals import damage_journals, make_journals
from fault_points import Points
from fault_replies import HOSTILE, slowest
from fault_runs import IN_FLIGHT, SLOW, Job, answered, asked, copied, errors, killed, points, resumed, work

from pgen.api import annotate
from pgen.errors import InputError
from pgen.testing import FakeGenerator


def durable(root, place, breakage, **_):
    """Check that every folder of the output is on the disk before the rename."""
    with turned_on(breakage), Points().installed() as seen:
        work(Job(root, place / "out", place / "log"))
    at = len(seen.names) - 1 - seen.names[::-1].index("rename")
    assert seen.names[at - 1] == seen.names[at + 1] == "fsync"


def log_synced(root, place, breakage, **_):
    """Check that the results of a run are on the disk, not only in the system's cache."""
    fsync, files = os.fsync, set()

    def recorded(number):
        files.add(Path(f"/proc/self/fd/{number}").readlink().name)
        fsync(number)

    with turned_on(breakage), patch.object(os, "fsync", recorded):
        work(Job(root, place / "out", place / "log"))
    assert "journal.sqlite-wal" in files


def killed_in_flight(runs, root, place, undisturbed, breakage):
    job = Job(root, place / "out", place / "log", slowness=SLOW, breakage=breakage)
    assert killed(runs, job, 150) == -signal.SIGKILL
    assert resumed(runs, replace(job, breakage=""), undisturbed) <= IN_FLIGHT


def stopped_once(runs, root, place, undisturbed, breakage):
    job = Job(root, place / "out", place / "log", slowness=SLOW, breakage=breakage)
    assert killed(runs, job, 100, signal.SIGTERM) == 128 + signal.SIGTERM, errors(job)
    assert resumed(runs, replace(job, breakage=""), undisturbed) == 0


def killed_while_writing(runs, root, place, undisturbed, breakage):
    """Kill early on, and around the rename that ends the run."""
    prepared, steps = answered(runs, root, place)
    broken = replace(copied(prepared, place, "broken"), breakage=breakage)
    steps = points(broken) if runs.finish(broken) == 0 else steps
    last = len(steps) - 1 - steps[::-1].index("rename")
    for at in (10, last - 1, last, last + 1):
        job = replace(copied(prepared, place, f"out{at}"), kill_at=at, breakage=breakage)
        runs.finish(job)
        assert resumed(runs, replace(job, breakage=""), undisturbed) == 0
        shutil.rmtree(job.out)


def two_writers(runs, root, place, breakage, **_):
    gate = place / "gate"
    job = Job(root, place / "out", place / "log", gate=gate, breakage=breakage)
    other = replace(job, log=place / "other.log")
    first = runs.start(job)
    first.wait(lambda: asked(job.log).total() >= IN_FLIGHT)
    second = runs.start(other)
    second.wait(lambda: asked(other.log).total() > 0)
    gate.touch()
    assert (first.wait(), second.wait()) == (0, 2)
    assert not asked(other.log)


def damaged_journals(place, breakage, **_):
    journals = make_journals(place)
    with turned_on(breakage):
        damage_journals(journals, place, 60, random.Random(7))


def paths_outside(root, place, breakage, **_):
    shutil.copytree(root, place / "in/deep")
    shutil.copytree(root, place / "in/other")
    info = place / "in/deep/meta/info.json"
    path = "../other/data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    info.write_text(json.dumps({**json.loads(info.read_text()), "data_path": path}))
    with turned_on(breakage), pytest.raises(InputError, match="leads outside"):
        annotate(place / "in/deep", place / "out", generator=FakeGenerator())


def hostile_replies(breakage, **_):
    rng = random.Random(1)
    with turned_on(breakage):
        for make in HOSTILE:
            slowest(make(rng), 0.05)


CHECKS = {
    "no fsync before the rename": durable,
    "the journal is committed after the answer is counted": killed_in_flight,
    "the lock is ignored": two_writers,
    "the journal is removed before the rename": killed_while_writing,
    "the output is built in place": killed_while_writing,
    "damage is not looked for": damaged_journals,
    "a damaged journal is deleted": damaged_journals,
    "answers are not kept after a signal": stopped_once,
    "paths are not checked": paths_outside,
    "what does not fit is taken": hostile_replies,
    "the log of the journal is not synced": log_synced,
}
"""Breakages that a check of this module detects."""

TESTS = Path(__file__).parents[1]
DETECTED_BY = {
    "keys are not known by their value": "faults/test_faults_keys.py::test_a_traceback_and_a_log_show_no_key",
    "a text is cut before it is redacted": "faults/test_faults_keys.py::test_no_cut_leaves_a_part_of_a_key",
    "a pattern goes back over what it has read": (
        "test_patterns.py::test_a_pattern_takes_linear_time[pgen.safety.redaction._FORMS0]"
    ),
    "a text of a server is not bounded": (
        "faults/test_faults_hostile_text.py::test_a_text_of_a_megabyte_holds_nothing_up[a message]"
    ),
    "the options are stored once": (
        "faults/test_faults_journal.py::test_the_options_are_on_three_pages_of_which_one_is_enough"
    ),
    "a journal of another format is set aside": (
        "faults/test_faults_upgrade.py::test_a_journal_of_another_format_is_refused_with_the_number_of_results_and_stays"
    ),
    "files below meta are shared with the input": (
        "faults/test_faults_edits.py::test_no_edit_of_an_output_reaches_the_input[shared-annotate-v2.1]"
    ),
    "videos are shared where copies are wanted": (
        "faults/test_faults_edits.py::test_no_edit_of_an_output_reaches_the_input[copied-annotate-v3.0]"
    ),
    "the lock is not checked before the output is published": (
        "storage/test_workspace.py::test_a_run_that_lost_the_lock_publishes_nothing_and_removes_nothing"
    ),
    "answers of another command are thrown away": (
        "storage/test_workspace.py::test_results_of_another_command_are_reported_and_left_alone"
    ),
    "any file is taken for a journal": (
        "storage/test_workspace.py::test_a_file_that_is_no_journal_is_refused_by_name_and_left_as_it_is"
    ),
    "the marker of any run counts": "storage/test_workspace.py::test_a_marker_removes_no_journal_of_another_run",
    "SIGHUP is left to the system": (
        "run/test_signals.py::test_a_signal_ends_the_work_as_a_shell_does_and_the_handlers_are_put_back"
    ),
    "a run goes on however many of its first samples fail": (
        "run/test_failure_limit.py::test_a_model_that_always_fails_costs_no_more_than_the_first_samples_and_those_in_flight"
    ),
    "what failed is asked about in its place": (
        "run/test_failure_limit.py::test_each_start_goes_on_until_only_what_always_fails_is_left"
    ),
    "a damaged journal is not searched page by page": (
        "faults/test_faults_journal.py::test_a_database_that_was_cut_off_at_any_page_loses_only_what_was_cut"
    ),
    "the owner of the journal is not checked": (
        "storage/test_journal.py::test_a_journal_that_another_run_owns_by_now_is_not_written"
    ),
    "an answer is done before it is on the disk": (
        "storage/test_committer.py::test_a_result_is_done_only_once_it_is_on_the_disk"
    ),
}
"""Breakages that a test elsewhere in the suite detects."""


@pytest.fixture
def setup(runs, root, place, undisturbed):
    return {"runs": runs, "root": root, "place": place, "undisturbed": undisturbed}


def detects(check, setup, breakage):
    """Return whether the check fails, for whatever reason, as pytest would count it."""
    wanted = check.__code__.co_varnames[: check.__code__.co_argcount]
    arguments = {name: value for name, value in {**setup, "breakage": breakage}.items() if name in wanted}
    try:
        check(**arguments)
    except (Exception, pytest.fail.Exception) as error:
        print(f"detected: {type(error).__name__}: {error}")
        return True
    return False


def run_tests(place, breakage, *tests):
    """Run tests of the suite with the breakage turned on; return pytest's exit code and output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PGEN_BREAKAGE": breakage, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    flags = ["-p", "fault_breakages", "-p", "no:xdist", "-p", "no:cacheprovider", "-q", "-x", "--basetemp", place / "t"]
    command = [sys.executable, "-m", "pytest", *map(str, flags), *(str(TESTS / test) for test in tests)]
    done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_each_breakage_has_one_test():
    assert sorted([*CHECKS, *DETECTED_BY]) == sorted(BREAKAGES)


@pytest.mark.parametrize("breakage", CHECKS)
def test_a_breakage_is_seen(setup, tally, breakage):
    assert detects(CHECKS[breakage], setup, breakage)
    tally.add("deliberate breakages seen", 1)


@pytest.mark.parametrize("breakage", DETECTED_BY)
def test_a_breakage_is_seen_by_a_test_of_the_suite(place, tally, breakage):
    code, output = run_tests(place, breakage, DETECTED_BY[breakage])
    # An unhandled SIGHUP kills the process of the test.
    assert code in (pytest.ExitCode.TESTS_FAILED, -signal.SIGHUP), output
    tally.add("deliberate breakages seen", 1)


def test_those_tests_pass_without_a_breakage(place):
    code, output = run_tests(place, "", *sorted(set(DETECTED_BY.values())))
    assert code == pytest.ExitCode.OK, output


@pytest.mark.parametrize("check", sorted(set(CHECKS.values()), key=lambda check: check.__name__))
def test_those_checks_pass_without_a_breakage(setup, check):
    assert not detects(check, setup, "")
