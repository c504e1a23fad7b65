"""Runs that are killed or stopped by a signal at random moments."""

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import pytest
from fault_runs import (
    IN_FLIGHT,
    MAX_LATENCY,
    SAMPLES,
    Job,
    copy_of,
    errors,
    in_flight,
    kill_after,
    request_counts,
    requests_sent,
    resume,
    run_until_write,
)
from fault_server import CountingServer, Question, numbered
from output_files import contents, hashes, leftovers

from pgen.testing import MemorySink
from pgen_lerobot.read import LeRobotSource
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_samplers.samplers import Interval

AT_ONCE = 4
"""The number of parallel runs, which mostly wait for responses."""


def check_kills(runs, job, moments, undisturbed, samples, tally):
    """Kill copies of the run, each after a number of requests, and resume them."""

    def trial(index, after):
        copy = replace(job, out=job.out.with_name(f"out{index}"), log=job.log.with_name(f"{index}.log"), seed=index)
        assert kill_after(runs, copy, after) == -signal.SIGKILL, errors(copy)
        pending = in_flight(copy.log)
        return pending, resume(runs, copy, undisturbed, samples)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(trial, range(len(moments)), moments))
    assert all(redone <= IN_FLIGHT for _, redone in results), results
    pending, redone = (sum(column) for column in zip(*results, strict=True))
    tally.add("SIGKILL while asking", len(moments), in_flight=pending, redone=redone)


def test_a_run_that_is_killed_during_its_requests_loses_nothing(runs, root, place, undisturbed, tally, number, rng):
    moments = [rng.randint(IN_FLIGHT, SAMPLES - 10) for _ in range(number(25, 500))]
    check_kills(
        runs, Job(root, place / "out", place / "log", max_latency=MAX_LATENCY), moments, undisturbed, SAMPLES, tally
    )


def test_a_run_on_a_real_dataset_that_is_killed_loses_nothing(runs, place, tally, number, rng, shared_datasets):
    root = shutil.copytree(shared_datasets / "cr5_realarm_v21_8ep", place / "real")
    before, source = hashes(root), LeRobotSource(root=root, skills="task", episodes="0-3")
    complete = Job(source, place / "whole", place / "whole.log", options={"sampler": Interval(interval=1.0)})
    assert runs.finish(complete) == 0, errors(complete)
    undisturbed, samples = contents(complete.out), request_counts(complete.log).total()
    moments = [rng.randint(IN_FLIGHT, samples - 10) for _ in range(number(2, 50))]
    check_kills(runs, replace(complete, max_latency=1.0), moments, undisturbed, samples, tally)
    assert hashes(root) == before


WAVES = {0.005: 40, 3.0: 3}
"""Requests of each slot in a run, by the latency of a response in seconds."""
CONCURRENCIES = (8, 64, 512)


@pytest.mark.parametrize("latency", WAVES)
def test_a_killed_run_repeats_at_most_the_requests_in_flight(runs, tmp_path, tally, number, rng, latency):
    """Over HTTP, with the journal on a disk; the server counts the requests.

    Runs with a long latency mostly wait: those of all concurrencies are executed at once.
    """

    def samples_at(concurrency):
        return min(WAVES[latency] * concurrency, 2000)

    def trial(concurrency, index):
        samples, after, name = samples_at(concurrency), moments[concurrency, index], f"{concurrency}-{index}"
        with CountingServer(latency) as server:
            generator = {"base_url": server.url, "concurrency": concurrency, "response_format": "json_schema"}
            options = {"sampler": "segments", "prompt": Question(), "checks": (), "sink": MemorySink()}
            job = Job(numbered(samples), tmp_path / f"out{name}", tmp_path / f"{name}.log", options=options)
            job = replace(job, generator=QwenOpenAIGenerator(**generator))
            process = runs.start(job)
            process.wait(lambda: server.total >= after)
            process.send(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, errors(job)
            assert runs.finish(job) == 0, errors(job)
            counts = server.counts()
        assert len(counts) == samples
        redone = counts.total() - samples
        assert redone <= concurrency
        return redone

    trials = list(product(CONCURRENCIES, range(number(2, 10))))
    moments = {(many, index): rng.randint(many, samples_at(many) - many // 2) for many, index in trials}
    with ThreadPoolExecutor(2 if latency < 1 else len(CONCURRENCIES) * 2) as pool:
        redone = sum(pool.map(trial, *zip(*trials, strict=True)))
    pending = sum(concurrency for concurrency, _ in trials)
    tally.add("SIGKILL while asking over HTTP", len(trials), in_flight=pending, redone=redone)


@pytest.mark.long
def test_a_run_killed_during_its_write_out_leaves_no_output_or_all_of_it(
    runs, root, place, undisturbed, tally, number, rng
):
    prepared, steps = run_until_write(runs, root, place)
    all_points = [(at, side) for at in range(len(steps)) for side in ("before", "after")]
    around_renames = [(at, side) for at, side in all_points if steps[at] == "rename"]
    points = rng.sample(all_points, min(number(40, 80) - len(around_renames), len(all_points))) + around_renames

    def trial(index, fault):
        at, side = fault
        job = replace(copy_of(prepared, place, f"out{index}"), kill_at=at, side=side)
        assert runs.finish(job) == -signal.SIGKILL, (fault, steps[at], errors(job))
        assert not job.out.exists() or contents(job.out) == undisturbed
        redone = resume(runs, job, undisturbed)
        shutil.rmtree(job.out)
        return redone

    with ThreadPoolExecutor(2) as pool:
        redone = sum(pool.map(trial, range(len(points)), points))
    assert redone == 0
    assert {"fsync", "rename", "unlink", "write_table", "write"} <= set(steps)
    tally.add("SIGKILL around each write, fsync, rename of the write-out", len(points))


def test_after_a_signal_requests_in_flight_are_completed_and_after_two_they_are_cancelled(
    runs, root, place, undisturbed, tally, number, rng
):
    once = [(number, False) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    kinds = [*once, (signal.SIGINT, True), (signal.SIGTERM, True)]

    def trial(index, after):
        sent, twice = kinds[index % len(kinds)]
        job = Job(root, place / f"out{index}", place / f"{index}.log", max_latency=MAX_LATENCY, seed=index)
        process = runs.start(replace(job, max_latency=3600 if twice else MAX_LATENCY))
        process.wait(lambda: requests_sent(job.log) >= (IN_FLIGHT if twice else after))
        process.send(sent)
        if twice:
            process.wait(lambda: "once more to stop at once" in errors(job))
            process.send(sent)
        assert process.wait() == 128 + sent, errors(job)
        pending = in_flight(job.log)
        assert twice or not pending
        redone = resume(runs, job, undisturbed)
        assert redone == pending
        return pending, redone

    count = number(10, 50)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        moments = [rng.randint(1, SAMPLES - IN_FLIGHT) for _ in range(count)]
        results = list(pool.map(trial, range(count), moments))
    pending, redone = (sum(column) for column in zip(*results, strict=True))
    tally.add("SIGINT, SIGTERM, SIGHUP, twice", count, in_flight=pending, redone=redone)


@pytest.mark.long
def test_of_two_runs_on_one_output_one_writes_and_the_other_names_it(runs, root, place, undisturbed, tally, number):
    def trial(index):
        gate = place / f"gate{index}"
        job = Job(root, place / f"out{index}", place / f"{index}.log", gate=gate)
        other = replace(job, log=place / f"{index}-other.log")
        pair = [(each, runs.start(each)) for each in (job, other)]
        pair[0][1].wait(lambda: pair[1][1].code is not None)
        gate.touch()
        codes = [process.wait() for _, process in pair]
        assert sorted(codes) == [0, 2], [errors(each) for each in (job, other)]
        (winner, process), (loser, _) = pair if codes[0] == 0 else reversed(pair)
        assert f"is being written by another run (process {process.pid} on" in errors(loser)
        assert not request_counts(loser.log)
        assert request_counts(winner.log).total() == SAMPLES
        assert contents(job.out) == undisturbed
        assert leftovers(job.out) == []

    count = number(20, 200)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(trial, range(count)))
    tally.add("two writers on one OUT", count)
