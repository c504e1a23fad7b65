"""Exchanges: the frames over which each is in force, and the one that labels a frame."""

import json
from collections import Counter
from dataclasses import replace
from importlib.resources import files

import pytest
from altered import altered
from labelled_frames import FAILURE, by_frame

from pgen.labels import DEFAULT_WEIGHTS, Labelling, exchanges, label
from pgen.records import SCOPES, Annotation, Episode, Plan, Sample
from pgen.run.planning import Planner
from pgen.testing import FakeSource, make_annotation, make_episode, make_samples
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_samplers.samplers import EveryFrame, Segments

EXAMPLE = json.loads(files("pgen_demo").joinpath("skills.json").read_text(encoding="utf-8"))
STEPS = Labelling({"step": 1})


def steps(samples: list[Sample], failing: set[int] = frozenset()) -> list[Annotation]:
    """Return an annotation for each sample, a failure for those at the positions in `failing`."""
    return [
        Annotation(sample, Plan(), FAILURE) if n in failing else make_annotation(sample, f"{n}")
        for n, sample in enumerate(samples)
    ]


def every_scope(episode: Episode) -> list[Annotation]:
    """Return an exchange of each scope that begins with the first skill, and a step for the others."""
    first, *others = make_samples(episode)
    left = len(first.span.future) + 1
    opening = [altered(first, scope=scope, skills=left) for scope in ("episode", "phase", "standing")]
    return [make_annotation(sample) for sample in (*opening, first, *others)]


def test_scopes_are_drawn_by_their_weights():
    counts: Counter[str] = Counter()
    for index in range(1000):
        episode = make_episode(index=index)
        stretches = label(episode, every_scope(episode), Labelling(seed=5))
        counts.update(stretch.exchange.scope for stretch in stretches)
    total = sum(DEFAULT_WEIGHTS.values())
    assert counts.total() == 3000
    for scope, weight in DEFAULT_WEIGHTS.items():
        assert abs(counts[scope] / counts.total() - weight / total) < 0.03


def test_wordings_of_a_dialogue_are_drawn_alike_and_another_seed_draws_others():
    drawn = []
    for seed in range(2):
        counts: Counter[int] = Counter()
        for index in range(600):
            episode = make_episode(("a", 0.0, 3.0), index=index)
            (sample,) = make_samples(episode)
            wordings = [make_annotation(altered(sample, variant=variant), f"{variant}") for variant in range(3)]
            (stretch,) = label(episode, wordings, Labelling(seed=seed))
            counts[stretch.annotation.sample.question.variant] += 1
            drawn.append((seed, index, stretch.annotation.sample.question.variant))
        assert all(150 < counts[variant] < 250 for variant in range(3))
    firsts, seconds = drawn[:600], drawn[600:]
    assert sum(a[2] == b[2] for a, b in zip(firsts, seconds, strict=True)) < 300


def test_the_latest_of_two_phases_in_force_labels_the_frames():
    episode = make_episode()
    first, second, _ = make_samples(episode)
    earlier = make_annotation(altered(first, scope="phase", skills=3), "earlier")
    later = make_annotation(altered(second, scope="phase", skills=2), "later")
    stretches = label(episode, [earlier, later], Labelling())
    assert [(s.start, s.stop, s.annotation) for s in stretches] == [
        (0, 18, earlier),
        (18, 31, later),
        (31, 55, later),
    ]


def test_a_silent_span_stays_with_the_exchange_before_it():
    for index in range(50):
        episode = make_episode(index=index)
        annotations = every_scope(episode)
        first, *later = label(episode, annotations, Labelling(silence=1.0))
        lasting = first.exchange.scope != "step"
        assert all(it.exchange.scope != "step" for it in later)
        if lasting:
            assert [it.exchange for it in later] == [first.exchange] * len(later)
        assert len({id(it.annotation) for it in later}) == 1


def test_about_the_share_of_spans_is_silent():
    held = 0
    for index in range(600):
        episode = make_episode(index=index)
        first, *_ = make_samples(episode)
        opening = make_annotation(altered(first, scope="episode", skills=3), "opening")
        stretches = label(episode, [opening, *steps(make_samples(episode))], replace(STEPS, silence=0.3))
        held += sum(stretch.exchange.scope == "episode" for stretch in stretches[1:])
    assert 0.25 < held / 1200 < 0.35


def test_where_nothing_earlier_is_in_force_silence_changes_nothing():
    episode = make_episode()
    annotations = steps(make_samples(episode))
    assert label(episode, annotations, replace(STEPS, silence=1.0)) == label(episode, annotations, STEPS)


def in_force(episode: Episode, annotations: list[Annotation]) -> list[tuple[int, int, str]]:
    return [(it.start, it.stop, it.scope) for it in exchanges(episode, annotations)]


def test_each_scope_is_in_force_as_long_as_what_it_leads_to():
    episode = make_episode()
    first, second, third = make_samples(episode)
    annotations = [
        make_annotation(altered(first, scope="episode", skills=3)),
        make_annotation(altered(first, scope="standing", skills=3)),
        make_annotation(altered(second, scope="phase", skills=2)),
        *steps([first, second, third]),
    ]
    assert in_force(episode, annotations) == [
        (0, 55, "episode"),
        (0, 18, "step"),
        (0, 55, "standing"),
        (18, 55, "phase"),
        (18, 31, "step"),
        (31, 55, "step"),
    ]
    assert [len(it.skills) for it in exchanges(episode, annotations)] == [3, 1, 3, 2, 1, 1]


def test_frames_before_the_first_answer_of_a_span_have_that_step_but_no_phase_that_begins_later():
    episode = make_episode(("a", 0.0, 1.0), ("b", 1.0, 2.0))
    late = next(sample for sample in make_samples(episode, EveryFrame()) if sample.moment.frame_index == 15)
    assert in_force(episode, [make_annotation(late)]) == [(10, 20, "step")]
    assert in_force(episode, [make_annotation(altered(late, scope="phase"))]) == [(15, 20, "phase")]
    stretches = label(episode, [make_annotation(late)], Labelling())
    assert [(s.start, s.stop, s.annotation is not None) for s in stretches] == [(0, 10, False), (10, 20, True)]


def test_a_failed_sample_leaves_its_frames_to_the_exchanges_around_it():
    episode = make_episode(("a", 0.0, 3.0), ("b", 3.0, 4.0))
    first, second, third, other = make_samples(episode, Segments(interval=1.0))
    stretches = label(episode, steps([first, second, third, other], {1, 3}), STEPS)
    samples = [(s.start, s.stop, s.annotation and s.annotation.sample) for s in stretches]
    assert samples == [(0, 20, first), (20, 30, third), (30, 40, None)]
    opening = make_annotation(altered(first, scope="episode", skills=2))
    stretches = label(episode, [opening, *steps([first, second, third, other], {0, 3})], STEPS)
    samples = [(s.start, s.stop, s.annotation.sample) for s in stretches]
    assert samples == [(0, 20, second), (20, 30, third), (30, 40, opening.sample)]


def test_an_episode_whose_source_chooses_the_moments_has_no_exchanges():
    (first, *_) = make_samples()
    assert exchanges(replace(make_episode(), skills=()), [make_annotation(first)]) == []


def test_an_utterance_of_a_step_is_over_after_a_second():
    episode = make_episode(("a", 0.0, 3.0))
    stretches = label(episode, steps(make_samples(episode)), replace(STEPS, speech="once"))
    assert [(s.start, s.stop, s.spoken) for s in stretches] == [(0, 10, True), (10, 30, False)]


def test_a_result_without_scopes_is_labelled_by_its_steps():
    assert Labelling.of_run({}) == Labelling()
    run = {"scopes": {"step": 1.0}, "speech": "once", "silence": 0.5, "seed": 3}
    assert Labelling.of_run(run) == Labelling({"step": 1.0}, "once", 0.5, 3)


@pytest.mark.parametrize("number", ["0", "1"])
def test_on_the_published_example_every_frame_has_a_dialogue_that_leads_to_its_skill(number):
    spans = [(skill["name"], skill["start"], skill["end"]) for skill in EXAMPLE["episodes"][number]["skills"]]
    episode = make_episode(*spans, index=int(number), fps=30.0)
    planner = Planner(FakeSource(episode), Segments(), HiRobotPrompt(), 0, 3, DEFAULT_WEIGHTS)
    ((_, samples),) = planner.planned([episode])
    assert {sample.question.scope for sample in samples} == {*SCOPES}
    labels = by_frame(episode, label(episode, [make_annotation(sample) for sample in samples], Labelling()))
    for frame, exchange in enumerate(labels):
        (name,) = [name for name, start, end in spans if round(start * 30) <= frame < round(end * 30)]
        assert name in exchange.skills
