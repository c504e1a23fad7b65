import json
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files
from itertools import chain

import pytest
from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.labels.assign import label
from pgen.labels.spans import normalize
from pgen.records import Annotation, Episode, Failure, Plan, Sample, Skill
from pgen.testing import make_annotation, make_episode, make_samples
from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform

EXAMPLE = json.loads(files("pgen_demo").joinpath("skills.json").read_text(encoding="utf-8"))
SAMPLERS = (
    st.builds(Segments, interval=st.floats(0.02, 20))
    | st.builds(Interval, interval=st.floats(0.02, 20))
    | st.builds(Uniform, count=st.integers(1, 40))
    | st.just(EveryFrame())
)


@st.composite
def episodes(draw: st.DrawFn) -> Episode:
    """Any rate, length and spans, gaps between them, and clocks that drift or start late."""
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


def skill_at(episode: Episode, time: float) -> set[int]:
    """Return the spans that a time may belong to; two within a hair of an edge. Independent of `frame_ranges`."""
    starts = [span.start for span in episode.skills]
    hair = min(1e-3, 0.1 / episode.fps) + 1e-9
    return {
        position
        for moment in (time - hair, time, time + hair)
        if (position := bisect_right(starts, moment) - 1) >= 0 and moment <= episode.skills[position].end + hair
    }


def annotated(samples: list[Sample], failing: set[int] = frozenset()) -> list[Annotation]:
    """Return an annotation for each sample, a failure for those at the positions in `failing`."""
    failure = Failure("parse", "no JSON")
    return [
        Annotation(sample, Plan(), failure) if n in failing else make_annotation(sample, f"{n}")
        for n, sample in enumerate(samples)
    ]


def by_frame(episode: Episode, annotations: Iterable[Annotation]) -> list[Annotation | None]:
    """Return the annotation that labels each frame; checks that every frame is covered once, in order."""
    stretches = label(episode, annotations)
    assert list(chain.from_iterable(range(s.start, s.stop) for s in stretches)) == list(range(len(episode.timestamps)))
    assert all(stretch.start < stretch.stop for stretch in stretches)
    return [stretch.annotation for stretch in stretches for _ in range(stretch.start, stretch.stop)]


@given(episodes(), SAMPLERS, st.sets(st.integers(0, 50)))
def test_no_frame_has_a_dialogue_for_another_skill(episode, sampler, failing):
    labels = by_frame(episode, annotated(make_samples(episode, sampler), failing))
    for annotation, time in zip(labels, episode.timestamps, strict=True):
        assert annotation is None or annotation.sample.span.skill_index in skill_at(episode, time)


@given(episodes(), SAMPLERS)
def test_every_frame_of_an_answered_span_is_labelled_and_every_dialogue_labels_its_own_frame(episode, sampler):
    annotations = annotated(make_samples(episode, sampler))
    labels = by_frame(episode, annotations)
    for annotation in annotations:
        assert labels[annotation.sample.moment.frame_index] is annotation
    answered = {annotation.sample.span.skill_index for annotation in annotations}
    for frame, time in enumerate(episode.timestamps):
        certain = skill_at(episode, time)
        if len(certain) == 1 and certain <= answered and labels[frame] is None:
            (position,) = certain
            span = episode.skills[position]
            assert not span.start + 2e-3 < time < span.end - 2e-3


@given(episodes(), SAMPLERS, st.integers(2, 6), st.sets(st.integers(0, 100)))
def test_variants_share_the_frames_of_their_sample_and_never_those_of_another_skill(episode, sampler, count, failing):
    moments = make_samples(episode, sampler)
    annotations = annotated([altered(one, variant=n) for one in moments for n in range(count)], failing)
    answered = Counter(one.sample.moment.frame_index for one in annotations if one.dialogue)
    single = {one.sample.moment.frame_index: one for one in reversed(annotations) if one.dialogue}
    lengths: dict[int, Counter[int]] = {}
    for one, other in zip(by_frame(episode, single.values()), by_frame(episode, annotations), strict=True):
        assert (one and one.sample.moment) == (other and other.sample.moment)
        if other:
            lengths.setdefault(other.sample.moment.frame_index, Counter())[other.sample.question.variant] += 1
    for frame, shares in lengths.items():
        assert len(shares) == min(answered[frame], shares.total())
        assert max(shares.values()) - min(shares.values()) <= 1


def test_the_order_of_variants_depends_on_their_texts_alone():
    (sample,) = make_samples(make_episode(("a", 0.0, 3.0)))
    firsts = set()
    for text in "abcdefgh":
        pair = [make_annotation(altered(sample, variant=n), f"{text} {n}") for n in range(2)]
        stretches = label(make_episode(("a", 0.0, 3.0)), pair)
        assert stretches == label(make_episode(("a", 0.0, 3.0)), pair[::-1])
        assert [(s.start, s.stop) for s in stretches] == [(0, 15), (15, 30)]
        firsts.add(stretches[0].annotation.sample.question.variant)
    assert firsts == {0, 1}


@given(episodes(), st.floats(0.05, 20))
def test_segments_asks_at_least_once_in_every_span_that_has_a_frame(episode, interval):
    asked = {sample.span.skill_index for sample in make_samples(episode, Segments(interval=interval))}
    everywhere = {sample.span.skill_index for sample in make_samples(episode, EveryFrame())}
    assert asked == everywhere


@pytest.mark.parametrize("interval", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("number", ["0", "1"])
def test_on_the_published_example_every_frame_has_a_dialogue_of_its_own_skill(number, interval):
    spans = [(skill["name"], skill["start"], skill["end"]) for skill in EXAMPLE["episodes"][number]["skills"]]
    episode = make_episode(*spans, index=int(number), fps=30.0)
    labels = by_frame(episode, annotated(make_samples(episode, Segments(interval=interval))))
    for frame, annotation in enumerate(labels):
        (name,) = [name for name, start, end in spans if round(start * 30) <= frame < round(end * 30)]
        assert annotation.sample.span.skill == name


def test_frames_before_the_first_answer_of_a_span_take_that_one():
    episode = make_episode(("a", 0.0, 1.0), ("b", 1.0, 2.0))
    late = next(sample for sample in make_samples(episode, EveryFrame()) if sample.moment.frame_index == 15)
    stretches = label(episode, [make_annotation(late)])
    assert [(s.start, s.stop, s.annotation is not None) for s in stretches] == [(0, 10, False), (10, 20, True)]


def test_a_failed_sample_leaves_its_frames_to_the_answered_ones_of_its_span():
    episode = make_episode(("a", 0.0, 3.0), ("b", 3.0, 4.0))
    first, second, third, other = make_samples(episode, Segments(interval=1.0))
    stretches = label(episode, annotated([first, second, third, other], {1, 3}))
    samples = [(s.start, s.stop, s.annotation and s.annotation.sample) for s in stretches]
    assert samples == [(0, 20, first), (20, 30, third), (30, 40, None)]
