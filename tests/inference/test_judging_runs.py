"""Whole runs with a judge."""

import json

import pytest
from dialogue_runs import run

from pgen.api import annotate
from pgen.errors import ConfigError, InterruptedRunError
from pgen.records import SCORES
from pgen.testing import FakeGenerator, FakeMomentGenerator, FakeSource, MemorySink, make_episode
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_samplers.samplers import EveryFrame, Segments


def judged(request):
    """Choose the first skill, and score by the length of the prompt."""
    if is_choice(request):
        return json.dumps({"reason": "So.", "choice": 1})
    scores = {name: 1 + len(request.prompt.text) % 5 for name in SCORES}
    return json.dumps(
        {key: value for name in SCORES for key, value in ((f"{name}_reason", "So."), (name, scores[name]))}
    )


def is_choice(request):
    return "choice" in request.prompt.schema["properties"]


def test_a_judge_receives_a_seeded_share_and_its_judgements_are_stored(tmp_path):
    options = {"sampler": EveryFrame(), "judge_share": 0.25}
    judge = FakeGenerator(judged)
    report, sink, _ = run(tmp_path / "out", judge=judge, **options)
    stored = [a for a in sink.annotations if a.judgement]
    assert [is_choice(request) for request in judge.requests].count(False) == len(stored)
    assert len(judge.requests) == 2 * len(stored)
    assert len(stored) == report.judged == sink.manifest["judge"]["judged"]
    assert 0.15 < len(stored) / report.samples < 0.35
    assert all(a.dialogue.user_prompt in "".join(r.prompt.text for r in judge.requests) for a in stored)
    second_judge = FakeGenerator(judged)
    _, second, _ = run(tmp_path / "again", judge=second_judge, **options)
    assert [a.judgement for a in second.annotations] == [a.judgement for a in sink.annotations]


def test_a_dialogue_that_leads_the_judge_to_another_skill_is_marked(tmp_path):
    report, sink, _ = run(tmp_path / "out", judge=FakeGenerator(judged), judge_share=1)
    elsewhere = [a for a in sink.annotations if a.judgement.chosen != a.sample.span.skill]
    assert report.findings == {"round_trip": len(elsewhere)}
    assert 0 < len(elsewhere) < report.samples
    assert all([finding.code for finding in a.checks] == ["round_trip"] for a in elsewhere)
    assert sink.manifest["checks"]["found"] == report.findings


def test_counterfactual_dialogues_are_not_judged(tmp_path):
    judge = FakeGenerator(judged)
    names = [f"{action} the {thing}" for thing in ("can", "cup") for action in ("reach for", "pick up", "put down")]
    source = FakeSource(make_episode(*((name, float(n), n + 1.0) for n, name in enumerate(names))))
    sink = MemorySink()
    options = {"generator": FakeMomentGenerator(), "sampler": Segments(), "checks": (), "sink": sink, "variants": 1}
    prompt = HiRobotPrompt(counterfactuals=1.0)
    annotate(source, tmp_path / "out", prompt=prompt, judge=judge, judge_share=1, **options)
    counterfactual = [a.judgement for a in sink.annotations if a.sample.question.counterfactual]
    assert counterfactual
    assert not any(counterfactual)
    assert all(a.judgement for a in sink.annotations if not a.sample.question.counterfactual)


def test_a_run_stopped_during_judging_requests_only_the_other_judgements(tmp_path):
    count = 0

    def stopping(request):
        nonlocal count
        count += 1
        return InterruptedRunError("stopped") if count > 10 else judged(request)

    options = {"sampler": EveryFrame(), "judge_share": 0.5}
    with pytest.raises(InterruptedRunError):
        run(tmp_path / "out", judge=FakeGenerator(stopping, concurrency=1), **options)
    judge = FakeGenerator(judged)
    report, _, generator = run(tmp_path / "out", judge=judge, **options)
    assert generator.requests == []
    assert len(judge.requests) == 2 * (report.judged - 5)


def test_judgements_that_fail_are_counted_and_end_no_run(tmp_path):
    report, sink, _ = run(tmp_path / "out", judge=FakeGenerator(lambda request: "no"), judge_share=1)
    assert (report.failed, report.judged) == ({}, 0)
    assert sink.manifest["judge"]["failed"] == report.samples


def test_a_generator_that_only_writes_dialogues_cannot_judge(tmp_path):
    with pytest.raises(ConfigError, match=r"--judge template: it only writes dialogues"):
        run(tmp_path / "out", judge="template")
