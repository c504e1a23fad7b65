"""Rules that hold for the labels of any episode with any exchanges."""

from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import replace

from altered import altered
from hypothesis import given
from hypothesis import strategies as st
from labelled_frames import FAILURE, by_frame

from pgen.labels import Labelling, exchanges, label
from pgen.labels.spans import normalize
from pgen.records import SCOPES, Annotation, Episode, Skill
from pgen.testing import make_annotation, make_samples
from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform

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


@given(episodes(), st.none() | st.floats(0.05, 20))
def test_segments_asks_at_least_once_in_every_span_that_has_a_frame(episode, interval):
    asked = {sample.span.skill_index for sample in make_samples(episode, Segments(interval=interval))}
    everywhere = {sample.span.skill_index for sample in make_samples(episode, EveryFrame())}
    assert asked == everywhere
