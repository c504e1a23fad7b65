import json
from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from itertools import chain

import pytest
from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.labels import DEFAULT_WEIGHTS, Exchange, Labelling, Stretch, exchanges, label
from pgen.labels.spans import normalize
from pgen.records import SCOPES, Annotation, Episode, Failure, Plan, Sample, Skill
from pgen.run.planning import Planner
from pgen.testing import FakeSource, make_annotation, make_episode, make_samples
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform

EXAMPLE = json.loads(files("pgen_demo").joinpath("skills.json").read_text(encoding="utf-8"))
SAMPLERS = (
    st.builds(Segments, interval=st.none() | st.floats(0.02, 20))
    | st.builds(Interval, interval=st.floats(0.02, 20))
    | st.builds(Uniform, count=st.integers(1, 40))
    | st.just(EveryFrame())
)
WEIGHTS = st.dictionaries(st.sampled_from(SCOPES), st.floats(0, 5), min_size=1).filter(lambda it: any(it.values()))
LABELLINGS = st.builds(
    Labelling, WEIGHTS, st.sampled_from(["hold", "once"]), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 2**32 - 1)
)
FAILURE = Failure("parse", "no JSON")
STEPS = Labelling({"step": 1})


@st.composite
def episodes(draw: st.DrawFn) -> Episode:
    """Draw any rate, length and spans, gaps between them, and clocks that drift or start late."""
    fps = draw(st.floats(1, 120))
    steps = draw(st.lists(st.floats(0.3, 3.0), min_size=1, max_size=200))
    start = draw(st.sampled_from([0.0, 0.031, 1.5]))
    timestamps = array("d", [start])
    for step in steps[1:]:
        timestamps.append(timestamps[-1] + step / fps)
    edges = sorted(draw(st.lists(st.floats(0, timestamps[-1] + 1), min_size=2, max_size=12)))
    kept = draw(st.lists(st.booleans(), min_size=len(edges) - 1, max_size=len(edges) - 1))
    spans = [Skill(f"skill {n}", *edges[n : n + 2]) for n, keep in enumerate(kept) if keep]
    return Episode(0, "ep_0", "task", fps, timestamps, normalize(spans, timestamps, fps, Counter()))


@st.composite
def annotated_episodes(draw: st.DrawFn) -> tuple[Episode, list[Annotation]]:
    """Draw an episode with exchanges of every scope wherever they may begin; some samples failed."""
    episode = draw(episodes())
    annotations: list[Annotation] = []
    for sample in make_samples(episode, draw(SAMPLERS)):
        left = len(sample.span.future) + 1
        questions = [{"variant": variant} for variant in range(draw(st.integers(0, 2)))]
        if draw(st.booleans()):
            questions.append({"scope": "phase", "skills": draw(st.integers(1, left))})
        if draw(st.booleans()):
            questions += [{"scope": scope, "skills": left} for scope in ("episode", "standing")]
        if draw(st.booleans()):
            questions.append({"counterfactual": "other", "target": "something else"})
        made = (make_annotation(altered(sample, **question), f"{question}") for question in questions)
        annotations += [replace(it, outcome=FAILURE) if draw(st.integers(0, 4)) == 0 else it for it in made]
    return episode, annotations


def possible_spans(episode: Episode, time: float) -> set[int]:
    """Return the spans that a time may belong to; two within a hair of an edge. Independent of `frame_ranges`."""
    starts = [span.start for span in episode.skills]
    hair = min(1e-3, 0.1 / episode.fps) + 1e-9
    return {
        position
        for moment in (time - hair, time, time + hair)
        if (position := bisect_right(starts, moment) - 1) >= 0 and moment <= episode.skills[position].end + hair
    }


def steps(samples: list[Sample], failing: set[int] = frozenset()) -> list[Annotation]:
    """Return an annotation for each sample, a failure for those at the positions in `failing`."""
    return [
        Annotation(sample, Plan(), FAILURE) if n in failing else make_annotation(sample, f"{n}")
        for n, sample in enumerate(samples)
    ]


def by_frame(episode: Episode, stretches: list[Stretch]) -> list[Exchange | None]:
    """Return the exchange that labels each frame; checks that every frame is covered once, in order."""
    assert list(chain.from_iterable(range(s.start, s.stop) for s in stretches)) == list(range(len(episode.timestamps)))
    assert all(stretch.start < stretch.stop for stretch in stretches)
    return [stretch.exchange for stretch in stretches for _ in range(stretch.start, stretch.stop)]


@given(annotated_episodes(), LABELLINGS)
def test_a_frame_is_labelled_only_by_an_exchange_that_leads_to_its_skill(annotated, labelling):
    episode, annotations = annotated
    labels = by_frame(episode, label(episode, annotations, labelling))
    for exchange, time in zip(labels, episode.timestamps, strict=True):
        if exchange is not None:
            first = exchange.annotation.sample.span.skill_index
            covered = range(first, first + exchange.annotation.sample.question.skills)
            assert possible_spans(episode, time) & {*covered}
            assert exchange.annotation.dialogue
            assert not exchange.annotation.sample.question.counterfactual


@given(annotated_episodes(), LABELLINGS)
def test_a_frame_of_a_span_is_labelled_wherever_an_exchange_is_in_force(annotated, labelling):
    episode, annotations = annotated
    in_force = exchanges(episode, annotations)
    labels = by_frame(episode, label(episode, annotations, labelling))
    for frame, (exchange, time) in enumerate(zip(labels, episode.timestamps, strict=True)):
        now = [it for it in in_force if it.start <= frame < it.stop]
        assert exchange in now or (exchange is None and not (now and is_inside(episode, time)))


def is_inside(episode: Episode, time: float) -> bool:
    """Return whether a time lies in a span, and not within a hair of its edges."""
    return any(span.start + 2e-3 < time < span.end - 2e-3 for span in episode.skills)


@given(annotated_episodes(), LABELLINGS)
def test_the_labels_depend_on_the_results_and_the_labelling_alone(annotated, labelling):
    episode, annotations = annotated
    assert label(episode, annotations, labelling) == label(episode, list(annotations), replace(labelling))


@given(annotated_episodes(), LABELLINGS)
def test_counterfactuals_and_failures_change_no_label(annotated, labelling):
    episode, annotations = annotated
    usable = [it for it in annotations if it.dialogue and not it.sample.question.counterfactual]
    assert label(episode, annotations, labelling) == label(episode, usable, labelling)
    assert Counter(map(id, usable)) >= Counter(id(it.annotation) for it in exchanges(episode, annotations))


@given(annotated_episodes(), LABELLINGS)
def test_spoken_once_is_the_same_label_of_which_one_second_at_most_is_spoken(annotated, labelling):
    episode, annotations = annotated
    hold = label(episode, annotations, replace(labelling, speech="hold"))
    once = label(episode, annotations, replace(labelling, speech="once"))
    assert all(stretch.spoken for stretch in hold)
    assert by_frame(episode, once) == by_frame(episode, hold)
    times = episode.timestamps
    for stretch in once:
        for frame in range(stretch.start, stretch.stop) if stretch.exchange else ():
            elapsed = times[frame] - times[stretch.exchange.start]
            assert elapsed < 1.0 if stretch.spoken else elapsed > 1.0 - 0.11 / episode.fps


@given(annotated_episodes(), WEIGHTS, st.integers(0, 100))
def test_a_scope_without_weight_labels_no_frame_that_another_could(annotated, weights, seed):
    episode, annotations = annotated
    in_force = exchanges(episode, annotations)
    labels = by_frame(episode, label(episode, annotations, Labelling(weights, seed=seed)))
    for frame, exchange in enumerate(labels):
        if exchange and not weights.get(exchange.scope):
            scopes = {it.scope for it in in_force if it.start <= frame < it.stop}
            assert not any(weights.get(scope) for scope in scopes)


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


@given(episodes(), st.none() | st.floats(0.05, 20))
def test_segments_asks_at_least_once_in_every_span_that_has_a_frame(episode, interval):
    asked = {sample.span.skill_index for sample in make_samples(episode, Segments(interval=interval))}
    everywhere = {sample.span.skill_index for sample in make_samples(episode, EveryFrame())}
    assert asked == everywhere


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
