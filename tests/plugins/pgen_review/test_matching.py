"""Edited spans and their dialogues: whatever the edits are, no frame has a dialogue of another skill."""

import json
from array import array
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pgen.labels import Labelling, frame_ranges, label
from pgen.records import Annotation, Dialogue, Episode, Moment, Plan, Question, Sample, Skill, SpanContext
from pgen.testing import FakeSource
from pgen_lerobot.verify import misfit
from pgen_review.added import added
from pgen_review.events import REDO, SPANS, UNDO, Event, Key
from pgen_review.fold import Fold
from pgen_review.matching import Matching
from pgen_review.reviewed import is_stale, reviewed
from pgen_review.spans import Span, problem, spans_of

FRAMES = 12
TIMES = array("d", [round(frame / 10, 3) for frame in range(FRAMES)])
NAMES = ("reach", "lift", "lift", "put")
STARTS = (1, 4, 6, 9)
"""The spans of the episode: the first frame is in none, the last span ends a frame early."""
EPISODE = Episode(
    0,
    "ep_000000",
    "move it",
    10.0,
    TIMES,
    tuple(
        Skill(name, start / 10, stop / 10) for name, (start, stop) in zip(NAMES, pairwise([*STARTS, 10.6]), strict=True)
    ),
)


def annotations() -> list[Annotation]:
    """A step dialogue at every frame, and one for two skills and one for all at each start."""
    made = []
    for place, frames in enumerate(frame_ranges(EPISODE)):
        for frame in frames:
            lasting = [("phase", min(2, 4 - place)), ("episode", 4 - place)] if frame == frames.start else []
            for scope, skills in [("step", 1), *lasting]:
                names = NAMES[:place], NAMES[place + 1 :]
                span = SpanContext(0, "ep_000000", "move it", place, NAMES[place], *names)
                moment = Moment(frame, TIMES[frame], (), (), running=round((frame - frames.start) / 10, 3))
                sample = Sample(span, moment, Question(0, scope, skills))  # type: ignore[arg-type]
                made.append(Annotation(sample, Plan(), Dialogue(f"{scope} {frame}", "yes")))
    return made


ORIGINALS = annotations()
KEYS = [Key.of(annotation) for annotation in ORIGINALS]


@st.composite
def lists(draw: Any) -> list[Span]:
    edges = draw(st.lists(st.integers(0, FRAMES), min_size=2, max_size=8, unique=True).map(sorted))
    pairs = list(pairwise(edges))
    kept = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    chosen = [pair for pair, keep in zip(pairs, kept, strict=True) if keep] or pairs[:1]
    names = st.sampled_from(["reach", "lift", "put", "fold"])
    return [Span(draw(names), *pair, failed=draw(st.booleans())) for pair in chosen]


VERDICTS = st.tuples(st.sampled_from(KEYS), st.sampled_from(["accept", "reject"]))
STEPS = st.lists(st.one_of(lists(), VERDICTS, st.sampled_from([UNDO, REDO])), max_size=10)


def extend(fold: Fold, step: Any) -> None:
    """Append the event of a step; an undo or redo without anything to turn does nothing."""
    n = len(fold.events) + 1

    def add(kind: str, key: Key | None, value: dict[str, Any]) -> None:
        event = Event(n, f"e{n}", "now", "Ada", kind, n, key, value)
        fold.add(Event.from_json(json.loads(json.dumps(event.as_json()))))

    if isinstance(step, str):
        if stack := fold.undoable if step == UNDO else fold.redoable:
            add(step, None, {"group": stack[-1]})
    elif isinstance(step, tuple):
        add(step[1], step[0], {"reason": "no"} if step[1] == "reject" else {})
    else:
        before = [span.as_json() for span in spans_of(Matching(EPISODE, fold).episode)]
        add(SPANS, Key.of_spans(0), {"before": before, "after": [span.as_json() for span in step]})


def present(fold: Fold) -> tuple[Episode, list[Annotation]]:
    matching = Matching(EPISODE, fold)
    pairs = zip(KEYS, ORIGINALS, strict=True)
    outcomes = ((key, it, reviewed(matching.adapted(it), fold.outcome(key))) for key, it in pairs)
    return matching.episode, [matching.checked(before, key, after) for key, before, after in outcomes]


@given(lists())
def test_spans_by_frames_give_skills_with_exactly_these_frames(spans):
    fold = Fold()
    extend(fold, spans)
    episode, _ = present(fold)
    assert spans_of(episode) == spans
    assert problem(spans_of(episode), FRAMES) == ""


@given(STEPS)
def test_after_any_edits_spans_are_disjoint_and_no_frame_has_a_dialogue_of_another_skill(steps):
    fold = Fold()
    for step in steps:
        extend(fold, step)
    episode, made = present(fold)
    ranges = frame_ranges(episode)
    assert problem(spans_of(episode), FRAMES) == ""
    assert [what for it in made if (what := misfit(episode, ranges, it))] == []
    for stretch in label(episode, made, Labelling()):
        if stretch.exchange:
            skill = next(span.name for span in spans_of(episode) if span.start <= stretch.start < span.stop)
            assert skill in stretch.exchange.skills
    for before, after in zip(ORIGINALS, made, strict=True):
        if not after.review:
            assert after.dialogue == before.dialogue
            assert after.sample.span.skill == before.sample.span.skill


@given(STEPS, st.sets(st.sampled_from(KEYS)))
def test_each_edited_span_without_a_sample_has_one_at_its_first_frame(steps, keys):
    fold, originals = Fold(), [it for key, it in zip(KEYS, ORIGINALS, strict=True) if key in keys]
    for step in steps:
        extend(fold, step)
    matching = Matching(EPISODE, fold)
    more = [it for it in added(matching, originals, fold, FakeSource()) if not fold.is_changed(Key.of(it))]
    frames = {key.frame for key in {*keys, *filter(fold.is_changed, fold.starts(0))}}
    without = [span for span in spans_of(matching.episode) if frames.isdisjoint(range(span.start, span.stop))]
    new = [span.start for span in without if span not in spans_of(EPISODE)]
    assert sorted(it.sample.moment.frame_index for it in more) == new
    assert not any(it.dialogue for it in more)
    for span in without:
        for it in more:
            assert it.sample.moment.frame_index != span.start or matching.adapted(it).sample.skills == (span.name,)


@given(STEPS)
def test_undo_of_everything_is_the_start(steps):
    fold = Fold()
    for step in steps:
        extend(fold, step)
    end = present(fold)
    undone = len(fold.undoable)
    for _ in range(undone):
        extend(fold, UNDO)
    assert present(fold) == (EPISODE, ORIGINALS)
    for _ in range(undone):
        extend(fold, REDO)
    assert present(fold) == end


def test_a_dialogue_is_kept_where_its_skill_goes_on_in_other_edges():
    spans = spans_of(EPISODE)
    fold = Fold()
    extend(fold, [spans[0]._replace(start=0, stop=5), spans[1]._replace(start=5), *spans[2:]])
    _, made = present(fold)
    stale = [it.sample.moment.frame_index for it in made if is_stale(it)]
    assert set(stale) == {4}


def test_turns_after_a_stale_one_are_stale_until_somebody_decides_on_them(monkeypatch):
    def as_turn(annotation):
        question = replace(annotation.sample.question, turn_type="request")
        return replace(annotation, sample=replace(annotation.sample, question=question))

    turns = [as_turn(it) for it in ORIGINALS if it.sample.question.scope == "step"]
    monkeypatch.setitem(globals(), "ORIGINALS", turns)
    monkeypatch.setitem(globals(), "KEYS", [Key.of(it) for it in turns])
    fold, spans = Fold(), spans_of(EPISODE)
    extend(fold, [spans[0], spans[1]._replace(name="fold"), *spans[2:]])
    extend(fold, (Key(0, 8, "step", 0), "accept"))
    _, made = present(fold)
    assert [it.sample.moment.frame_index for it in made if not is_stale(it)] == [1, 2, 3, 8]


def test_neighbours_of_one_name_count_once_for_the_skills_of_an_exchange():
    spans = spans_of(EPISODE)
    for change in (
        [spans[0], Span("lift", 4, 9), spans[3]],
        [spans[0]._replace(stop=2), spans[0]._replace(start=2), *spans[1:]],
    ):
        fold = Fold()
        extend(fold, change)
        episode, made = present(fold)
        assert not any(map(is_stale, made))
        whole = next(it for it in made if it.sample.question.scope == "episode")
        assert whole.sample.question.skills == len(episode.skills)
