"""`pgen segment` by workers of Ray: the same skills as in one process, and nothing is asked again that was kept."""

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

import pgen
from pgen import Options, Reply, tuning
from pgen.components import Generator
from pgen.errors import TooManyFailuresError
from pgen.formats.schemas import validator
from pgen_demo.example import write_example
from pgen_lerobot.read import LeRobotSource
from pgen_local.executor import Local
from pgen_ray.executor import RayExecutor
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.vlm.segmenter import Vlm

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("cluster")]


class CuttingOptions(Options):
    log: Path = tuning(Path())
    deadly: str = tuning("")
    """`EPISODE-QUESTION` at which the process ends: once, or each time with `always`."""
    always: bool = tuning(False)
    refused: str = tuning("")
    """`EPISODE-QUESTION` that is not answered."""


class Cutting(Generator[CuttingOptions]):
    """Cuts whatever it is shown in the middle, and writes down what it was asked."""

    name = "cutting"

    async def generate(self, request):
        options, (question,) = self.options, request.prompt.schema["properties"]
        place = f"{request.sample.span.episode_index}-{question}"
        with options.log.open("a") as file:
            file.write(f"{place}\n")
        died = options.log.with_suffix(".died")
        if options.deadly == place and (options.always or not died.exists()):
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if options.refused == place:
            raise pgen.SampleError("refused", "not this one")
        end = request.sample.moment.clip[-1].timestamp
        spans = [
            {"name": "reach for it", "start": 0, "end": end / 2},
            {"name": "lift it", "start": end / 2, "end": end},
        ]
        return Reply(json.dumps({question: spans if question == "skills" else f"The arm moves in {place}."}))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("demo") / "demo")


def segmented(root, out, generator, executor=None, **run):
    """What skills.json holds."""
    options = SegmentOptions(output_dir=out, skills_only=True, **run)
    with Job(options, LeRobotSource(root=root, skills="task"), Vlm(), generator, executor or two()) as job:
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
    validator("segmentation").validate(told)
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
    assert (failed["episode_index"], failed["reason"]) == (1, "3 workers died over this question")
    assert asked(log)["1-skills"] == 3


def test_what_workers_answered_before_a_failure_is_not_asked_again(root, tmp_path):
    log = tmp_path / "log"
    with pytest.raises(TooManyFailuresError, match="not this one"):
        segmented(root, tmp_path / "out", Cutting(log=log, refused="1-skills"))
    log.unlink()
    segmented(root, tmp_path / "out", Cutting(log=log))
    assert asked(log) == {"1-skills": 1}


def test_a_generator_that_does_not_open_says_why(root, tmp_path):
    with pytest.raises(pgen.ConfigError, match="never opens"):
        segmented(root, tmp_path / "out", Shut())
    assert not (tmp_path / "out").exists()


class Shut(Generator):
    name = "shut"

    async def open(self):
        raise pgen.ConfigError("shut: this generator never opens; take another.")
