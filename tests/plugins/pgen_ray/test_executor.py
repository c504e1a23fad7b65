"""Runs by workers of Ray come to what the same runs in one process come to."""

import pytest
from ray_runs import Closed, Judging, Logged, Named, Same, annotate, asked, files, lines, manifest

import pgen
from pgen.errors import WorkersError
from pgen.formats.schemas import validator
from pgen.testing import FakeGenerator, FakeSource
from pgen_demo.example import write_example
from pgen_lerobot.read import LeRobotSource
from pgen_ray.executor import RayExecutor

pytestmark = pytest.mark.usefixtures("cluster")


def both(root, folder, **options):
    """The files of the same run by workers and in this process."""
    for name, executor in (("local", "local"), ("ray", RayExecutor(workers=2))):
        pgen.annotate(root, folder / name, generator="template", executor=executor, **options)
    return files(folder / "ray"), files(folder / "local")


@pytest.mark.parametrize(("name", "skills"), [("sim_pickplace_so101_v30", "auto"), ("cr5_realarm_v21_8ep", "task")])
def test_a_real_dataset_gets_the_same_files_byte_for_byte(shared_datasets, tmp_path, name, skills):
    found, expected = both(LeRobotSource(root=shared_datasets / name, skills=skills), tmp_path, max_samples=60)
    assert found == expected


def test_a_conversation_with_variants_and_a_judge_is_the_same_in_workers(tmp_path):
    root = write_example(tmp_path / "demo")
    judged = {"judge": Judging(), "judge_share": 0.5}
    found, expected = both(root, tmp_path, turns="episode", variants=2, **judged)
    assert found == expected
    told = manifest(tmp_path / "ray")
    assert told["judge"]["judged"] > 0
    assert 1 <= told["executor"]["workers"] <= 2
    validator("manifest").validate(told)


def test_dialogues_that_the_whole_run_finds_repeated_are_asked_about_once_more(tmp_path):
    for executor in ("local", "ray"):
        log = tmp_path / f"{executor}.log"
        annotate(tmp_path / executor, Same(log=log), executor, checks=["duplicates"])
    assert sum(asked(tmp_path / "ray.log").values()) > len(lines(tmp_path / "ray"))
    assert asked(tmp_path / "ray.log") == asked(tmp_path / "local.log")
    assert lines(tmp_path / "ray") == lines(tmp_path / "local")


def test_what_a_conversation_said_before_a_failure_is_not_asked_again(tmp_path):
    log = tmp_path / "log"
    failing = Logged(log=log, lanes=8, fail=("1-3", "5-20"))
    with pytest.raises(pgen.PgenError, match="2 of 144 samples failed"):
        annotate(tmp_path / "out", failing, "local", turns="episode", max_failures=0.01)
    answered = set(asked(log)) - {"1-3", "5-20"}
    assert {"1-4", "1-5"} <= answered
    log.unlink()
    report = annotate(tmp_path / "out", failing, turns="episode", max_failures=0.5)
    assert report.failed == {"refused": 2}
    assert answered.isdisjoint(asked(log))
    assert len(asked(log)) == 144 - len(answered)


def test_a_component_s_error_in_a_worker_arrives_as_what_it_is(tmp_path):
    with pytest.raises(pgen.ConfigError, match=r"^closed: this generator never opens; take another\.$"):
        annotate(tmp_path / "out", Closed())
    assert not (tmp_path / "out").exists()


def test_workers_that_answer_with_different_models_end_the_run(tmp_path):
    with pytest.raises(pgen.ConfigError, match="two workers answer with different models, model-"):
        annotate(tmp_path / "out", Named())


def test_more_failures_than_allowed_end_the_run(tmp_path):
    everything = tuple(f"{episode}-{frame}" for episode in range(6) for frame in range(24))
    with pytest.raises(pgen.PgenError, match="more than --max-failures") as caught:
        annotate(tmp_path / "out", Logged(log=tmp_path / "log", fail=everything, seconds=0.1))
    assert caught.value.exit_code == 4
    assert asked(tmp_path / "log").total() < len(everything)


def test_workers_that_the_cluster_has_no_room_for_are_told_of_in_one_sentence(tmp_path):
    greedy = RayExecutor(workers=1, cpus=99, patience=0.5)
    with pytest.raises(WorkersError, match="there is no worker, and none can be started: each asks for 99 CPUs"):
        annotate(tmp_path / "out", Logged(log=tmp_path / "log"), greedy)


def test_fewer_workers_than_asked_for_do_the_work_and_each_sample_is_asked_about_once(tmp_path):
    both = Logged(log=tmp_path / "log", crowd=2)
    annotate(tmp_path / "out", both, RayExecutor(workers=3, cpus=2))
    assert asked(tmp_path / "log") == {f"{episode}-{frame}": 1 for episode in range(6) for frame in range(24)}
    told = manifest(tmp_path / "out")
    assert told["executor"]["workers"] == 2
    assert told["generator"]["model"] == "logged-1"


def test_what_cannot_travel_is_refused_before_anything_is_asked(tmp_path):
    class Connected(FakeGenerator):
        name = "connected"

        def __init__(self):
            super().__init__()
            self.file = (tmp_path / "file").open("w")

        def __reduce__(self):
            return type(self)._made, (self.file,)

    made = Connected()
    with made.file, pytest.raises(pgen.ConfigError, match="generator connected cannot be sent to workers"):
        annotate(tmp_path / "out", made)


def test_a_component_that_is_more_than_its_options_is_refused(tmp_path):
    class Stateful(FakeSource):
        name = "stateful"
        __reduce__ = pgen.Source.__reduce__

        def __init__(self, episodes):
            super().__init__()

    with pytest.raises(pgen.ConfigError, match="source stateful was made from more than its options"):
        annotate(tmp_path / "out", Logged(log=tmp_path / "log"), source=Stateful(3))


def test_the_plan_says_where_the_work_would_be_done(tmp_path):
    from click.testing import CliRunner

    from pgen.cli import cli

    root = write_example(tmp_path / "demo")
    command = ["annotate", "--root", root, "--output-dir", tmp_path / "out", "--generator", "template", "--dry-run"]
    told = CliRunner().invoke(cli, [*map(str, command), "--executor", "ray", "--opt", "executor.workers=8"])
    assert "executor   ray, 8 workers, on this machine\n" in told.output


def test_an_address_that_nobody_listens_at_is_an_error_before_anything_is_asked(tmp_path, monkeypatch):
    from pgen_ray import cluster

    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(pgen.ConfigError, match=r"nothing answers at 127\.0\.0\.1:9"):
        cluster.Cluster("127.0.0.1:9", None)


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "http://head:8265"])
def test_what_is_no_address_of_a_cluster_is_refused(address):
    with pytest.raises(pgen.ConfigError, match="HOST:PORT, or auto"):
        RayExecutor(address=address)
