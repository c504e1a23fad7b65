"""Keys and seeds decide what is asked, and how: they stay what they always were."""

import json
from dataclasses import astuple, fields, replace
from hashlib import blake2b

from hypothesis import assume, given
from hypothesis import strategies as st

from pgen.records import Dialogue, Moment, Sample, Turn
from pgen.seeds import derive, journal_key, sample_key, sample_seed
from pgen.testing import make_samples

PLAIN = [field.name for field in fields(Sample)][:11]
FURTHER = ("variant", "turn_type", "turns", "about", "problem")

texts, indices = st.text(max_size=12), st.integers(0, 2**40)
several = st.lists(texts, max_size=4).map(tuple)
times = st.none() | st.floats() | st.integers(0, 10**6)
dialogues = st.builds(Dialogue, texts, texts, st.none() | texts, st.none() | texts)
FIELDS = {
    "episode_index": indices,
    "episode_id": texts,
    "frame_index": indices,
    "timestamp": times,
    "skill_index": indices,
    "skill_current": texts,
    "skill_history": several,
    "skill_future": several,
    "task_description": texts,
    "cameras": several,
    "images": several,
    "clip": st.lists(st.builds(Moment, indices, st.floats()), max_size=3).map(tuple),
    "variant": st.integers(0, 3),
    "turn_type": st.none() | texts,
    "turns": st.lists(st.builds(Turn, indices, texts, texts), max_size=2).map(tuple),
    "about": st.none() | dialogues,
    "problem": texts,
}
samples = st.builds(Sample, **FIELDS)


def written(value):
    return json.dumps(value, separators=(",", ":")).encode()


def key_by_json(sample):
    """The key as it was first defined."""
    said = [getattr(sample, name) for name in PLAIN] + ([sample.clip] if sample.clip else [])
    if told := {name: value for name in FURTHER if (value := getattr(sample, name))}:
        said.append({name: astuple(value) if name == "about" else value for name, value in told.items()})
    return blake2b(written(said), digest_size=16).hexdigest()


@given(samples)
def test_a_key_is_the_hash_of_the_samples_json(sample):
    assert sample_key(sample) == key_by_json(sample)


@given(samples, st.data())
def test_a_journal_tells_samples_of_an_episode_apart_as_their_keys_do(sample, data):
    name = data.draw(st.sampled_from(list(FIELDS)[1:]))
    other = replace(sample, **{name: data.draw(FIELDS[name])})
    times = {one.timestamp for one in (sample, other) if one.timestamp is not None}
    assume(all(type(time) is float and time == time for time in times))
    assert (journal_key(sample) == journal_key(other)) == (sample_key(sample) == sample_key(other))


@given(st.lists(samples, max_size=6))
def test_a_journal_keeps_samples_in_the_order_of_their_frames(some):
    frames = [one.frame_index for one in sorted(some, key=journal_key)]
    assert frames == sorted(frames)


@given(st.integers(), st.lists(texts | st.integers()))
def test_a_derived_seed_is_the_hash_of_its_parts_as_json(seed, parts):
    assert derive(seed, *parts) == int.from_bytes(blake2b(written([seed, *parts]), digest_size=4).digest())


@given(samples)
def test_the_seed_of_a_moment_is_that_of_its_plain_sample(sample):
    moment = replace(sample, variant=0, turn_type=None, turns=(), about=None, problem="")
    assert sample_seed(7, sample) == derive(7, key_by_json(moment))


def test_the_keys_of_samples_in_the_field_are_known():
    sample = make_samples()[1]
    asked = [
        replace(sample, timestamp=None),
        replace(sample, timestamp=2),
        replace(sample, skill_current="nimm den \u201eroten\u201c Stein \U0001f9f1"),
        replace(sample, clip=(Moment(3, 0.1), Moment(18, 1.8))),
        replace(sample, variant=2, turn_type="opening"),
        replace(sample, about=Dialogue("Take it.", "Sure."), problem="too short"),
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
