"""`pgen segment` by workers of Ray: the same skills as in one process, and nothing is asked again that was kept."""

import json
from collections import Counter

import pytest
from ray_runs import Closed, Cutting, NamingSpans
from rendered_example import write_example
from segment_helpers import PICK, dataset, episode

import pgen
from pgen.errors import TooManyFailuresError
from pgen.formats.schemas import validator
from pgen_lerobot.read.source import LeRobotSource
from pgen_local.executor import Local
from pgen_ray.executor import RayExecutor
from pgen_segment.hybrid.segmenter import Hybrid
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.phases.segmenter import Phases
from pgen_segment.vlm.segmenter import Vlm

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("cluster")]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("demo") / "demo")


def segmented(root, out, generator, executor=None, segmenter=None, **run):
    """Return the bytes of skills.json."""
    options = SegmentOptions(output_dir=out, skills_only=True, **run)
    source = LeRobotSource(root=root, skills="auto" if segmenter and segmenter.reads_skills else "task")
    with Job(options, source, segmenter or Vlm(), generator, executor or two()) as job:
        list(job.execute())
    return (out / "skills.json").read_bytes()


def two():
    return RayExecutor(workers=2)


def asked(log):
    return Counter(log.read_text().split())


EACH_ONCE = {f"{episode}-{question}": 1 for episode in (0, 1) for question in ("description", "skills")}


def test_workers_find_the_same_skills(root, tmp_path):
    log = tmp_path / "log"
    found = segmented(root, tmp_path / "ray", Cutting(log=log))
    assert asked(log) == EACH_ONCE
    told = json.loads((tmp_path / "ray/segmentation.json").read_text())
    assert validator("segmentation").first_error(told) is None
    assert told["executor"]["name"] == "ray"
    assert told["executor"]["deaths"] == 0
    assert told["segmenter"]["found"]["generator"]["name"] == "cutting"
    alone = segmented(root, tmp_path / "alone", Cutting(log=tmp_path / "other"), Local())
    assert found == alone


def test_a_worker_that_dies_leaves_its_question_to_another(root, tmp_path):
    log = tmp_path / "log"
    found = segmented(root, tmp_path / "out", Cutting(log=log, deadly="1-skills"))
    assert found == segmented(root, tmp_path / "alone", Cutting(log=tmp_path / "other"), Local())
    assert set(asked(log)) == set(EACH_ONCE)
    assert asked(log)["1-skills"] == 2
    assert json.loads((tmp_path / "out/segmentation.json").read_text())["executor"]["deaths"] == 1


def test_a_question_that_kills_every_worker_costs_its_episode(root, tmp_path):
    log = tmp_path / "log"
    segmented(root, tmp_path / "out", Cutting(log=log, deadly="1-skills", always=True), max_failures=0.5)
    (failed,) = json.loads((tmp_path / "out/segmentation.json").read_text())["failed"]
    assert (failed["episode_index"], failed["reason"]) == (1, "3 workers died over this episode")
    assert asked(log)["1-skills"] == 3


def test_what_workers_answered_before_a_failure_is_not_asked_again(root, tmp_path):
    log = tmp_path / "log"
    with pytest.raises(TooManyFailuresError, match="not this one"):
        segmented(root, tmp_path / "out", Cutting(log=log, refused="1-skills"))
    log.unlink()
    segmented(root, tmp_path / "out", Cutting(log=log))
    assert asked(log) == {"1-skills": 1}


def test_hybrid_names_the_same_spans_on_workers_also_after_one_died(tmp_path):
    root = dataset(tmp_path / "in", episode(PICK), episode(PICK))
    generator = NamingSpans(log=tmp_path / "log", deadly="1")
    skills = segmented(root, tmp_path / "ray", generator, segmenter=Hybrid())
    alone = segmented(root, tmp_path / "alone", NamingSpans(log=tmp_path / "other"), Local(), Hybrid())
    assert skills == alone
    assert b"pick up the cup" in skills
    assert asked(tmp_path / "log") == {"0": 1, "1": 2}
    assert asked(tmp_path / "other") == {"0": 1, "1": 1}
    assert json.loads((tmp_path / "ray/segmentation.json").read_text())["executor"]["deaths"] == 1


def test_phases_are_the_same_where_a_worker_dies(tmp_path):
    spans = [{"name": f"a{i}", "start": 2.0 * i, "end": 2.0 * i + 2} for i in range(3)]
    skills = {"episodes": {str(i): {"skills": spans} for i in range(2)}}
    root = dataset(tmp_path / "in", episode(PICK), episode(PICK), skills=skills)
    segmented(root, tmp_path / "ray", NamingSpans(log=tmp_path / "log", deadly="1"), segmenter=Phases())
    segmented(root, tmp_path / "alone", NamingSpans(log=tmp_path / "other"), Local(), Phases())
    ray, alone = (json.loads((tmp_path / it / "segmentation.json").read_text())["levels"] for it in ("ray", "alone"))
    assert ray == alone
    assert [phase["name"] for phase in ray["1"]["phase"]] == ["reach", "go on"]
    assert asked(tmp_path / "log") == {"0": 1, "1": 2}


def test_a_generator_that_does_not_open_says_why(root, tmp_path):
    with pytest.raises(pgen.ConfigError, match="never opens"):
        segmented(root, tmp_path / "out", Closed())
    assert not (tmp_path / "out").exists()
