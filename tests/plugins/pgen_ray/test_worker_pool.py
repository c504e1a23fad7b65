"""Workers and machines that die: nothing is lost, what was answered is not asked again, and it comes to an end."""

import threading

import pytest
from ray_runs import Logged, Moments, annotate, asked, lines, manifest

from pgen_ray.executor import RayExecutor

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("cluster")]
ALL = {f"{episode}-{frame}" for episode in range(6) for frame in range(24)}


@pytest.mark.parametrize("turns", ["off", "episode"])
def test_after_a_worker_s_death_only_what_had_not_arrived_is_asked_again(tmp_path, turns):
    log = tmp_path / "log"
    dying = Logged(log=log, lanes=1, deadly="2-12")
    report = annotate(tmp_path / "out", dying, turns=turns)
    assert report.failed == {}
    assert set(asked(log)) == ALL
    assert {place for place, times in asked(log).items() if times > 1} == {"2-12"}
    assert manifest(tmp_path / "out")["executor"]["deaths"] == 1
    annotate(tmp_path / "undisturbed", Logged(log=tmp_path / "log2"), "local", turns=turns)
    assert lines(tmp_path / "out") == lines(tmp_path / "undisturbed")


def test_after_a_worker_s_death_no_dialogue_of_a_moment_that_arrived_is_asked_for_again(tmp_path):
    options = {"prompt": "hi-robot", "checks": ()}
    annotate(tmp_path / "undisturbed", Moments(log=tmp_path / "log2"), "local", **options)
    annotate(tmp_path / "out", Moments(log=tmp_path / "log", lanes=1, deadly="2-12"), **options)
    expected = asked(tmp_path / "log2")
    assert {*expected.values()} >= {3}
    assert asked(tmp_path / "log") == {**expected, "2-12": 2 * expected["2-12"]}
    assert manifest(tmp_path / "out")["executor"]["deaths"] == 1
    assert lines(tmp_path / "out") == lines(tmp_path / "undisturbed")


def test_an_episode_that_kills_every_worker_is_given_up_and_the_others_are_answered(tmp_path):
    log = tmp_path / "log"
    dying = Logged(log=log, lanes=1, deadly="2-12", always=True)
    report = annotate(tmp_path / "out", dying, max_failures=0.5)
    failed = [line for line in lines(tmp_path / "out") if line["status"] == "failed"]
    assert {line["episode_index"] for line in failed} == {2}
    assert {line["frame_index"] for line in failed} >= set(range(12, 24))
    assert report.failed == {"generate": len(failed)}
    assert {line["reason"] for line in failed} == {"3 workers died over this episode"}
    assert manifest(tmp_path / "out")["executor"]["deaths"] == 3


def test_a_machine_that_dies_in_mid_run_leaves_its_episodes_to_the_others(cluster, tmp_path):
    node = cluster.add_node(num_cpus=4, object_store_memory=100 << 20)
    cluster.wait_for_nodes()
    log = tmp_path / "log"
    died = threading.Event()

    def kill():
        while not (log.exists() and len(asked(log)) > 30):
            died.wait(0.02)
        cluster.remove_node(node, allow_graceful=False)
        died.set()

    killer = threading.Thread(target=kill)
    killer.start()
    crowded = Logged(log=log, lanes=1, seconds=0.02, crowd=2)
    report = annotate(tmp_path / "out", crowded, RayExecutor(workers=2, cpus=3))
    killer.join()
    assert report.failed == {}
    assert set(asked(log)) == ALL
    told = manifest(tmp_path / "out")["executor"]
    assert told["workers"] == 2
    assert told["deaths"] >= 1
    assert len(lines(tmp_path / "out")) == len(ALL)
