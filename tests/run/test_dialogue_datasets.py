"""Datasets with the dialogue options: written, verified, and measured."""

import json
import runpy
from collections import Counter
from pathlib import Path

import pytest
from rendered_example import write_example

from pgen.api import annotate
from pgen.labels import DEFAULT_WEIGHTS
from pgen.records import SCOPES
from pgen.run.planning import Planner
from pgen.seeds import sample_seed
from pgen.testing import FakeSource
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES, PlanOptions, plan, shares
from pgen_lerobot.verify import verify
from pgen_samplers.samplers import Segments

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "dialogue.py"), run_name="dialogue")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("dialogue") / "data")


def lines(out):
    return [json.loads(line) for line in (out / "meta/syn_annotations.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("options", [{"variants": 3}, {"turns": "episode"}, {"variants": 2, "turns": "episode"}])
def test_a_dataset_with_variants_or_conversations_is_verified(dataset, tmp_path, options):
    out = tmp_path / "out"
    report = annotate(dataset, out, generator="template", **options)
    assert verify(out, with_lerobot=False).problems == []
    written = lines(out)
    assert len(written) == report.samples
    assert {line["variant"] for line in written} == set(range(options.get("variants", 3)))
    assert {line["scope"] for line in written} == {*SCOPES}
    opened = {(line["episode_index"], line["t"]) for line in written if line["turn_type"] == "opening"}
    assert opened == ({(0, 0), (1, 0)} if "turns" in options else set())


def test_every_dialogue_is_a_task_and_frames_have_some_of_them_in_all_scopes(dataset, tmp_path):
    import pyarrow.parquet as pq

    out = tmp_path / "out"
    annotate(dataset, out, generator="template", variants=3, scopes=dict.fromkeys(SCOPES, 1), seed=1)
    texts = pq.read_table(out / "meta/tasks.parquet", columns=["task"])["task"].to_pylist()
    shards = [pq.read_table(path, columns=["task_index_high_level"]) for path in out.glob("data/**/*.parquet")]
    used = {texts[index] for shard in shards for index in shard["task_index_high_level"].to_pylist()}
    scopes = {f"{line['user_prompt']} | {line['robot_utterance']}": line["scope"] for line in lines(out)}
    assert used < {*scopes} < {*texts}
    assert len({scopes[text] for text in used}) > 2


def test_on_real_skills_no_check_finds_anything_in_one_wording_of_template(shared_datasets):
    assert BENCHMARK["measure"](shared_datasets, 4, 1).findings == {}


def test_on_real_skills_template_reaches_every_type_and_its_wordings_are_seldom_close_to_each_other(shared_datasets):
    measured = BENCHMARK["measure"](shared_datasets, 4)
    assert set(measured.achieved) == {*SCENARIO_TYPES, *RESPONSE_TYPES}
    assert measured.achieved == measured.planned
    assert measured.findings.keys() <= {"near_duplicate"}
    assert measured.findings.total() <= 0.01 * measured.samples
    assert measured.samples >= BENCHMARK["SAMPLES"]
    assert len(set(measured.texts[::2])) >= 0.7 * BENCHMARK["SAMPLES"]


def test_on_real_skills_each_type_is_planned_within_two_points_of_its_weight(shared_datasets):
    listed = BENCHMARK["episodes"](shared_datasets)
    planner = Planner(FakeSource(*listed), Segments(), HiRobotPrompt(), 0, 1, DEFAULT_WEIGHTS)
    samples_of_run = [sample for _, samples in planner.planned(listed) for sample in samples]
    likely, planned = Counter(), Counter()
    for seed in range(40):
        for sample in samples_of_run:
            chosen = plan(sample, sample_seed(seed, sample), PlanOptions())
            planned.update([chosen.scenario_type, chosen.response_type])
    for sample in samples_of_run:
        for kinds, share in shares(sample, PlanOptions()).items():
            likely.update(dict.fromkeys(kinds, 40 * share))
    total = 40 * len(samples_of_run)
    assert all(abs(planned[kind] - likely[kind]) / total < 0.02 for kind in (*SCENARIO_TYPES, *RESPONSE_TYPES))
