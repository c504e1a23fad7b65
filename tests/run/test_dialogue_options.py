"""Runs with checks, conversations, variants, languages and a judge: whatever the order of the answers."""

import asyncio
import json
from collections import Counter

import pytest
from hanging import HANG

from pgen.api import annotate
from pgen.components import Check
from pgen.errors import ConfigError, InterruptedRunError, PluginError, SampleError, TooManyFailuresError
from pgen.inference.judging import SCORES
from pgen.records import Finding
from pgen.testing import FakeGenerator, FakeMomentGenerator, FakeSource, MemorySink, make_episode, plain_answer
from pgen_dialogue.checks.duplicates import Duplicates
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_samplers.samplers import EveryFrame, Segments


class NoFirst(Check):
    """The first answer to a sample is never good enough."""

    name = "no-first"

    def check(self, annotation, context):
        first = "first" in annotation.dialogue.robot_utterance
        return Finding("first", "that was the first") if first else None


def said(user, robot="All right."):
    return json.dumps({"user_prompt": user, "robot_utterance": robot})


def run(out, answer=None, episodes=3, generator=None, **options):
    sink = MemorySink()
    chosen = {"sampler": Segments(), "prompt": "seed", "checks": (), "sink": sink, **options}
    generator = generator or FakeGenerator(answer)
    source = FakeSource(*(make_episode(index=index) for index in range(episodes)))
    report = annotate(source, out, generator=generator, **chosen)
    return report, sink, generator


def once_better(request):
    return said("Do it.", "second" if request.repair else "first")


def test_a_dialogue_that_a_check_finds_wrong_is_asked_for_again_with_the_reason(tmp_path):
    report, sink, generator = run(tmp_path / "out", once_better, checks=(NoFirst(),))
    assert report.findings == {}
    assert {a.dialogue.robot_utterance for a in sink.annotations} == {"second"}
    assert {r.repair.problem for r in generator.requests if r.repair} == {"that was the first"}
    assert all(a.usage.attempts == 2 for a in sink.annotations)


def test_what_is_still_wrong_after_that_is_kept_and_marked(tmp_path):
    report, sink, generator = run(tmp_path / "out", lambda request: said("Do it.", "first"), checks=(NoFirst(),))
    assert report.findings == {"first": report.samples}
    assert sink.manifest["checks"]["found"] == {"first": report.samples}
    assert {a.checks for a in sink.annotations} == {(Finding("first", "that was the first"),)}
    assert len(generator.requests) == 2 * report.samples


def test_a_second_reply_that_is_none_leaves_the_first_one_marked(tmp_path):
    answer = lambda request: "no JSON" if request.repair else said("Do it.", "first")  # noqa: E731
    report, _, _ = run(tmp_path / "out", answer, checks=(NoFirst(),))
    assert (report.failed, report.findings) == ({}, {"first": report.samples})


def test_keep_marks_at_once_and_fail_leaves_no_dialogue(tmp_path):
    answer = lambda request: said("Do it.", "first")  # noqa: E731
    report, _, generator = run(tmp_path / "kept", answer, checks=(NoFirst(),), on_check="keep")
    assert (len(generator.requests), report.findings) == (report.samples, {"first": report.samples})
    with pytest.raises(TooManyFailuresError, match=r"at check.*that was the first"):
        run(tmp_path / "failed", answer, checks=(NoFirst(),), on_check="fail")
    report, sink, _ = run(tmp_path / "failed", answer, checks=(NoFirst(),), on_check="fail", max_failures=1)
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
    """Answers in another order than it is asked, by `salt`."""

    def __init__(self, answer, salt):
        super().__init__(answer, concurrency=16)
        self._salt = salt

    async def generate(self, request):
        for _ in range(request.sample.moment.frame_index * self._salt % 23):
            await asyncio.sleep(0)
        return await super().generate(request)


def lines(sink):
    return [(a.sample, a.outcome, a.checks) for a in sink.annotations]


def parrot(request):
    """One of three requests, another one when it is told that this was said before."""
    number = request.sample.moment.frame_index % 3
    text = f"{['alpha', 'beta', 'gamma'][number]} please"
    return said(f"{text} {request.sample.moment.frame_index} indeed yes sir" if request.repair else text)


@pytest.mark.parametrize("on_check", ["retry", "keep", "fail"])
def test_duplicates_are_the_same_whatever_the_order_of_the_answers(tmp_path, on_check):
    options = {"sampler": EveryFrame(), "checks": (Duplicates(),), "on_check": on_check, "max_failures": 1}
    runs = [run(tmp_path / f"{n}", generator=Shuffled(parrot, n), **options)[1] for n in (1, 7, 12)]
    assert lines(runs[0]) == lines(runs[1]) == lines(runs[2])


def test_of_two_alike_the_later_one_is_the_duplicate_and_is_asked_for_once_more(tmp_path):
    report, sink, generator = run(tmp_path / "out", parrot, sampler=EveryFrame(), checks=(Duplicates(),), episodes=1)
    assert report.findings == {}
    again = [request for request in generator.requests if request.repair]
    assert len(again) == report.samples - 3
    assert "nearly the same request already" in again[0].repair.problem
    assert [a.dialogue.user_prompt for a in sink.annotations[:4]] == [
        "alpha please", "beta please", "gamma please", "alpha please 3 indeed yes sir",
    ]  # fmt: skip


def test_a_run_stopped_while_it_asks_once_more_goes_on_as_it_would_have(tmp_path):
    options = {"sampler": EveryFrame(), "checks": (Duplicates(),), "episodes": 2}
    _, whole, every = run(tmp_path / "whole", parrot, **options)
    seconds = 0

    def stopping(request):
        nonlocal seconds
        seconds += bool(request.repair)
        return InterruptedRunError("stopped") if seconds > 20 else parrot(request)

    with pytest.raises(InterruptedRunError):
        run(tmp_path / "out", stopping, **options)
    _, resumed, rest = run(tmp_path / "out", parrot, **options)
    assert lines(resumed) == lines(whole)
    assert 0 < len(rest.requests) <= len(every.requests) - 110


def talk(request):
    return said(f"turn {len(request.sample.question.turns)} of {request.sample.span.episode_index}")


def test_each_request_of_a_conversation_is_told_what_was_said_before(tmp_path):
    _, sink, generator = run(tmp_path / "out", talk, turns="episode", sampler=Segments(interval=1.0))
    for annotation in sink.annotations[:6]:
        turns = annotation.sample.question.turns
        assert [turn.user_prompt for turn in turns] == [f"turn {n} of 0" for n in range(len(turns))]
        (request,) = [r for r in generator.requests if r.sample == annotation.sample]
        assert all(f"User: {turn.user_prompt}" in request.prompt.context for turn in turns)
    kinds = [a.sample.question.turn_type for a in sink.annotations[:6]]
    assert kinds == ["opening", "interjection", "followup", "interjection", "followup", "interjection"]


def test_a_long_conversation_remembers_its_latest_turns(tmp_path):
    answer = lambda request: said(f"at {request.sample.moment.frame_index}")  # noqa: E731
    _, sink, _ = run(tmp_path / "out", answer, turns="episode", sampler=EveryFrame(), episodes=1)
    turns = sink.annotations[50].sample.question.turns
    assert [turn.user_prompt for turn in turns] == [f"at {frame}" for frame in range(20, 50)]


def test_episodes_are_talked_about_in_parallel_and_never_out_of_turn(tmp_path):
    class Meeting(FakeGenerator):
        async def generate(self, request):
            if not request.sample.question.turns:
                self.met += 1
                if self.met == 3:
                    self.all.set()
                await asyncio.wait_for(self.all.wait(), HANG)
            return await super().generate(request)

        async def open(self):
            self.met, self.all = 0, asyncio.Event()

    generator = Meeting(talk, concurrency=3)
    report, _, _ = run(tmp_path / "out", generator=generator, turns="episode")
    assert report.failed == {}
    for index in range(3):
        order = [len(r.sample.question.turns) for r in generator.requests if r.sample.span.episode_index == index]
        assert order == sorted(order)


def test_a_conversation_that_was_stopped_or_failed_goes_on_with_the_same_requests(tmp_path):
    options = {"turns": "episode", "sampler": Segments(interval=1.0)}
    _, whole, every = run(tmp_path / "whole", talk, **options)
    count = 0

    def shaky(request):
        nonlocal count
        count += 1
        return SampleError("transport", "gone") if count % 4 == 0 else talk(request)

    with pytest.raises(TooManyFailuresError):
        run(tmp_path / "out", shaky, max_failures=0, **options)
    _, resumed, _ = run(tmp_path / "out", talk, **options)
    assert lines(resumed) == lines(whole)
    asked = {(r.sample, r.prompt.text, r.seed) for r in every.requests}
    assert asked == {(a.sample, p, s) for a in whole.annotations for (sample, p, s) in asked if sample == a.sample}


def test_a_turn_that_was_answered_is_not_asked_again_where_its_conversation_is_the_same(tmp_path):
    never = lambda request: SampleError("refused", "no") if request.sample.moment.frame_index == 18 else talk(request)  # noqa: E731
    options = {"turns": "episode", "episodes": 1}
    with pytest.raises(TooManyFailuresError):
        run(tmp_path / "out", never, max_failures=0, generator=FakeGenerator(never, concurrency=1), **options)
    report, sink, generator = run(tmp_path / "out", never, max_failures=1, **options)
    assert [r.sample.moment.frame_index for r in generator.requests].count(0) == 0
    assert [a.dialogue is None for a in sink.annotations if a.sample.moment.frame_index == 18] == [True]
    assert len(sink.annotations) == report.samples


def test_variants_are_different_dialogues_with_different_plans_and_share_the_frames(tmp_path):
    options = {"variants": 3, "prompt": "hi-robot", "scopes": {"step": 1}}
    report, sink, _ = run(tmp_path / "out", episodes=1, **options)
    plans = {}
    for annotation in sink.annotations:
        plans.setdefault(annotation.sample.moment.frame_index, []).append(annotation.plan)
    assert all(len(set(found)) == 3 for found in plans.values())
    assert report.samples == 3 * len(plans)


def test_more_variants_keep_the_answers_there_are(tmp_path):

    def answer(request):
        return SampleError("refused", "no") if request.sample.question.variant == 1 else plain_answer(request)

    with pytest.raises(TooManyFailuresError):
        run(tmp_path / "out", answer, variants=2, max_failures=0.4)
    report, _, generator = run(tmp_path / "out", variants=3)
    asked = Counter(request.sample.question.variant for request in generator.requests)
    assert asked[1] == asked[2] == report.samples // 3
    assert 0 < report.resumed == report.samples // 3 - asked[0]


def test_another_language_is_asked_for_whatever_the_prompt(tmp_path):
    _, sink, generator = run(tmp_path / "out", language="German")
    assert all("in German" in request.prompt.text for request in generator.requests)
    assert sink.manifest["run"]["language"] == "de"


def test_a_language_that_is_none_or_that_the_generator_cannot_write_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="option language: there is no language 'Klingon'"):
        run(tmp_path / "out", language="Klingon")
    with pytest.raises(ConfigError, match="template writes English only"):
        run(tmp_path / "out", generator="template", language="de")
    assert not list(tmp_path.iterdir())


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


def test_a_judge_is_asked_about_a_seeded_share_and_its_judgements_are_stored(tmp_path):
    options = {"sampler": EveryFrame(), "judge_share": 0.25}
    judge = FakeGenerator(judged)
    report, sink, _ = run(tmp_path / "out", judge=judge, **options)
    stored = [a for a in sink.annotations if a.judgement]
    assert [is_choice(request) for request in judge.requests].count(False) == len(stored)
    assert len(judge.requests) == 2 * len(stored)
    assert len(stored) == report.judged == sink.manifest["judge"]["judged"]
    assert 0.15 < len(stored) / report.samples < 0.35
    assert all(a.dialogue.user_prompt in "".join(r.prompt.text for r in judge.requests) for a in stored)
    again = FakeGenerator(judged)
    _, second, _ = run(tmp_path / "again", judge=again, **options)
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


def test_a_run_stopped_while_it_is_judged_asks_only_for_the_other_judgements(tmp_path):
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


def test_planned_and_achieved_types_are_in_the_manifest(tmp_path):
    report, sink, _ = run(tmp_path / "out", generator="template", prompt="hi-robot")
    for kinds in sink.manifest["types"].values():
        assert sum(counts["planned"] for counts in kinds.values()) == report.samples
        assert abs(sum(counts["achieved_share"] for counts in kinds.values()) - 1) < 0.001
    wanted = Counter(a.plan.scenario_type for a in sink.annotations)
    assert {name: counts["planned"] for name, counts in sink.manifest["types"]["scenario_type"].items()} == wanted
