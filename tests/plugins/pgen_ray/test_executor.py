"""Runs by workers of Ray come to what the same runs in one process come to."""

import pytest
from ray_runs import Closed, Judging, Logged, Named, Same, annotate, asked, files, lines, manifest, source
from rendered_example import write_example

import pgen
from pgen.errors import WorkersError
from pgen.formats.schemas import validator
from pgen.testing import FakeGenerator, FakeMomentGenerator, FakeSource
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_lerobot.read import LeRobotSource
from pgen_ray import cluster as clusters
from pgen_ray.executor import RayExecutor

pytestmark = pytest.mark.usefixtures("cluster")


def both(root, folder, generator="template", **options):
    """The files of the same run by workers and in this process."""
    for name, executor in (("local", "local"), ("ray", RayExecutor(workers=2))):
        pgen.annotate(root, folder / name, generator=generator, executor=executor, **options)
    return files(folder / "ray"), files(folder / "local")


@pytest.mark.parametrize(("name", "skills"), [("sim_pickplace_so101_v30", "auto"), ("cr5_realarm_v21_8ep", "task")])
def test_a_real_dataset_gets_the_same_files_byte_for_byte(shared_datasets, tmp_path, name, skills):
    result, expected = both(LeRobotSource(root=shared_datasets / name, skills=skills), tmp_path, max_samples=60)
    assert result == expected


@pytest.mark.parametrize("turns", ["off", "episode"])
def test_requests_for_all_dialogues_of_a_moment_give_the_same_files(tmp_path, turns):
    root, prompt = write_example(tmp_path / "demo"), HiRobotPrompt(counterfactuals=1.0)
    options = {"prompt": prompt, "turns": turns, "checks": ()}
    result, expected = both(root, tmp_path, FakeMomentGenerator(concurrency=2), **options)
    assert result == expected
    assert result["meta/counterfactuals.jsonl"]
    counts = manifest(tmp_path / "ray")["counts"]
    assert {*counts["scopes"]} == {"episode", "phase", "standing", "step"}
    assert counts["failed"] == {}


def test_a_conversation_with_variants_and_a_judge_is_the_same_in_workers(tmp_path):
    root = write_example(tmp_path / "demo")
    judged = {"judge": Judging(), "judge_share": 0.5}
    result, expected = both(root, tmp_path, turns="episode", variants=2, **judged)
    assert result == expected
    record = manifest(tmp_path / "ray")
    assert record["judge"]["judged"] > 0
    assert 1 <= record["executor"]["workers"] <= 2
    assert validator("manifest").first_error(record) is None


def test_dialogues_that_repeat_in_the_run_are_requested_again(tmp_path):
    for executor in ("local", "ray"):
        log = tmp_path / f"{executor}.log"
        annotate(tmp_path / executor, Same(log=log), executor, checks=["duplicates"])
    assert sum(asked(tmp_path / "ray.log").values()) > len(lines(tmp_path / "ray"))
    assert asked(tmp_path / "ray.log") == asked(tmp_path / "local.log")
    assert lines(tmp_path / "ray") == lines(tmp_path / "local")


def test_after_a_failure_stored_turns_of_a_conversation_are_not_requested_again(tmp_path):
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


def test_an_error_of_a_component_in_a_worker_arrives_unchanged(tmp_path):
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


def test_a_cluster_without_room_for_the_workers_ends_the_run_with_one_sentence(tmp_path):
    greedy = RayExecutor(workers=1, cpus=99, patience=0.5)
    with pytest.raises(WorkersError, match="there is no worker, and none can be started: each asks for 99 CPUs"):
        annotate(tmp_path / "out", Logged(log=tmp_path / "log"), greedy)


def test_fewer_workers_than_requested_do_the_work_and_send_each_request_once(tmp_path):
    both = Logged(log=tmp_path / "log", crowd=2)
    annotate(tmp_path / "out", both, RayExecutor(workers=3, cpus=2))
    assert asked(tmp_path / "log") == {f"{episode}-{frame}": 1 for episode in range(6) for frame in range(24)}
    record = manifest(tmp_path / "out")
    assert record["executor"]["workers"] == 2
    assert record["generator"]["model"] == "logged-1"


def test_few_episodes_are_shared_by_all_workers_however_late_one_opens(tmp_path):
    both = Logged(log=tmp_path / "log", crowd=2)  # no request is answered until each worker has sent one
    annotate(tmp_path / "out", both, source=source(2))
    assert asked(tmp_path / "log") == {f"{episode}-{frame}": 1 for episode in range(2) for frame in range(24)}


def test_a_component_that_cannot_be_pickled_is_refused_before_the_first_request(tmp_path):
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


def test_the_plan_names_the_executor(tmp_path):
    from click.testing import CliRunner

    from pgen.cli import cli

    root = write_example(tmp_path / "demo")
    command = ["annotate", "--root", root, "--output-dir", tmp_path / "out", "--generator", "template", "--dry-run"]
    result = CliRunner().invoke(cli, [*map(str, command), "--executor", "ray", "--opt", "executor.workers=8"])
    assert "executor   ray, 8 workers, on this machine\n" in result.output


def test_an_address_without_a_listener_is_an_error_before_the_first_request(tmp_path, monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(pgen.ConfigError, match=r"nothing answers at 127\.0\.0\.1:9"):
        clusters.Cluster("127.0.0.1:9", None)


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "http://head:8265"])
def test_an_invalid_address_is_refused(address):
    with pytest.raises(pgen.ConfigError, match="HOST:PORT, or auto"):
        RayExecutor(address=address)


@pytest.mark.parametrize(
    ("ip", "mode", "warned"),
    [("192.0.2.7", "", True), ("192.0.2.7", "token", False), ("127.0.0.1", "", False)],
)
def test_a_cluster_that_others_can_use_causes_a_warning(monkeypatch, caplog, ip, mode, warned):
    monkeypatch.setattr("ray.util.get_node_ip_address", lambda: ip)
    monkeypatch.setenv(clusters.MODE, mode)
    clusters.warn_where_open()
    assert ("docs/cluster.md" in caplog.text) == warned
