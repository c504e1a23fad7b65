import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hanging import HANG

from pgen.api import annotate
from pgen.errors import ConfigError, InputError, SampleError, StorageError, TooManyFailuresError
from pgen.run.run import Run
from pgen.testing import FakeGenerator, FakeSource, MemorySink, make_episode, plain_answer
from pgen_samplers.samplers import EveryFrame

SCRIPT = Path(__file__).parents[1] / "support" / "run_in_process.py"
SAMPLES = 4 * 55


def started(out, log, *hold):
    command = [sys.executable, str(SCRIPT), str(out), str(log), *hold]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def asked(log):
    return log.read_text().splitlines() if log.exists() else []


def wait_for_requests(process, log, count):
    """Until the process has sent that many requests; fails if it ends before."""
    deadline = time.monotonic() + HANG
    while len(asked(log)) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, f"only {len(asked(log))} requests"
        time.sleep(0.01)


def finish(out, log):
    process = started(out, log)
    _, errors = process.communicate(timeout=HANG)
    assert process.returncode == 0, errors
    return [json.loads(line) for line in (out / "syn_annotations.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("answers", [0, 20, 150])
def test_a_run_killed_at_any_point_goes_on_and_asks_only_for_what_is_missing(tmp_path, answers):
    out, log = tmp_path / "out", tmp_path / "log"
    process = started(out, log, "hold", str(answers))
    wait_for_requests(process, log, answers + 8)
    process.kill()
    process.communicate()
    assert not out.exists()
    lines = finish(out, log)
    assert len(lines) == SAMPLES
    assert all(line["status"] == "ok" for line in lines)
    twice = sum(count - 1 for count in Counter(asked(log)).values())
    assert twice <= 8 + 64  # those in flight, and those of the last commit
    assert list(tmp_path.glob(".out.pgen")) == []


def test_a_killed_and_resumed_run_gives_the_same_lines_as_an_undisturbed_one(tmp_path):
    process = started(tmp_path / "out", tmp_path / "log", "hold", "100")
    wait_for_requests(process, tmp_path / "log", 108)
    process.kill()
    process.communicate()
    assert finish(tmp_path / "out", tmp_path / "log") == finish(tmp_path / "whole", tmp_path / "whole.log")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_what_is_in_flight_finish_and_keeps_it(tmp_path, number, code):
    out, log = tmp_path / "out", tmp_path / "log"
    process = started(out, log, "hold", "30", "briefly")
    wait_for_requests(process, log, 38)
    process.send_signal(number)
    _, errors = process.communicate(timeout=HANG)
    assert process.returncode == code
    assert "the same command resumes from here" in errors
    before = len(asked(log))
    assert len(finish(out, log)) == SAMPLES
    assert len(asked(log)) == SAMPLES
    assert before < SAMPLES


def test_after_a_signal_answers_that_do_not_come_are_not_waited_for(tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    process = started(out, log, "hold", "30")
    wait_for_requests(process, log, 38)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=HANG)
    assert process.returncode == 143
    finish(out, log)
    assert len(asked(log)) <= SAMPLES + 8


def test_a_second_signal_stops_at_once(tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    process = started(out, log, "hold", "30")
    wait_for_requests(process, log, 38)
    process.send_signal(signal.SIGINT)
    assert "finishing what is in flight" in process.stderr.readline() + process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=HANG)
    assert process.returncode == 130
    finish(out, log)
    assert len(asked(log)) <= SAMPLES + 8


def test_two_runs_on_one_output_do_not_meet(tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    process = started(out, log, "hold", "0")
    wait_for_requests(process, log, 1)
    second = subprocess.run(
        [sys.executable, str(SCRIPT), str(out), str(log)], capture_output=True, text=True, timeout=HANG, check=False
    )
    process.kill()
    process.communicate()
    assert second.returncode == 2
    assert f"is being written by another run (process {process.pid} on {os.uname().nodename}, since " in second.stderr


def run(tmp_path, generator=None, sink=None, **options):
    source = FakeSource(*(make_episode(index=index) for index in range(4)))
    chosen = {"sampler": EveryFrame(), "prompt": "seed", "sink": sink or MemorySink()}
    return annotate(source, tmp_path / "out", generator=generator or FakeGenerator(), **{**chosen, **options})


def test_a_finished_run_reports_what_it_did(tmp_path):
    sink = MemorySink()
    report = run(tmp_path, sink=sink)
    assert (report.episodes, report.frames, report.samples, report.resumed, report.failed) == (4, 220, SAMPLES, 0, {})
    assert report.usage.attempts == SAMPLES
    assert sink.manifest["counts"]["answered"] == SAMPLES
    assert sink.manifest["generator"]["name"] == "fake"
    assert [a.sample.moment.frame_index for a in sink.annotations] == list(range(55)) * 4


def failing(share):
    return FakeGenerator(
        lambda request: (
            SampleError("refused", "no, thank you")
            if request.sample.moment.frame_index < 55 * share
            else plain_answer(request)
        )
    )


def test_more_failures_than_allowed_write_nothing_and_the_next_run_asks_only_for_those(tmp_path):
    with pytest.raises(TooManyFailuresError, match=r"refused.*--max-failures 0.1.*first reason: no, thank you"):
        run(tmp_path, failing(0.5), max_failures=0.1)
    assert not (tmp_path / "out").exists()
    generator = FakeGenerator()
    report = run(tmp_path, generator, max_failures=0.1)
    assert report.resumed == SAMPLES - len(generator.requests)
    assert report.failed == {}


def test_a_hopeless_run_stops_early(tmp_path):
    generator = failing(1)
    with pytest.raises(TooManyFailuresError):
        run(tmp_path, generator)
    assert len(generator.requests) < 20


def test_as_many_failures_as_allowed_are_kept_as_rows_with_their_reason(tmp_path):
    sink = MemorySink()
    report = run(tmp_path, failing(0.1), sink=sink, max_failures=0.5)
    assert report.failed == {"refused": 4 * 6}
    assert {a.failure.reason for a in sink.annotations if a.failure} == {"no, thank you"}


def test_other_options_that_matter_are_refused_until_the_run_is_begun_afresh(tmp_path):
    with pytest.raises(TooManyFailuresError):
        run(tmp_path, failing(0.5), max_failures=0.2)
    with pytest.raises(ConfigError, match=r"run.seed: 0, now 1"):
        run(tmp_path, seed=1)
    assert run(tmp_path, seed=1, fresh=True).resumed == 0


def test_a_sink_that_fails_leaves_no_output_and_loses_no_answer(tmp_path):
    class Broken(MemorySink):
        def write(self, results, out):
            (out / "half").write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        run(tmp_path, sink=Broken())
    assert not (tmp_path / "out").exists()
    generator = FakeGenerator()
    assert run(tmp_path, generator).resumed == SAMPLES
    assert generator.requests == []
    assert list((tmp_path / "out").iterdir()) == []


def test_answers_of_one_model_are_not_mixed_with_those_of_another(tmp_path):
    class Served(FakeGenerator):
        """Finds out which model there is only once it is open."""

        served = "small"

        @property
        def model(self):
            return self.served

    with pytest.raises(TooManyFailuresError):
        run(tmp_path, Served(failing(0.5).answer), max_failures=0.1)
    other = Served()
    other.served = "large"
    with pytest.raises(ConfigError, match=r"model: 'small', now 'large'"):
        run(tmp_path, other)
    assert other.requests == []


def test_a_run_whose_answers_are_all_there_needs_no_generator(tmp_path):
    class Broken(MemorySink):
        def write(self, results, out):
            raise OSError(28, "No space left on device")

    class Gone(FakeGenerator):
        async def open(self):
            raise ConfigError("the server is gone")

    with pytest.raises(StorageError, match="No space left"):
        run(tmp_path, sink=Broken())
    sink = MemorySink()
    assert run(tmp_path, Gone(), sink=sink).resumed == SAMPLES
    assert sink.manifest["generator"]["found"] == {}


def test_an_output_that_exists_is_refused_before_the_input_is_read(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match=r"--output-dir .*out exists already"):
        run(tmp_path)


def test_a_generator_that_is_not_ready_leaves_nothing_behind(tmp_path):
    class Unready(FakeGenerator):
        async def open(self):
            raise ConfigError("no model here")

    with pytest.raises(ConfigError, match="no model here"):
        run(tmp_path, Unready())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_the_output_is_refused_before_anything_is_asked(tmp_path):
    class Large(MemorySink):
        def needs_bytes(self, source):
            return 1 << 60

    generator = FakeGenerator()
    with pytest.raises(ConfigError, match=r"the output needs about 1,152,921,504,607 MB, .* MB left; make room"):
        run(tmp_path, generator, sink=Large())
    assert generator.requests == []
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_ask_about_is_an_error_that_shows_what_was_repaired(tmp_path):
    source = FakeSource(make_episode(("a", 70.0, 80.0), length=20))
    with pytest.raises(InputError, match="have no skill to request dialogue for"):
        annotate(source, tmp_path / "out", generator=FakeGenerator(), sink=MemorySink())


def test_the_plan_counts_without_asking(tmp_path):
    from pgen.config.assembly import create
    from pgen.config.runfile import build

    objects = {"source": FakeSource(), "generator": FakeGenerator(), "sink": MemorySink(), "sampler": EveryFrame()}
    config = build({"output_dir": tmp_path / "out", **{kind: {"name": c.name} for kind, c in objects.items()}})
    with Run(config.run, create(config, objects)) as opened:
        plan = opened.plan
    assert (plan.episodes, plan.frames, plan.samples, plan.images) == (1, 55, 55, 55)
    assert plan.sample.span.skill == "robot arm moves towards pink lego brick"
    assert plan.sample.span.skill in plan.prompt.text
    assert list(tmp_path.iterdir()) == []


def test_a_run_inside_a_running_loop_works_as_in_a_notebook(tmp_path):
    import asyncio

    async def cell():
        return run(tmp_path)

    assert asyncio.run(cell()).samples == SAMPLES


def test_answers_that_cannot_be_stored_end_the_run(tmp_path, monkeypatch):
    from pgen.storage.journal import Journal

    def full(self, annotations):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "add", full)
    generator = FakeGenerator(concurrency=1)
    with pytest.raises(StorageError, match="No space left"):
        run(tmp_path, generator)
    assert not (tmp_path / "out").exists()
