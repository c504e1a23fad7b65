"""The suite can fail: each deliberate breakage is enabled, and a test that passes without it must fail."""

import signal
from pathlib import Path

import fault_processes
import pytest
from fault_breakages import BREAKAGES, run_broken

TESTS = Path(__file__).parents[1]
WORKSPACE, COMMITTER, JOURNAL = (f"storage/test_{name}.py" for name in ("workspace", "committer", "journal"))
RECOVERED = f"{JOURNAL}::test_the_intact_rows_of_a_damaged_journal_are_recovered"
DETECTED_BY = {
    "no fsync before the rename": f"{WORKSPACE}::test_every_step_is_on_the_disk_before_the_next",
    "a result counts before its commit": (f"{COMMITTER}::test_a_slot_waits_for_its_commit_but_not_for_the_sync"),
    "the lock is ignored": f"{WORKSPACE}::test_another_run_is_detected_before_the_input_is_read",
    "the journal is removed before the rename": f"{WORKSPACE}::test_every_step_is_on_the_disk_before_the_next",
    "the output is built in place": (
        f"{WORKSPACE}::test_the_staged_files_of_a_killed_run_are_deleted_by_the_next_start"
    ),
    "damage is not checked": RECOVERED,
    "a damaged journal is deleted": RECOVERED,
    "results are not stored after a signal": (
        f"{COMMITTER}::test_the_remaining_results_are_committed_and_synced_after_the_last_slot"
    ),
    "paths are not checked": (
        "plugins/pgen_lerobot/read/test_source.py::test_a_video_path_that_leads_outside_is_refused"
    ),
    "an invalid reply is accepted": "inference/test_parsing.py::test_keys_too_many_make_up_for_nothing_that_is_missing",
    "the WAL of the journal is not synced": f"{JOURNAL}::test_a_sync_writes_the_wal_to_the_disk",
    "keys are not recognized by their value": "faults/test_faults_keys.py::test_a_traceback_and_a_log_show_no_key",
    "a text is truncated before it is redacted": (
        "faults/test_faults_keys.py::test_no_truncation_leaves_a_part_of_a_key"
    ),
    "a pattern backtracks": ("test_patterns.py::test_a_pattern_takes_linear_time[pgen.safety.redaction._FORMS0]"),
    "a text of a server is not bounded": (
        "faults/test_faults_hostile_text.py::test_a_text_of_a_megabyte_takes_linear_time[a message]"
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
    "videos are shared although copies are requested": (
        "faults/test_faults_edits.py::test_no_edit_of_an_output_reaches_the_input[copied-annotate-v3.0]"
    ),
    "the lock is not checked before the output is published": (
        "storage/test_workspace.py::test_a_run_that_lost_the_lock_publishes_nothing_and_removes_nothing"
    ),
    "results of another command are discarded": (
        "storage/test_workspace_journals.py::test_results_of_another_command_are_reported_and_left_alone"
    ),
    "any file is accepted as a journal": (
        "storage/test_workspace_journals.py::test_a_file_that_is_no_journal_is_refused_by_name_and_left_as_it_is"
    ),
    "the marker of any run counts": (
        "storage/test_workspace_journals.py::test_a_marker_removes_no_journal_of_another_run"
    ),
    "SIGHUP is left to the system": (
        "run/test_signals.py::test_a_signal_ends_the_work_as_a_shell_does_and_the_handlers_are_put_back"
    ),
    "a run continues however many of its first samples fail": (
        "run/test_failure_limit.py::test_a_model_that_always_fails_receives_only_the_first_samples_and_those_in_flight"
    ),
    "only the last dialogue of a moment is recorded": (
        "run/test_commit_loop.py::test_no_more_requests_for_moments_are_uncommitted_than_are_in_flight"
    ),
    "a partly recorded moment is requested completely": (
        "plugins/pgen_ray/test_work_items.py::test_of_the_dialogues_of_a_moment_those_are_left_that_did_not_come_back"
    ),
    "failed samples are requested before missing ones": (
        "run/test_failure_limit.py::test_each_start_continues_until_only_samples_that_always_fail_remain"
    ),
    "a damaged journal is not searched page by page": (
        "faults/test_faults_journal.py::test_a_truncated_file_loses_only_results_in_its_lost_part[in_file-journal.sqlite]"
    ),
    "the owner of the journal is not checked": (
        "storage/test_journal_ownership.py::test_a_journal_that_another_run_owns_by_now_is_not_written"
    ),
    "a result is reported before it is on the disk": (
        f"{COMMITTER}::test_a_result_is_reported_only_once_it_is_on_the_disk"
    ),
}
"""The test that detects a breakage."""


def run_tests(place, breakage, *tests):
    """Run tests of the suite with the breakage turned on; return pytest's exit code and output."""
    flags = ("-p", "no:xdist", "-p", "no:cacheprovider", "-q", "-x", "--basetemp", str(place / "t"))
    flags += ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # of modules that the fork server has imported
    log = place / "log"
    code = fault_processes.exit_code_of(run_broken, breakage, (*flags, *(str(TESTS / test) for test in tests)), log)
    return code, log.read_text()


def test_each_breakage_has_one_test():
    assert sorted(DETECTED_BY) == sorted(BREAKAGES)


@pytest.mark.parametrize("breakage", DETECTED_BY)
def test_a_breakage_is_detected(place, tally, breakage):
    code, output = run_tests(place, breakage, DETECTED_BY[breakage])
    # An unhandled SIGHUP kills the process of the test.
    assert code in (pytest.ExitCode.TESTS_FAILED, -signal.SIGHUP), output
    tally.add("deliberate breakages seen", 1)


def test_those_tests_pass_without_a_breakage(place):
    code, output = run_tests(place, "", *sorted(set(DETECTED_BY.values())))
    assert code == pytest.ExitCode.OK, output
