"""Runs that are blocked, and runs that were stopped for so long that another one took over."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fault_blocks import BLOCKS, blocked, on_host
from fault_runs import IN_FLIGHT, SAMPLES, Job, errors, in_flight, request_counts, resume
from output_files import contents, leftovers

from pgen.storage.locking import HOLDER


def test_a_second_signal_ends_a_run_whatever_blocks_it_and_no_result_is_lost(runs, root, place, undisturbed, tally):
    def trial(number):
        block = list(BLOCKS)[number]
        job = Job(root, place / f"out{number}", place / f"{number}.log", max_latency=0.05)
        process = runs.start(job, blocked, block)
        process.wait(lambda: "blocked" in (job.log.read_text() if job.log.exists() else ""))
        process.send(signal.SIGINT)
        process.send(signal.SIGTERM)
        assert process.wait() in (130, 143, -signal.SIGKILL), (block, errors(job))
        pending = in_flight(job.log)
        redone = resume(runs, job, undisturbed)
        assert redone <= IN_FLIGHT, block
        return pending, redone

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(trial, range(len(BLOCKS))))
    pending, redone = (sum(column) for column in zip(*results, strict=True))
    tally.add("a second signal to a run that is blocked", len(BLOCKS), in_flight=pending, redone=redone)


@pytest.mark.parametrize("moment", ["asking", "about to publish"])
def test_a_run_that_is_resumed_after_another_took_over_writes_neither_to_the_journal_nor_to_the_output(
    runs, root, place, undisturbed, tally, moment
):
    gate, reached = place / "gate", place / "reached"
    job = Job(root, place / "out", place / "log", gate=gate)
    first = runs.start(job, on_host, "first", reached if moment == "about to publish" else None)
    first.wait(lambda: request_counts(job.log).total() >= IN_FLIGHT)
    assert first.code is None, errors(job)
    if moment == "about to publish":
        gate.touch()
        first.wait(reached.exists)
    first.send(signal.SIGSTOP)
    state = Path(f"/proc/{first.pid}/stat")
    first.wait(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")
    os.utime(place / ".out.pgen/lock.1" / HOLDER, (0, 0))
    gate.touch()
    other = replace(job, log=place / "other.log")
    second = runs.start(other, on_host, "second")
    second.wait(lambda: request_counts(other.log).total() > 0 or other.out.exists())
    reached.with_name("resumed").touch()
    first.send(signal.SIGCONT)
    assert (first.wait(), second.wait()) == (2, 0), (errors(job), errors(other))
    assert "taken over by another run" in errors(job)
    assert contents(job.out) == undisturbed
    assert leftovers(job.out) == []
    assert request_counts(other.log).total() <= SAMPLES
    tally.add("stopped, overtaken and resumed", 1)
