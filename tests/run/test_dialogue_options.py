"""Whole runs with checks, variants, languages and planned types, whatever the order of the responses."""

import asyncio
from collections import Counter

import pytest
from dialogue_runs import lines, reply, run

from pgen.components import Check
from pgen.errors import ConfigError, InterruptedRunError, PluginError, SampleError, TooManyFailuresError
from pgen.records import Finding
from pgen.testing import FakeGenerator, plain_answer
from pgen_dialogue.checks.duplicates import Duplicates
from pgen_samplers.samplers import EveryFrame


class NoFirst(Check):
    """Rejects the first reply for each sample."""

    name = "no-first"

    def check(self, annotation, context):
        first = "first" in annotation.dialogue.robot_utterance
        return Finding("first", "that was the first") if first else None


def once_better(request):
    return reply("Do it.", "second" if request.repair else "first")


def test_a_dialogue_that_a_check_rejects_is_requested_again_with_the_reason(tmp_path):
    report, sink, generator = run(tmp_path / "out", once_better, checks=(NoFirst(),))
    assert report.findings == {}
    assert {a.dialogue.robot_utterance for a in sink.annotations} == {"second"}
    assert {r.repair.problem for r in generator.requests if r.repair} == {"that was the first"}
    assert all(a.usage.attempts == 2 for a in sink.annotations)


def test_a_dialogue_that_is_rejected_twice_is_stored_with_its_findings(tmp_path):
    report, sink, generator = run(tmp_path / "out", lambda request: reply("Do it.", "first"), checks=(NoFirst(),))
    assert report.findings == {"first": report.samples}
    assert sink.manifest["checks"]["found"] == {"first": report.samples}
    assert {a.checks for a in sink.annotations} == {(Finding("first", "that was the first"),)}
    assert len(generator.requests) == 2 * report.samples


def test_an_invalid_second_reply_leaves_the_first_one_with_its_findings(tmp_path):
    respond = lambda request: "no JSON" if request.repair else reply("Do it.", "first")  # noqa: E731
    report, _, _ = run(tmp_path / "out", respond, checks=(NoFirst(),))
    assert (report.failed, report.findings) == ({}, {"first": report.samples})


def test_keep_stores_findings_at_once_and_fail_stores_no_dialogue(tmp_path):
    respond = lambda request: reply("Do it.", "first")  # noqa: E731
    report, _, generator = run(tmp_path / "kept", respond, checks=(NoFirst(),), on_check="keep")
    assert (len(generator.requests), report.findings) == (report.samples, {"first": report.samples})
    with pytest.raises(TooManyFailuresError, match=r"at check.*that was the first"):
        run(tmp_path / "failed", respond, checks=(NoFirst(),), on_check="fail")
    report, sink, _ = run(tmp_path / "failed", respond, checks=(NoFirst(),), on_check="fail", max_failures=1)
    assert report.failed == {"check": report.samples}
    assert {a.failure.stage for a in sink.annotations} == {"check"}


def test_a_check_that_raises_ends_the_run_with_its_name(tmp_path):
    class Broken(NoFirst):
        name = "broken"

        def check(self, annotation, context):
            raise ZeroDivisionError("oh")

    with pytest.raises(PluginError, match="check broken failed: ZeroDivisionError: oh"):
        run(tmp_path / "out", checks=(Broken(),))


class Shuffled(FakeGenerator):
    """Responds in another order than that of the requests, which depends on `salt`."""

    def __init__(self, respond, salt):
        super().__init__(respond, concurrency=16)
        self._salt = salt

    async def generate(self, request):
        for _ in range(request.sample.moment.frame_index * self._salt % 23):
            await asyncio.sleep(0)
        return await super().generate(request)


def repeat(request):
    """Return one of three dialogues, and another one if the request is a repair."""
    number = request.sample.moment.frame_index % 3
    text = f"{['alpha', 'beta', 'gamma'][number]} please"
    return reply(f"{text} {request.sample.moment.frame_index} indeed yes sir" if request.repair else text)


@pytest.mark.parametrize("on_check", ["retry", "keep", "fail"])
def test_duplicates_are_the_same_whatever_the_order_of_the_responses(tmp_path, on_check):
    options = {"sampler": EveryFrame(), "checks": (Duplicates(),), "on_check": on_check, "max_failures": 1}
    runs = [run(tmp_path / f"{n}", generator=Shuffled(repeat, n), **options)[1] for n in (1, 7, 12)]
    assert lines(runs[0]) == lines(runs[1]) == lines(runs[2])


def test_the_later_of_two_similar_dialogues_is_the_duplicate_and_is_requested_again(tmp_path):
    report, sink, generator = run(tmp_path / "out", repeat, sampler=EveryFrame(), checks=(Duplicates(),), episodes=1)
    assert report.findings == {}
    repeated = [request for request in generator.requests if request.repair]
    assert len(repeated) == report.samples - 3
    assert "nearly the same request already" in repeated[0].repair.problem
    assert [a.dialogue.user_prompt for a in sink.annotations[:4]] == [
        "alpha please", "beta please", "gamma please", "alpha please 3 indeed yes sir",
    ]  # fmt: skip


def test_a_run_stopped_while_it_repeats_duplicates_has_the_same_results_when_resumed(tmp_path):
    options = {"sampler": EveryFrame(), "checks": (Duplicates(),), "episodes": 2}
    _, complete, every = run(tmp_path / "whole", repeat, **options)
    seconds = 0

    def stopping(request):
        nonlocal seconds
        seconds += bool(request.repair)
        return InterruptedRunError("stopped") if seconds > 20 else repeat(request)

    with pytest.raises(InterruptedRunError):
        run(tmp_path / "out", stopping, **options)
    _, resumed, rest = run(tmp_path / "out", repeat, **options)
    assert lines(resumed) == lines(complete)
    assert 0 < len(rest.requests) <= len(every.requests) - 110


def test_variants_are_different_dialogues_with_different_plans_and_share_the_frames(tmp_path):
    options = {"variants": 3, "prompt": "hi-robot", "scopes": {"step": 1}}
    report, sink, _ = run(tmp_path / "out", episodes=1, **options)
    plans = {}
    for annotation in sink.annotations:
        plans.setdefault(annotation.sample.moment.frame_index, []).append(annotation.plan)
    assert all(len(set(variants)) == 3 for variants in plans.values())
    assert report.samples == 3 * len(plans)


def test_more_variants_keep_the_existing_results(tmp_path):

    def respond(request):
        return SampleError("refused", "no") if request.sample.question.variant == 1 else plain_answer(request)

    with pytest.raises(TooManyFailuresError):
        run(tmp_path / "out", respond, variants=2, max_failures=0.4)
    report, _, generator = run(tmp_path / "out", variants=3)
    requested = Counter(request.sample.question.variant for request in generator.requests)
    assert requested[1] == requested[2] == report.samples // 3
    assert 0 < report.resumed == report.samples // 3 - requested[0]


def test_every_prompt_requests_the_language(tmp_path):
    _, sink, generator = run(tmp_path / "out", language="German")
    assert all("in German" in request.prompt.text for request in generator.requests)
    assert sink.manifest["run"]["language"] == "de"


def test_a_language_that_is_none_or_that_the_generator_cannot_write_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="option language: there is no language 'Klingon'"):
        run(tmp_path / "out", language="Klingon")
    with pytest.raises(ConfigError, match="template writes English only"):
        run(tmp_path / "out", generator="template", language="de")
    assert not list(tmp_path.iterdir())


def test_planned_and_achieved_types_are_in_the_manifest(tmp_path):
    report, sink, _ = run(tmp_path / "out", generator="template", prompt="hi-robot")
    for kinds in sink.manifest["types"].values():
        assert sum(counts["planned"] for counts in kinds.values()) == report.samples
        assert abs(sum(counts["achieved_share"] for counts in kinds.values()) - 1) < 0.001
    planned = Counter(a.plan.scenario_type for a in sink.annotations)
    assert {name: counts["planned"] for name, counts in sink.manifest["types"]["scenario_type"].items()} == planned
