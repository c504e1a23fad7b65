import json

import pytest
import report_runs
from report_runs import reply

from pgen.errors import SampleError
from pgen.records import CONTRADICTION
from pgen_results import metrics as module
from pgen_results.metrics import compute_metrics, cost
from pgen_results.read import open_results
from pgen_samplers.samplers import Segments

PROMPTS = {0: "Grab the red cup.", 20: "Lift it, please.", 30: "Up with it."}
SKILLS = [("reach for the cup", 0.0, 2.0), ("lift the cup", 2.0, 4.0)]


def answer(request):
    """An answer, a failure, then two answers in each episode."""
    frame = request.sample.moment.frame_index
    if frame == 10:
        return SampleError("refused", "no, thanks")
    return reply(PROMPTS[frame], f"Now {frame}.", "specific_object")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A run with one step for each second."""
    options = {"prompt": "hi-robot", "sampler": Segments(interval=1.0), "variants": 1, "scopes": {"step": 1}}
    return report_runs.run(tmp_path_factory.mktemp("metrics") / "out", answer, 2, skills=SKILLS, **options)


@pytest.fixture
def metrics(result):
    with open_results(result) as results:
        return compute_metrics(results)


def test_samples_answers_and_failures_by_stage_are_counted(metrics):
    assert (metrics.episodes, metrics.samples, metrics.answered) == (2, 8, 6)
    assert metrics.failed == {"refused": 2}
    assert metrics.reasons == {("refused", "no, thanks"): 2}
    assert metrics.places == {("refused", "no, thanks"): [(0, "ep_000000", 10, 1.0), (1, "ep_000001", 10, 1.0)]}
    assert {name: (skill.samples, skill.answered) for name, skill in metrics.skills.items()} == {
        "reach for the cup": (4, 2),
        "lift the cup": (4, 4),
    }


def test_shares_are_of_the_planned_and_of_the_returned_types(metrics, result):
    lines = [json.loads(line) for line in (result / "syn_annotations.jsonl").read_text().splitlines()]
    for name, planned, achieved in metrics.shares("scenario_type"):
        assert planned == sum(line["planned_scenario_type"] == name for line in lines) / 8
        assert achieved == (name == "specific_object")
    agreed = sum(line["planned_scenario_type"] == line["scenario_type"] for line in lines if line["status"] == "ok")
    assert metrics.agreed["scenario_type"] == agreed


def test_each_scope_has_its_counts(tmp_path):
    def scoped(request):
        failed = request.sample.question.scope == "standing"
        return SampleError("refused", "no") if failed else reply("Grab the red cup.", "Yes.", "specific_object")

    with open_results(report_runs.run(tmp_path / "out", scoped, prompt="hi-robot", variants=2, checks=())) as results:
        scopes = compute_metrics(results).scopes
    assert {name: (use.samples, use.answered, use.skills, use.frames) for name, use in scopes.items()} == {
        "episode": (2, 2, 4, 40),
        "phase": (2, 2, 4, 40),
        "step": (4, 4, 4, 40),
        "standing": (2, 0, 0, 0),
    }
    assert scopes["step"].words == 16


def test_images_that_contradict_the_labels_are_no_failures_and_are_listed_once_a_moment(tmp_path):
    def at_odds(request):
        at_start = request.sample.moment.frame_index == 0
        return SampleError("scene", CONTRADICTION + "an empty table") if at_start else reply("Grab it.")

    with open_results(report_runs.run(tmp_path / "out", at_odds, 2, variants=3)) as results:
        metrics = compute_metrics(results)
    assert (metrics.failed, metrics.contradicted, metrics.answered) == ({}, 6, 6)
    assert metrics.scenes == [
        ((episode, f"ep_00000{episode}", 0, 0.0), "reach for the cup", "an empty table") for episode in range(2)
    ]


def test_a_judge_s_choices_are_compared_with_the_demonstration(tmp_path):
    judge = report_runs.judging(lambda request: 5, choice="reach for the cup")
    out = report_runs.run(tmp_path / "out", reply("Grab it."), judge=judge, judge_share=1.0)
    with open_results(out) as results:
        metrics = compute_metrics(results)
    assert (metrics.judged, metrics.choices, metrics.followed) == (2, 2, 1)
    assert metrics.checks["round_trip"] == 1


def test_diversity_is_that_of_the_answers(metrics):
    assert metrics.prompts.texts == 6
    assert metrics.prompts.distinct[0] == 9 / 20  # nine different words of twenty
    assert metrics.repeated == [("Grab the red cup.", 2), ("Lift it, please.", 2), ("Up with it.", 2)]


def test_of_many_answers_a_seeded_sample_is_measured_in_their_order(result, monkeypatch):
    monkeypatch.setattr(module, "POOL", 3)
    answers = [(str(number), "") for number in range(50)]
    samples = [module._sample(answers, seed) for seed in range(200)]
    assert all(sample == sorted(sample, key=answers.index) and len(sample) == 3 for sample in samples)
    assert samples[0] == module._sample(iter(answers), 0) != samples[1]
    early = sum(int(prompt) < 25 for sample in samples for prompt, _ in sample)
    assert 0.4 < early / 600 < 0.6
    with open_results(result) as results:
        assert compute_metrics(results).prompts.texts == 3


def test_frames_are_counted_where_the_input_is_available(dataset):
    with open_results(dataset / "out") as results:
        metrics = compute_metrics(results)
    assert (metrics.frames, metrics.labelled) == (80, 80)
    assert metrics.skills["lift the cup"].frames == 40


@pytest.mark.parametrize(("prices", "expected"), [((2.0, 8.0), 10.0), ((None, 8.0), 4.0), ((None, None), None)])
def test_the_cost_is_per_million_tokens(prices, expected):
    assert cost({"tokens": {"in": 3_000_000, "out": 500_000}}, *prices) == expected
