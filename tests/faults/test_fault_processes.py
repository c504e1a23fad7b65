"""Processes are forked from one that has imported everything."""

from fault_processes import check_preloaded, exit_code_of


def test_a_forked_process_has_its_modules_from_its_parent():
    assert exit_code_of(check_preloaded) == 0
