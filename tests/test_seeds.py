"""Keys and seeds decide which results a journal has and what a model is sent: they never change."""

import json
from dataclasses import astuple
from hashlib import blake2b

from altered import altered
from hypothesis import assume, given
from hypothesis import strategies as st

from pgen.records import SCOPES, ClipFrame, Dialogue, Moment, Question, Sample, SpanContext
from pgen.seeds import derive, journal_key, journal_keys, sample_key, sample_seed
from pgen.testing import make_samples

indices = st.integers(0, 2**40)
moments = st.builds(Moment, frame_index=indices, timestamp=st.none() | st.floats() | st.integers(0, 10**6))
questions = st.builds(
    Question,
    variant=st.integers(0, 3),
    scope=st.sampled_from(SCOPES),
    skills=st.integers(1, 4),
    counterfactual=st.sampled_from([None, "other", "wait"]),
    speaker=st.integers(0, 2**32 - 1),
)
samples = st.builds(Sample, st.builds(SpanContext, skill_index=indices), moments, questions)
PLAIN = {
    "variant": 0,
    "scope": "step",
    "skills": 1,
    "turn_type": None,
    "turns": (),
    "about": None,
    "problem": "",
    "counterfactual": None,
    "target": None,
    "speaker": 0,
}
"""The fields of a question that no key contains, in their order."""


def encoded(value):
    return json.dumps(value, separators=(",", ":")).encode()


def key_by_json(sample):
    """Return the key as it was first defined."""
    span, moment, question = sample.span, sample.moment, sample.question
    place = span.episode_index, span.episode_id, moment.frame_index, moment.timestamp
    skills = span.skill_index, span.skill, span.history, span.future, span.task
    skills = (*skills, {"elsewhere": span.elsewhere}) if span.elsewhere else skills
    fields = [*place, *skills, moment.cameras, moment.images, *([moment.clip] if moment.clip else [])]
    fields += [{"running": moment.running}] if moment.running else []
    if further := {name: value for name, plain in PLAIN.items() if (value := getattr(question, name)) != plain}:
        fields.append({name: astuple(value) if name == "about" else value for name, value in further.items()})
    return blake2b(encoded(fields), digest_size=16).hexdigest()


@given(samples)
def test_a_key_is_the_hash_of_the_samples_json(sample):
    assert sample_key(sample) == key_by_json(sample)


@given(samples, samples, st.data())
def test_the_keys_of_a_journal_distinguish_the_samples_of_an_episode_as_their_keys_do(sample, second, data):
    part = data.draw(st.sampled_from([second.span, second.moment, second.question]))
    name = data.draw(st.sampled_from([name for name in part.__match_args__ if name != "episode_index"]))
    other = altered(sample, **{name: getattr(part, name)})
    times = {one.moment.timestamp for one in (sample, other)} - {None}
    assume(all(type(time) is float and time == time for time in times))
    assert (journal_key(sample) == journal_key(other)) == (sample_key(sample) == sample_key(other))


@given(st.lists(samples, max_size=6))
def test_the_keys_of_a_journal_are_in_the_order_of_the_frames(some):
    frames = [one.moment.frame_index for one in sorted(some, key=journal_key)]
    assert frames == sorted(frames)


@given(st.lists(samples, max_size=4), st.lists(questions | st.just(Question()), max_size=3))
def test_the_keys_of_samples_that_share_a_moment_are_those_of_each_alone(some, asked):
    listed = [Sample(one.span, one.moment, question) for one in some for question in asked]
    assert list(journal_keys(listed)) == list(map(journal_key, listed))


@given(st.integers(), st.lists(st.text() | st.integers()))
def test_a_derived_seed_is_the_hash_of_its_parts_as_json(seed, parts):
    assert derive(seed, *parts) == int.from_bytes(blake2b(encoded([seed, *parts]), digest_size=4).digest())


@given(samples)
def test_the_seed_of_a_moment_is_that_of_its_plain_sample(sample):
    assert sample_seed(7, sample) == derive(7, key_by_json(altered(sample, **PLAIN)))


def test_the_keys_of_former_samples_stay():
    sample = make_samples()[1]
    keys = {
        "65cf6c3b013096bb0e629ae6994d29bf": {"timestamp": None},
        "7dd30a1bad96939aa367fc843fa5ddb3": {"timestamp": 2},
        "97e7c42dca70c0e49c6af61ba2ade4b3": {"skill": "nimm den \u201eroten\u201c Stein \U0001f9f1"},
        "19f2344903b68341b13a0122f164932c": {"clip": (ClipFrame(3, 0.1), ClipFrame(18, 1.8))},
        "9bccfb89a33d035446637162e56520af": {"variant": 2, "turn_type": "opening"},
        "bfc99bb2595fd58c2fea95e3fbf18a3c": {"about": Dialogue("Take it.", "Sure."), "problem": "too short"},
    }
    assert {key: sample_key(altered(sample, **fields)) for key, fields in keys.items()} == {key: key for key in keys}


def test_the_scope_and_the_time_of_a_moment_give_further_keys():
    sample = make_samples()[1]
    fields = {
        "scope": "phase",
        "skills": 2,
        "counterfactual": "other",
        "target": "robot arm moves towards transparent box",
        "speaker": 7,
        "running": 1.5,
        "variant": 1,
        "elsewhere": ("robot arm picks up red lego brick",),
    }
    others = [altered(sample, **{name: value}) for name, value in fields.items()]
    for key in (sample_key, journal_key):
        assert len({key(one) for one in [sample, *others]}) == 1 + len(others)


def test_all_dialogues_of_a_moment_have_one_seed_and_another_moment_of_the_span_has_another():
    sample = make_samples()[1]
    questions = [{"scope": "phase", "skills": 2}, {"variant": 2}, {"speaker": 5}, {"counterfactual": "wait"}]
    assert {sample_seed(3, altered(sample, **fields)) for fields in questions} == {sample_seed(3, sample)}
    assert sample_seed(3, altered(sample, running=1.0)) != sample_seed(3, sample)
