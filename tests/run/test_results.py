"""What a run asks and what it has, by its journal: found in one pass, and never by the order of the answers."""

import pytest
from altered import altered
from hypothesis import given, settings
from hypothesis import strategies as st

from pgen.inference.checking import RunChecks
from pgen.inference.conversation import as_turn, turns_after
from pgen.records import Annotation, Dialogue, Failure, Plan
from pgen.run.results import RunResults
from pgen.storage.journal import Journal
from pgen.testing import make_episode, make_samples

EPISODES = [make_episode(index=index) for index in range(4)]
PLANNED = [(episode, make_samples(episode)) for episode in EPISODES]
EVERY = [sample for _, samples in PLANNED for sample in samples]


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def answers_of(journal):
    return RunResults(journal, lambda: iter(PLANNED), lambda: RunChecks((), "en", len(EVERY)), False, "retry")


def answered(sample, failure=None):
    return Annotation(sample, Plan(), failure or Dialogue("Take it.", f"Sure, {sample.moment.frame_index}."))


def asked(answers):
    return [sample for group in answers.missing() for sample in group]


def test_what_was_answered_is_counted_and_the_rest_is_missing(journal):
    first, second, *_ = EVERY
    whole = PLANNED[2][1]
    journal.add([answered(first), answered(second, Failure("parse", "no")), *map(answered, whole)])
    never = [one for one in EVERY if one not in (first, second, *whole)]
    for _ in range(2):  # what the first look remembers serves once
        answers = answers_of(journal)
        assert answers.count_answered() == 1 + len(whole)
        assert asked(answers) == [*never, second]
        assert asked(answers) == [*never, second]


def fail(journal, *samples):
    journal.add([answered(sample, Failure("parse", "no")) for sample in samples])


def test_what_was_never_asked_comes_first_then_what_failed_longest_ago(journal):
    """Whatever ends a run, the next one goes on with what the others had no time for."""
    fail(journal, *EVERY[:6])
    remaining = asked(answers_of(journal))
    assert remaining == [*EVERY[6:], *EVERY[:6]]
    fail(journal, *EVERY[6:], *EVERY[:2])  # and there it ended
    assert asked(answers_of(journal)) == [*EVERY[2:6], *EVERY[:2], *EVERY[6:]]


def test_what_fails_in_a_run_is_not_asked_again_by_it(journal):
    fail(journal, EVERY[0])
    asked_about = []
    for group in answers_of(journal).missing():
        fail(journal, *group)
        asked_about += group
    assert asked_about == [*EVERY[1:], EVERY[0]]


def test_the_dataset_is_read_once_more_and_no_further_than_something_is_missing(journal):
    """However often it failed before: what is missing is known from the first look."""
    read = []

    def planned():
        for episode, samples in PLANNED:
            read.append(episode.index)
            yield episode, samples

    failing = PLANNED[1][1][0]
    journal.add([answered(sample) for sample in EVERY if sample != failing])
    for _ in range(3):
        fail(journal, failing)
        answers = RunResults(journal, planned, lambda: RunChecks((), "en", len(EVERY)), False, "retry")
        assert answers.count_answered() == len(EVERY) - 1
        read.clear()
        assert asked(answers) == [failing]
        assert read == [0, 1]


def test_conversations_without_a_failure_come_first(journal):
    """Each goes on from its first sample that is missing, in its own order."""

    def conversations():
        return RunResults(journal, lambda: iter(PLANNED), lambda: RunChecks((), "en", len(EVERY)), True, "retry")

    (_, (first, second, _)), (_, (other, *_)), *_ = PLANNED
    opening = as_turn(first, ())
    journal.add([answered(opening)])
    fail(journal, as_turn(second, turns_after([answered(opening)])), as_turn(other, ()))
    for looked in (False, True):
        answers = conversations()
        if looked:
            assert answers.count_answered() == 1
        groups = [[unsaid(sample) for sample in group] for group in answers.missing()]
        assert groups == [PLANNED[2][1], PLANNED[3][1], PLANNED[0][1][1:], PLANNED[1][1]]


def unsaid(sample):
    return altered(sample, turns=(), turn_type=None)


def test_an_answer_that_comes_meanwhile_is_not_asked_for_by_a_further_look(journal):
    answers = answers_of(journal)
    assert answers.count_answered() == 0
    assert asked(answers) == EVERY
    journal.add(map(answered, EVERY))
    assert asked(answers) == []


def test_many_are_looked_up_at_once_in_their_order(journal):
    many = [altered(EVERY[0], frame_index=number) for number in range(1203)]
    journal.add(map(answered, many[::2]))
    found = list(journal.get_all(many))
    assert found == [answered(one) if number % 2 == 0 else None for number, one in enumerate(many)]
    assert journal.unanswered(many) == many[1::2]


def test_a_sample_that_failed_after_all_is_asked_again(journal):
    first = EVERY[0]
    journal.add([answered(first)])
    assert not journal.unanswered([first])
    journal.add([answered(first, Failure("transport", "gone"))])
    assert journal.unanswered([first]) == [first]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(EVERY), st.booleans()), max_size=30), st.permutations(EVERY))
def test_unanswered_are_all_but_those_that_a_dialogue_came_of_last(tmp_path_factory, outcomes, samples):
    """Of any episodes in any order, and looked at after each answer."""
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.sqlite")
    for sample, ok in outcomes:
        journal.add([answered(sample, None if ok else Failure("parse", "no"))])
        assert journal.unanswered([sample]) == ([] if ok else [sample])
    last = dict(outcomes)
    assert journal.unanswered(samples) == [sample for sample in samples if not last.get(sample)]
    assert [found.failure is None if found else None for found in journal.get_all(samples)] == list(
        map(last.get, samples)
    )
    journal.close()
