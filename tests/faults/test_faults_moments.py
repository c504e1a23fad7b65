"""Runs whose requests ask for several dialogues of a moment, and that are killed between two of them."""

import json
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import pytest
from fault_moments import MomentLog, MomentQuestion, recorded, recorded_texts, requested, requests
from fault_runs import Job, errors
from fault_server import CountingServer, numbered
from output_files import contents, hashes, leftovers

from pgen.errors import TooManyFailuresError
from pgen.testing import MemorySink
from pgen_qwen_openai.generator import QwenOpenAIGenerator

VARIANTS = 3
WAVES = {0.005: 40, 1.0: 3}
"""Requests of each slot in a run, by the latency of a response in seconds."""
CONCURRENCIES = (8, 64)

OPTIONS = {"sampler": "segments", "prompt": MomentQuestion(), "checks": (), "variants": VARIANTS}


@pytest.mark.parametrize("latency", WAVES)
def test_a_killed_run_repeats_at_most_the_requests_in_flight_and_no_recorded_dialogue(
    runs, tmp_path, tally, number, rng, latency
):
    """Over HTTP, with the journal on a disk; the server counts the requests and the dialogues.

    Runs with a long latency mostly wait: those of all concurrencies are executed at once.
    """

    def moments_at(concurrency):
        return min(WAVES[latency] * concurrency, 1000)

    def trial(concurrency, index):
        moments, after, name = moments_at(concurrency), points[concurrency, index], f"{concurrency}-{index}"
        every = {f"step {moment}/{variant}" for moment in range(moments) for variant in range(VARIANTS)}
        with CountingServer(latency) as server:
            generator = {"base_url": server.url, "concurrency": concurrency, "response_format": "json_schema"}
            job = Job(numbered(moments), tmp_path / f"out{name}", tmp_path / f"{name}.log")
            options = {**OPTIONS, "sink": MemorySink()}
            job = replace(job, generator=QwenOpenAIGenerator(**generator), options=options)
            process = runs.start(job)
            process.wait(lambda: server.total >= after)
            process.send(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, errors(job)
            before = set(re.findall(r"step \d+/\d+", " ".join(recorded_texts(job.out))))
            assert runs.finish(job) == 0, errors(job)
            counts, total = server.counts(), server.total
        assert counts.keys() == every
        repeated = {dialogue for dialogue, times in counts.items() if times > 1}
        assert not repeated & before
        assert total - moments <= concurrency
        return total - moments

    trials = list(product(CONCURRENCIES, range(number(2, 10))))
    points = {(many, index): rng.randint(many, moments_at(many) - many // 2) for many, index in trials}
    with ThreadPoolExecutor(2 if latency < 1 else len(CONCURRENCIES) * 2) as pool:
        redone = sum(pool.map(trial, *zip(*trials, strict=True)))
    pending = sum(concurrency for concurrency, _ in trials)
    tally.add("SIGKILL while asking about moments over HTTP", len(trials), in_flight=pending, redone=redone)


@pytest.fixture(scope="module")
def reference(memory, rendered, runs):
    """The output of an undisturbed run with one request for each moment, and its requests."""
    job = logged(rendered, memory / "moments")
    assert runs.finish(job) == 0, errors(job)
    return contents(job.out), requests(job.log)


def logged(root, out, **generator):
    log = out.with_suffix(".log")
    options = {"prompt": "hi-robot", "checks": ()}
    return Job(root, out, log, generator=MomentLog(log=log, **generator), options=options)


def without_requests(files):
    """Return the files of an output, with only those parts of its manifest that do not depend on requests."""
    manifest = json.loads(files["meta/pgen/manifest.json"])
    return {**files, "meta/pgen/manifest.json": [manifest[name] for name in ("counts", "types", "labels")]}


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("lanes", [8, 64])
def test_a_run_killed_between_the_dialogues_of_a_moment_requests_only_those_that_are_missing(
    runs, rendered, reference, place, tally, number, rng, lanes, in_place
):
    output, undisturbed = reference
    moments = {key: tuple(request) for request in undisturbed for key in request}
    source, count, total = hashes(rendered), number(2, 20), 0
    for index in range(count):
        out = place / str(index) / rendered.name  # the card of an output names the folder of its source
        out.parent.mkdir()
        if in_place:
            shutil.copytree(rendered, out)
        root = out if in_place else rendered
        job = logged(root, out, lanes=lanes, between=rng.randint(1, 20), seconds=0.01)
        job = replace(job, options={**job.options, "in_place": in_place})
        assert runs.finish(job) == -signal.SIGKILL, errors(job)
        before, first = recorded(job.out), requests(job.log)
        assert any(0 < len(before & {*request}) < len(request) for request in first)
        assert runs.finish(job) == 0, errors(job)
        counts, repeated = requested(job.log), requests(job.log)[len(first) :]
        assert counts.keys() == moments.keys()
        assert not before & {key for request in repeated for key in request}
        for request in repeated:  # all missing dialogues of a moment, in one request
            assert request == [key for key in moments[request[0]] if key not in before]
        redone = len(first) + len(repeated) - len(undisturbed)
        assert 1 <= redone <= lanes
        files = contents(job.out)
        assert without_requests(files) == without_requests(output)
        assert leftovers(job.out) == []
        total += redone
    assert hashes(rendered) == source
    tally.add("SIGKILL between the dialogues of a moment", count, in_flight=count * lanes, redone=total)


def test_failed_dialogues_are_requested_again_without_the_others_of_their_moments(runs, rendered, reference, place):
    _, undisturbed = reference
    job = logged(rendered, place / "out", lanes=8, missing=2)
    job = replace(job, options={**job.options, "max_failures": 0.05})
    assert runs.finish(job) == TooManyFailuresError.exit_code, errors(job)
    before, first = recorded(job.out), len(requests(job.log))
    answering = replace(job, generator=MomentLog(log=job.log, lanes=8))
    assert runs.finish(answering) == 0, errors(job)
    repeated = requests(job.log)[first:]
    unrecorded = [[key for key in request if key not in before] for request in undisturbed]
    assert sorted(repeated) == sorted(filter(None, unrecorded))
    assert any(len(request) < len(full) for request, full in zip(unrecorded, undisturbed, strict=True) if request)
    lines = (job.out / "meta/syn_annotations.jsonl").read_text().splitlines()
    assert all(json.loads(line)["status"] != "failed" for line in lines)
