"""The processes that tests fork: they end with their caller, and what one caller does concerns no other."""

import select
import signal
import sys

import pytest
from forked import piped_pgen, run_pgen, start_pgen

WAIT = [sys.executable, "-c", "print('here', flush=True); import signal; signal.pause()"]
END = [sys.executable, "-c", "pass"]


def test_a_process_is_killed_where_its_caller_fails():
    processes = []

    def fail():
        with piped_pgen(WAIT) as (process, out):
            processes.append(process)
            assert out.readline() == "here\n"
            raise ValueError("the caller fails")

    with pytest.raises(ValueError, match="the caller"):
        fail()
    assert processes[0].returncode == -signal.SIGKILL


def test_a_caller_that_leaves_an_answer_unread_disturbs_no_other(tmp_path):
    with (tmp_path / "out").open("w") as out:
        process = start_pgen(END, out)
    select.select([process._connection], [], [])
    process._connection.close()
    assert run_pgen(END).returncode == 0
