"""Groups on their way: whatever arrives before a worker dies, the rest is what another one is given."""

from altered import altered
from hypothesis import given
from hypothesis import strategies as st

from pgen.inference.conversation import as_turn, turns_after
from pgen.inference.pipeline import Pipeline
from pgen.records import Annotation, Dialogue, Failure, Plan
from pgen.testing import FakeGenerator, FakeSource, make_episode, make_samples
from pgen_dialogue.prompts.seed import SeedPrompt
from pgen_ray.work_items import Group, Outcome

SAMPLES = make_samples(make_episode(*((f"step {number}", float(number), number + 1.0) for number in range(8))))


def work(turns=False):
    return Pipeline(FakeSource(), SeedPrompt(), FakeGenerator(), 0, 2, 10**6, turns=turns)


def annotated(sample, fails=False):
    outcome = Failure("refused", "no") if fails else Dialogue(f"Do {sample.moment.frame_index}.", "Sure.")
    return Annotation(sample, Plan(), outcome)


@given(st.sets(st.integers(0, 7)))
def test_items_that_have_not_finished_are_left(finished):
    items = [(sample,) for sample in SAMPLES]
    group = Group(list(items))
    for position in finished:
        group.receive(Outcome(1, position, annotated(SAMPLES[position]), last=True))
    assert group.rest(work()).items == [item for place, item in enumerate(items) if place not in finished]
    assert group.done == (len(finished) == 8)


@given(st.lists(st.booleans(), max_size=8))
def test_a_conversation_goes_on_with_its_latest_turn_and_the_dialogues_before_it(fails):
    """What was recorded of the latest moment is recalled."""
    group, turns, before = Group([list(SAMPLES)]), (), ()
    for sample, failed in zip(SAMPLES, fails, strict=False):
        before = turns
        annotation = annotated(as_turn(sample, turns), failed)
        group.receive(Outcome(1, 0, annotation, last=False))
        turns = turns_after([annotation])
    rest = group.rest(work(turns=True))
    left = [sample.moment.frame_index for sample in SAMPLES[max(len(fails) - 1, 0) :]] if len(fails) < 8 else []
    assert [[sample.moment.frame_index for sample in item] for item in rest.items] == ([left] if left else [])
    assert not left or rest.items[0][0].question.turns == before
    assert rest.deaths == 1


@given(st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_of_the_dialogues_of_a_moment_those_are_left_that_did_not_come_back(reported):
    items = [tuple(altered(sample, variant=variant) for variant in range(4)) for sample in SAMPLES[:3]]
    group = Group(list(items))
    for position, count in enumerate(reported):
        for number, sample in enumerate(items[position][:count]):
            group.receive(Outcome(1, position, annotated(sample), last=number == 3))
    assert group.rest(work()).items == [item[count:] for item, count in zip(items, reported, strict=True) if count < 4]
