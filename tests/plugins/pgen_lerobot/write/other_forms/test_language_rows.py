"""The rows of the language columns: their timestamps, and what is spoken at which frame."""

import json
from dataclasses import replace
from struct import pack, unpack

from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.labels import Labelling, label
from pgen.testing import make_annotation, make_episode, make_samples
from pgen_lerobot.write.other_forms.language_rows import language_rows, single_below


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


def test_once_it_is_spoken_the_prompt_stays_and_the_call_is_over():
    episode = make_episode()
    annotations = every_scope(episode)
    once = Labelling({"episode": 1}, speech="once")
    rows = [row for row in language_rows(episode, annotations, once).persistent if row["style"] in ("memory", "plan")]
    prompts = {row["timestamp"]: row["content"] for row in rows if row["style"] == "memory"}
    calls = {row["timestamp"]: row["tool_calls"] for row in rows if row["style"] == "plan"}
    begins, *later = sorted(prompts)
    assert set(prompts.values()) == {annotations[0].dialogue.user_prompt}
    assert calls[begins]
    assert min(later) <= episode.timestamps[round(episode.fps)]
    assert [calls[time] for time in later] == [None] * len(later)
    held = language_rows(episode, annotations, replace(once, speech="hold")).persistent
    assert all(row["tool_calls"] for row in held if row["style"] == "plan")
