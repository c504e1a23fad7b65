import json
from array import array
from bisect import bisect_right
from collections import Counter
from importlib.resources import files
from itertools import chain

import pytest
from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.labels.assign import label
from pgen.labels.spans import normalize
from pgen.records import Annotation, Episode, Failure, Plan, Skill
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
    """The spans that a time may belong to; two where it lies within a hair of an edge. Written another way."""
    starts = [span.start for span in episode.skills]
    hair = min(1e-3, 0.1 / episode.fps) + 1e-9
    return {
        position
        for moment in (time - hair, time, time + hair)
        if (position := bisect_right(starts, moment) - 1) >= 0 and moment <= episode.skills[position].end + hair
    }


@given(episodes(), SAMPLERS, st.sets(st.integers(0, 50)))
def test_no_frame_carries_a_dialogue_made_for_another_skill(episode, sampler, failing):
    samples = make_samples(episode, sampler)
    annotations = [
        Annotation(sample, Plan(), Failure("parse", "no JSON")) if n in failing else make_annotation(sample)
        for n, sample in enumerate(samples)
    ]
    stretches = label(episode, annotations)
    assert list(chain.from_iterable(range(s.start, s.stop) for s in stretches)) == list(range(len(episode.timestamps)))
    for stretch in stretches:
        assert stretch.start < stretch.stop
        for frame in range(stretch.start, stretch.stop):
            if stretch.annotation:
                assert stretch.annotation.sample.span.skill_index in skill_at(episode, episode.timestamps[frame])


@given(episodes(), SAMPLERS)
def test_every_frame_of_a_span_with_an_answer_is_labelled_and_every_answer_labels_its_own_frame(episode, sampler):
    annotations = [make_annotation(sample) for sample in make_samples(episode, sampler)]
    by_frame = {frame: s.annotation for s in label(episode, annotations) for frame in range(s.start, s.stop)}
    for annotation in annotations:
        assert by_frame[annotation.sample.moment.frame_index] is annotation
    answered = {annotation.sample.span.skill_index for annotation in annotations}
    for frame, time in enumerate(episode.timestamps):
        certain = skill_at(episode, time)
        if len(certain) == 1 and certain <= answered and by_frame[frame] is None:
            (position,) = certain
            span = episode.skills[position]
            assert not span.start + 2e-3 < time < span.end - 2e-3


@given(episodes(), SAMPLERS, st.integers(2, 6), st.sets(st.integers(0, 100)))
def test_variants_share_the_frames_of_their_sample_and_never_those_of_another_skill(episode, sampler, count, failing):
    samples = [altered(one, variant=n) for one in make_samples(episode, sampler) for n in range(count)]
    annotations = [
        Annotation(one, Plan(), Failure("parse", "no JSON")) if n in failing else make_annotation(one, f"{n}")
        for n, one in enumerate(samples)
    ]
    alone = {one.sample.moment.frame_index: one for one in reversed(annotations) if one.dialogue}
    without = [(s, frame) for s in label(episode, alone.values()) for frame in range(s.start, s.stop)]
    with_variants = [(s, frame) for s in label(episode, annotations) for frame in range(s.start, s.stop)]
    assert [frame for _, frame in with_variants] == list(range(len(episode.timestamps)))
    lengths: dict[int, Counter[int]] = {}
    for (one, _), (other, _) in zip(without, with_variants, strict=True):
        assert (one.annotation is None) == (other.annotation is None)
        if one.annotation and other.annotation:
            assert one.annotation.sample.moment.frame_index == other.annotation.sample.moment.frame_index
            lengths.setdefault(one.annotation.sample.moment.frame_index, Counter())[
                other.annotation.sample.question.variant
            ] += 1
    for frame, shares in lengths.items():
        answered = sum(1 for one in annotations if one.dialogue and one.sample.moment.frame_index == frame)
        assert len(shares) == min(answered, shares.total())
        assert max(shares.values()) - min(shares.values()) <= 1


def test_which_variant_comes_first_is_left_to_what_was_said():
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
    annotations = [make_annotation(sample) for sample in make_samples(episode, Segments(interval=interval))]
    for stretch in label(episode, annotations):
        for frame in range(stretch.start, stretch.stop):
            (name,) = [name for name, start, end in spans if round(start * 30) <= frame < round(end * 30)]
            assert stretch.annotation is not None
            assert stretch.annotation.sample.span.skill == name


def test_frames_before_the_first_answer_of_a_span_take_that_one():
    episode = make_episode(("a", 0.0, 1.0), ("b", 1.0, 2.0))
    late = next(sample for sample in make_samples(episode, EveryFrame()) if sample.moment.frame_index == 15)
    stretches = label(episode, [make_annotation(late)])
    assert [(s.start, s.stop, s.annotation is not None) for s in stretches] == [(0, 10, False), (10, 20, True)]


def test_a_failed_sample_leaves_its_frames_to_the_answered_ones_of_its_span():
    episode = make_episode(("a", 0.0, 3.0), ("b", 3.0, 4.0))
    first, second, third, other = make_samples(episode, Segments(interval=1.0))
    failed = Failure("refused", "no")
    stretches = label(
        episode,
        [
            make_annotation(first),
            Annotation(second, Plan(), failed),
            make_annotation(third),
            Annotation(other, Plan(), failed),
        ],
    )
    kept = [(s.start, s.stop, s.annotation and s.annotation.sample) for s in stretches]
    assert kept == [(0, 20, first), (20, 30, third), (30, 40, None)]
