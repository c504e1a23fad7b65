"""The rows of the language columns: their timestamps, and what is spoken at which frame."""

import json
from struct import pack, unpack

from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.labels import Labelling, frame_ranges, label
from pgen.testing import make_annotation, make_episode, make_samples
from pgen_lerobot.write.other_forms.language_rows import cells, language_rows, single_below


@given(st.floats(-1e4, 1e6))
def test_a_row_never_begins_after_the_frame_that_it_is_for(time):
    begins = single_below(time)
    assert unpack("f", pack("f", begins))[0] == begins
    assert begins <= time
    assert time - begins <= max(abs(time) * 2.0**-23, 2.0**-149)


def every_scope(episode):
    """Return an exchange of each scope that begins with the first skill, and a step for each of the others."""
    first, *others = make_samples(episode)
    opening = [altered(first, scope=scope, skills=len(others) + 1) for scope in ("episode", "phase", "standing")]
    other = altered(first, counterfactual="wait")
    return [make_annotation(sample, f"{sample.question}") for sample in (*opening, first, other, *others)]


@given(st.integers(0, 200), st.sampled_from(["hold", "once"]), st.sampled_from([0.0, 0.5]))
def test_an_exchange_is_an_event_only_at_the_frame_where_it_begins(seed, speech, silence):
    episode = make_episode(index=seed)
    annotations = every_scope(episode)
    labelling = Labelling(seed=seed, speech=speech, silence=silence)
    rows = language_rows(episode, annotations, labelling)
    expected = {
        stretch.start: stretch.annotation.dialogue.user_prompt
        for stretch in label(episode, annotations, labelling)
        if stretch.exchange and stretch.exchange.start == stretch.start
    }
    assert {frame: events[1]["content"] for frame, events in rows.events.items()} == expected
    assert 0 in expected
    assert "wait" not in json.dumps([rows.events, rows.persistent])


@st.composite
def with_gaps(draw):
    """Return an episode of two skills with gaps before, between and after them."""
    before, between, after = (draw(st.integers(0, 9)) / 10 for _ in range(3))
    second = before + 1.0 + between
    return make_episode(
        ("reach", before, before + 1.0), ("grasp", second, second + 1.0), length=round((second + 1.0 + after) * 10)
    )


@given(with_gaps(), st.integers(0, 200))
def test_persistent_rows_state_the_skills_and_never_what_a_user_says(episode, seed):
    rows = language_rows(episode, every_scope(episode), Labelling(seed=seed)).persistent
    texts = {style: [row["content"] for row in rows if row["style"] == style] for style in ("subtask", "memory")}
    plans = [row["content"] for row in rows if row["style"] == "plan"]
    assert texts == {"subtask": ["reach", "grasp"], "memory": ["Done so far: reach."]}
    assert set(plans) == {"1. reach\n2. grasp", "1. grasp"}
    assert len(rows) == 3 + len(plans)
    assert all(row["role"] == "assistant" and row["tool_calls"] is None for row in rows)


@given(with_gaps(), st.integers(0, 20), st.integers(1, 40))
def test_a_frame_after_a_skill_and_of_no_skill_has_the_rows_without_the_subtasks(episode, start, size):
    rows = language_rows(episode, every_scope(episode), Labelling())
    persistent, _ = cells(rows, start, min(start + size, len(episode.timestamps)))
    covered = {frame for frames in frame_ranges(episode) for frame in frames}
    for frame, cell in enumerate(persistent.to_pylist(), start=start):
        expected = rows.persistent if frame in covered or frame < min(covered) else without_subtasks(rows.persistent)
        assert [(row["style"], row["content"]) for row in cell] == [(r["style"], r["content"]) for r in expected]


def without_subtasks(rows):
    return [row for row in rows if row["style"] != "subtask"]
