"""The bookkeeping of an episode on its way: whatever arrives before a death, the rest is what is asked of another."""

from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.inference.conversation import after, in_turn
from pgen.records import Dialogue, Failure, Plan, Usage
from pgen.testing import make_episode, make_samples
from pgen_ray.work_items import Answer, Episode, unsaid

SAMPLES = make_samples(make_episode(*((f"step {number}", float(number), number + 1.0) for number in range(8))))


def answer(position, fails=False):
    outcome = Failure("refused", "no") if fails else Dialogue(f"Do {position}.", "Sure.")
    return Answer(1, position, Plan(), outcome, Usage(), ())


@given(st.sets(st.integers(0, 7)))
def test_what_has_not_arrived_is_left(arrived):
    episode = Episode(SAMPLES, turns=False)
    annotations = [episode.arrived(answer(position)) for position in arrived]
    assert [annotation.sample for annotation in annotations] == [SAMPLES[position] for position in arrived]
    assert episode.rest().samples == [sample for place, sample in enumerate(SAMPLES) if place not in arrived]
    assert episode.done == (len(arrived) == 8)


@given(st.lists(st.booleans(), max_size=8))
def test_a_conversation_goes_on_where_it_was_with_what_was_said(fails):
    episode, said = Episode(SAMPLES, turns=True), ()
    for position, failed in enumerate(fails):
        annotation = episode.arrived(answer(position, failed))
        assert annotation.sample == in_turn(SAMPLES[position], said)
        said = after(annotation)
    rest = episode.rest()
    assert [unsaid(sample) for sample in rest.samples] == SAMPLES[len(fails) :]
    assert not rest.samples or rest.samples[0].question.turns == said
    assert rest.deaths == 1


@given(st.sets(st.integers(0, 7)), st.integers(0, 7))
def test_later_turns_that_were_answered_after_an_open_one_failed_go_along(open_turns, first):
    journal, said = {}, ()
    for position, sample in enumerate(SAMPLES):
        annotation = Episode([altered(sample, turns=said)], turns=True).arrived(answer(0, position in open_turns))
        journal[annotation.sample] = annotation
        said = after(annotation)
        if position == first:
            group = [annotation.sample, *SAMPLES[first + 1 :]]
    given = Episode(group, turns=True).given(1, journal.get)
    answered = [position for position in range(first, 8) if position not in open_turns]
    assert [unsaid(annotation.sample) for annotation in given.known] == [SAMPLES[position] for position in answered]


def test_of_samples_that_stand_alone_nothing_goes_along():
    assert Episode(SAMPLES, turns=False).given(1, lambda sample: 1 / 0).known == ()
