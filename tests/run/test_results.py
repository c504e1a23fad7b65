"""The missing and the complete samples of a run: read from its journal in one pass, in the order of the samples."""

import pytest
from altered import altered
from hypothesis import given, settings
from hypothesis import strategies as st

from pgen.components import Check
from pgen.inference.checking import RunChecks
from pgen.inference.conversation import as_turn, turns_after
from pgen.records import Annotation, Dialogue, Failure, Finding, Plan
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


def results_of(journal):
    return RunResults(journal, lambda: iter(PLANNED), lambda: RunChecks((), "en", len(EVERY)), False, "retry")


def result(sample, failure=None):
    return Annotation(sample, Plan(), failure or Dialogue("Take it.", f"Sure, {sample.moment.frame_index}."))


def missing(results):
    return [sample for group in results.missing() for sample in group]


def test_completed_samples_are_counted_and_the_others_are_missing(journal):
    first, second, *_ = EVERY
    completed = PLANNED[2][1]
    journal.add([result(first), result(second, Failure("parse", "no")), *map(result, completed)])
    unrequested = [sample for sample in EVERY if sample not in (first, second, *completed)]
    for _ in range(2):  # the second iteration repeats the count without the cache
        results = results_of(journal)
        assert results.count_answered() == 1 + len(completed)
        assert missing(results) == [*unrequested, second]
        assert missing(results) == [*unrequested, second]


def fail(journal, *samples):
    journal.add([result(sample, Failure("parse", "no")) for sample in samples])


def test_samples_never_requested_come_first_then_those_that_failed_longest_ago(journal):
    """Whatever ends a run, the next one continues with the samples that earlier runs did not reach."""
    fail(journal, *EVERY[:6])
    remaining = missing(results_of(journal))
    assert remaining == [*EVERY[6:], *EVERY[:6]]
    fail(journal, *EVERY[6:], *EVERY[:2])  # the run ended here
    assert missing(results_of(journal)) == [*EVERY[2:6], *EVERY[:2], *EVERY[6:]]


def test_a_sample_that_fails_is_not_requested_again_by_the_same_run(journal):
    fail(journal, EVERY[0])
    requested = []
    for group in results_of(journal).missing():
        fail(journal, *group)
        requested += group
    assert requested == [*EVERY[1:], EVERY[0]]


def test_the_dataset_is_read_once_more_up_to_the_last_missing_sample(journal):
    """However often the sample failed before: the count has already determined what is missing."""
    read = []

    def planned():
        for episode, samples in PLANNED:
            read.append(episode.index)
            yield episode, samples

    failing = PLANNED[1][1][0]
    journal.add([result(sample) for sample in EVERY if sample != failing])
    for _ in range(3):
        fail(journal, failing)
        results = RunResults(journal, planned, lambda: RunChecks((), "en", len(EVERY)), False, "retry")
        assert results.count_answered() == len(EVERY) - 1
        read.clear()
        assert missing(results) == [failing]
        assert read == [0, 1]


def test_conversations_without_a_failure_come_first(journal):
    """Each continues with its first missing sample, in its own order."""

    def conversations():
        return RunResults(journal, lambda: iter(PLANNED), lambda: RunChecks((), "en", len(EVERY)), True, "retry")

    (_, (first, second, _)), (_, (other, *_)), *_ = PLANNED
    opening = as_turn(first, ())
    journal.add([result(opening)])
    fail(journal, as_turn(second, turns_after([result(opening)])), as_turn(other, ()))
    for counted in (False, True):
        results = conversations()
        if counted:
            assert results.count_answered() == 1
        groups = [[without_turns(sample) for sample in group] for group in results.missing()]
        assert groups == [PLANNED[2][1], PLANNED[3][1], PLANNED[0][1][1:], PLANNED[1][1]]


def without_turns(sample):
    return altered(sample, turns=(), turn_type=None)


def test_a_result_that_was_added_meanwhile_is_not_requested_again(journal):
    results = results_of(journal)
    assert results.count_answered() == 0
    assert missing(results) == EVERY
    journal.add(map(result, EVERY))
    assert missing(results) == []


def test_many_results_are_read_at_once_in_the_order_of_their_samples(journal):
    many = [altered(EVERY[0], frame_index=number) for number in range(1203)]
    journal.add(map(result, many[::2]))
    stored = list(journal.get_all(many))
    assert stored == [result(sample) if number % 2 == 0 else None for number, sample in enumerate(many)]
    assert journal.unanswered(many) == many[1::2]


def test_a_sample_that_failed_after_a_dialogue_is_requested_again(journal):
    first = EVERY[0]
    journal.add([result(first)])
    assert not journal.unanswered([first])
    journal.add([result(first, Failure("transport", "gone"))])
    assert journal.unanswered([first]) == [first]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(EVERY), st.booleans()), max_size=30), st.permutations(EVERY))
def test_samples_are_unanswered_unless_their_last_result_is_a_dialogue(tmp_path_factory, outcomes, samples):
    """For samples of any episodes in any order, after each result."""
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.sqlite")
    for sample, ok in outcomes:
        journal.add([result(sample, None if ok else Failure("parse", "no"))])
        assert journal.unanswered([sample]) == ([] if ok else [sample])
    last = dict(outcomes)
    assert journal.unanswered(samples) == [sample for sample in samples if not last.get(sample)]
    assert [stored.failure is None if stored else None for stored in journal.get_all(samples)] == list(
        map(last.get, samples)
    )
    journal.close()


class Repeated(Check):
    """A request that an earlier dialogue of the episode has."""

    name = "repeated"
    whole_run = True

    def check(self, annotation, context):
        repeated = any(it.dialogue.user_prompt == annotation.dialogue.user_prompt for it in context.earlier)
        return Finding("repeated", "it is repeated") if repeated else None


@pytest.mark.parametrize("request_of", [lambda number: "Take it.", lambda number: f"Take it, {number}."])
def test_results_are_checked_alike_before_and_after_second_requests_were_looked_for(journal, request_of):
    dialogues = [Dialogue(request_of(number), "Sure.") for number in range(len(EVERY))]
    journal.add([Annotation(sample, Plan(), it) for sample, it in zip(EVERY, dialogues, strict=True)])

    def run_checks():
        return RunChecks((Repeated(),), "en", len(EVERY))

    results = RunResults(journal, lambda: iter(PLANNED), run_checks, False, "retry")
    before = list(results.read())
    second = [sample for group in results.again() for sample in group]
    journal.add([Annotation(sample, Plan(), Dialogue("Lift it.", "Sure.")) for sample in second[:1]])
    after = list(results.read())
    changed = [
        sample for _, annotations in after for sample in annotations if sample.dialogue.user_prompt == "Lift it."
    ]
    assert len(changed) == len(second[:1])
    assert (before == after) == (not second)
