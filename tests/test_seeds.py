"""Keys and seeds decide what is asked, and how: they stay what they always were."""

import json
from dataclasses import astuple
from hashlib import blake2b

from altered import altered
from hypothesis import assume, given
from hypothesis import strategies as st

from pgen.records import ClipFrame, Dialogue, Moment, Question, Sample, SpanContext, Turn
from pgen.seeds import derive, journal_key, sample_key, sample_seed
from pgen.testing import make_samples

texts, indices = st.text(max_size=12), st.integers(0, 2**40)
several = st.lists(texts, max_size=4).map(tuple)
times = st.none() | st.floats() | st.integers(0, 10**6)
dialogues = st.builds(Dialogue, texts, texts, st.none() | texts, st.none() | texts)
SPAN = {
    "episode_index": indices,
    "episode_id": texts,
    "task": texts,
    "skill_index": indices,
    "skill": texts,
    "history": several,
    "future": several,
}
MOMENT = {
    "frame_index": indices,
    "timestamp": times,
    "cameras": several,
    "images": several,
    "clip": st.lists(st.builds(ClipFrame, indices, st.floats()), max_size=3).map(tuple),
}
QUESTION = {
    "variant": st.integers(0, 3),
    "turn_type": st.none() | texts,
    "turns": st.lists(st.builds(Turn, indices, texts, texts), max_size=2).map(tuple),
    "about": st.none() | dialogues,
    "problem": texts,
}
FIELDS = SPAN | MOMENT | QUESTION
samples = st.builds(
    Sample, st.builds(SpanContext, **SPAN), st.builds(Moment, **MOMENT), st.builds(Question, **QUESTION)
)


def written(value):
    return json.dumps(value, separators=(",", ":")).encode()


def key_by_json(sample):
    """The key as it was first defined."""
    span, moment, question = sample.span, sample.moment, sample.question
    place = span.episode_index, span.episode_id, moment.frame_index, moment.timestamp
    skills = span.skill_index, span.skill, span.history, span.future, span.task
    fields = [*place, *skills, moment.cameras, moment.images, *([moment.clip] if moment.clip else [])]
    if further := {name: value for name in QUESTION if (value := getattr(question, name))}:
        fields.append({name: astuple(value) if name == "about" else value for name, value in further.items()})
    return blake2b(written(fields), digest_size=16).hexdigest()


@given(samples)
def test_a_key_is_the_hash_of_the_samples_json(sample):
    assert sample_key(sample) == key_by_json(sample)


@given(samples, st.data())
def test_a_journal_tells_samples_of_an_episode_apart_as_their_keys_do(sample, data):
    name = data.draw(st.sampled_from([name for name in FIELDS if name != "episode_index"]))
    other = altered(sample, **{name: data.draw(FIELDS[name])})
    times = {one.moment.timestamp for one in (sample, other)} - {None}
    assume(all(type(time) is float and time == time for time in times))
    assert (journal_key(sample) == journal_key(other)) == (sample_key(sample) == sample_key(other))


@given(st.lists(samples, max_size=6))
def test_a_journal_keeps_samples_in_the_order_of_their_frames(some):
    frames = [one.moment.frame_index for one in sorted(some, key=journal_key)]
    assert frames == sorted(frames)


@given(st.integers(), st.lists(texts | st.integers()))
def test_a_derived_seed_is_the_hash_of_its_parts_as_json(seed, parts):
    assert derive(seed, *parts) == int.from_bytes(blake2b(written([seed, *parts]), digest_size=4).digest())


@given(samples)
def test_the_seed_of_a_moment_is_that_of_its_plain_sample(sample):
    moment = altered(sample, variant=0, turn_type=None, turns=(), about=None, problem="")
    assert sample_seed(7, sample) == derive(7, key_by_json(moment))


def test_the_keys_of_samples_in_the_field_are_known():
    sample = make_samples()[1]
    asked = [
        altered(sample, timestamp=None),
        altered(sample, timestamp=2),
        altered(sample, skill="nimm den \u201eroten\u201c Stein \U0001f9f1"),
        altered(sample, clip=(ClipFrame(3, 0.1), ClipFrame(18, 1.8))),
        altered(sample, variant=2, turn_type="opening"),
        altered(sample, about=Dialogue("Take it.", "Sure."), problem="too short"),
    ]
    assert [sample_key(one) for one in asked] == KNOWN


KNOWN = [
    "65cf6c3b013096bb0e629ae6994d29bf",
    "7dd30a1bad96939aa367fc843fa5ddb3",
    "97e7c42dca70c0e49c6af61ba2ade4b3",
    "19f2344903b68341b13a0122f164932c",
    "9bccfb89a33d035446637162e56520af",
    "bfc99bb2595fd58c2fea95e3fbf18a3c",
]
