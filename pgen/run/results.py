"""The results of a run, read from its journal in the order of the samples: what is missing, and what is complete.

A sample is looked up with the turns before it, and a rejected dialogue with its second request, so that a run goes on
wherever it was interrupted. Nothing depends on the order in which results came.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import repeat
from typing import NamedTuple

from pgen.inference.checking import RunChecks, as_failure, join_reasons
from pgen.inference.conversation import as_turn, conversations, moments, turns_after
from pgen.inference.judging import round_trip
from pgen.records import Annotation, Episode, Judgement, Sample, Turn, Usage
from pgen.seeds import derive, sample_key
from pgen.storage.journal import Journal

Planned = Iterator[tuple[Episode, list[Sample]]]


class _Missing(NamedTuple):
    """What an episode lacks: the numbers of its oldest and newest failure, 0 for what was never requested."""

    oldest: int
    newest: int

    def overlaps(self, after: int, upto: int) -> bool:
        """Whether it may lack something with a number between these."""
        return self.oldest <= upto and after < self.newest


# Many episodes share these, which are told apart by identity.
_UNKNOWN, _NOTHING, _SOME, _ALL = _Missing(0, 1 << 63), _Missing(0, -1), _Missing(0, 0), _Missing(0, 0)

RETRIED = "retried"
"""The name under which the journal stores up to which failure samples were requested again."""


class RunResults:
    """`planned` returns the episodes with their samples, `run_checks` new checks of the whole run.

    With `turns`, samples are turns of conversations: of one for each episode with `several`, else of one for each
    wording. `on_check` is the run's option: a dialogue that a check of the
    whole run rejects is requested once more, unless later turns build on it.
    """

    def __init__(
        self,
        journal: Journal,
        planned: Callable[[], Planned],
        run_checks: Callable[[], RunChecks],
        turns: bool,
        on_check: str,
        several: bool = False,
    ) -> None:
        self._journal, self._planned, self._run_checks = journal, planned, run_checks
        self._turns, self._on_check, self._several = turns, on_check, several
        self._inspected: list[_Missing] = []
        self._rejected = True  # whether a check of the whole run may reject a dialogue: not once `again` had none

    def count_answered(self) -> int:
        """Return how many samples have a dialogue."""
        return sum(self.inspect(samples) for _, samples in self._planned())

    def inspect(self, samples: list[Sample]) -> int:
        """Return how many samples of an episode have a dialogue. Called for all episodes, it saves `missing` work."""
        groups = list(filter(None, self._missing_of(samples)))
        missing = sum(map(len, groups))
        self._inspected.append(self._summary(groups, missing == len(samples)))
        return len(samples) - missing

    def _summary(self, groups: list[list[Sample]], all_missing: bool) -> _Missing:
        if not groups:
            return _NOTHING
        if self._journal.holds_failures(groups[0][0].span.episode_index):
            numbers = [number for group in groups for number in self._failures(group)]
            return _Missing(min(numbers), max(numbers))
        return _ALL if all_missing and not self._turns else _SOME

    def missing(self) -> Iterator[list[Sample]]:
        """Yield the samples without a dialogue, in groups of one episode; those of a conversation in their order.

        First those that were never requested, so that a run that ends because of failures has made progress, and so
        has the next one. Then those that failed before the latest retry of all, last those that failed in it. A
        conversation counts as its first sample that is missing.
        """
        inspected, self._inspected = self._inspected, []  # valid once: the run adds results
        latest = self._journal.latest
        yield from self._between(inspected, -1, 0)
        if latest and (not inspected or any(missing.overlaps(0, latest) for missing in inspected)):
            retried, waiting = self._journal.metadata(RETRIED) or 0, False
            for group in self._between(inspected, 0, retried):
                waiting = waiting or bool(group)
                yield group
            if not waiting:  # all failures up to this number were retried: the next retry of all begins
                self._journal.set_metadata(RETRIED, latest)
            yield from self._between(inspected, retried, latest)

    def unrequested(self) -> Iterator[list[Sample]]:
        """Yield the samples without any result, in groups of one episode; of a conversation, from the first one on."""
        for _, samples in self._planned():
            groups = self._missing_of(samples, failed=False) if self._turns else self._numbered(samples, -1, 0)
            yield from filter(None, groups)

    def _between(self, inspected: list[_Missing], after: int, upto: int) -> Iterator[list[Sample]]:
        """Yield missing samples with a number between these; read up to the last episode that lacks some."""
        left = sum(missing.overlaps(after, upto) for missing in inspected)
        planned = self._planned() if after < upto and (left or not inspected) else ()
        for missing, (_, samples) in zip(inspected or repeat(_UNKNOWN), planned, strict=False):
            if missing.overlaps(after, upto):
                yield from [samples] if missing is _ALL else self._numbered(samples, after, upto)
                left -= 1
                if not left:
                    return

    def _numbered(self, samples: list[Sample], after: int, upto: int) -> Iterator[list[Sample]]:
        for group in filter(None, self._missing_of(samples)):
            numbers = self._failures(group)
            if not self._turns:
                yield [sample for sample, number in zip(group, numbers, strict=True) if after < number <= upto]
            elif after < numbers[0] <= upto:
                yield group

    def _failures(self, group: list[Sample]) -> list[int]:
        """Return the numbers of the failures of a group; of a conversation, that of its first sample."""
        return self._journal.failures(group[:1] if self._turns else group)

    def again(self) -> Iterator[list[Sample]]:
        """Yield the second requests of dialogues that a check of the whole run rejects, once nothing is missing."""
        if self._turns or self._on_check == "keep":
            return
        self._rejected = True  # until all results were seen
        checks = self._run_checks()
        for _, samples in self._planned() if checks.checks else ():
            checks.start_episode()
            requests = (self._second_request(first, checks.checked(first)) for first in self._first_results(samples))
            if group := self._journal.unanswered([request for request in requests if request]):
                yield group
        self._rejected = checks.findings > 0

    def read(self) -> Iterator[tuple[Episode, list[Annotation]]]:
        """Yield each episode with the annotations of its samples, checked."""
        first_checks, final_checks = self._run_checks(), self._run_checks()
        for episode, samples in self._planned():
            first_checks.start_episode()
            final_checks.start_episode()
            yield episode, [self._final(first, first_checks, final_checks) for first in self._first_results(samples)]

    def _missing_of(self, samples: list[Sample], *, failed: bool = True) -> list[list[Sample]]:
        if not self._turns:
            return [self._journal.unanswered(samples)]
        return [self._missing_turns(it, failed=failed) for it in conversations(samples, several=self._several)]

    def _missing_turns(self, conversation: list[Sample], *, failed: bool) -> list[Sample]:
        """Return a conversation from its first sample without a result on; with `failed`, without a dialogue."""
        turns: tuple[Turn, ...] = ()
        position = 0
        for samples in moments(conversation):
            moment = [as_turn(sample, turns) for sample in samples]
            annotations = [annotation for annotation in self._journal.get_all(moment) if annotation]
            if len(annotations) < len(moment) or (failed and any(it.failure for it in annotations)):
                return [*moment, *conversation[position + len(moment) :]]
            turns = turns_after(annotations)
            position += len(moment)
        return []

    def _first_results(self, samples: list[Sample]) -> Iterator[Annotation]:
        if not self._turns:
            yield from (annotation for annotation in self._journal.get_all(samples) if annotation is not None)
            return
        turns: dict[int, tuple[Turn, ...]] = {}
        for moment in moments(samples):
            answered: dict[int, list[Annotation]] = {}
            for sample in moment:
                variant = 0 if self._several else sample.question.variant
                annotation = self._journal.get(as_turn(sample, turns.get(variant, ())))
                if annotation is not None:
                    answered.setdefault(variant, []).append(annotation)
                    yield annotation
            turns |= {variant: turns_after(annotations) for variant, annotations in answered.items()}

    def _second_request(self, first: Annotation, checked: Annotation) -> Sample | None:
        """Return the second request of a sample whose dialogue has further findings."""
        findings = checked.checks[len(first.checks) :]
        if not findings:
            return None
        question = replace(first.sample.question, about=first.dialogue, problem=join_reasons(findings))
        return replace(first.sample, question=question)

    def _final(self, first: Annotation, first_checks: RunChecks, final_checks: RunChecks) -> Annotation:
        second = None
        if self._rejected and not self._turns and self._on_check != "keep":
            request = self._second_request(first, first_checks.checked(first))
            second = self._journal.get(request) if request else None
        final = first
        if second is not None:
            usage = first.usage + second.usage
            final = replace(second if second.dialogue else first, sample=first.sample, usage=usage)
        final = final_checks.checked(final)
        return as_failure(final) if final.checks and self._on_check == "fail" else final


class Judgements:
    """The judgements of a `share` of the dialogues."""

    def __init__(self, journal: Journal, results: RunResults, share: float, seed: int) -> None:
        self._journal, self._results = journal, results
        self._below, self._seed = share * 2**32, seed

    def missing(self) -> Iterator[list[Sample]]:
        """Yield the samples that are still to be judged, in groups of one episode."""
        for _, annotations in self._results.read() if self._below else ():
            yield self._journal.unanswered([request for request in map(self._request, annotations) if request])

    def read(self) -> Iterator[tuple[Episode, list[Annotation]]]:
        """Yield each episode with its annotations and their judgements."""
        for episode, annotations in self._results.read():
            yield episode, [self._judged(annotation) for annotation in annotations] if self._below else annotations

    def spent(self) -> tuple[int, Usage]:
        """Return how many samples that were to be judged were not, and the usage of all requests to the judge."""
        failed, usage = 0, Usage(attempts=0)
        for _, annotations in self._results.read() if self._below else ():
            for result in filter(None, map(self._result, annotations)):
                failed += result.failure is not None
                usage += result.usage
        return failed, usage

    def _request(self, annotation: Annotation) -> Sample | None:
        question = annotation.sample.question
        # A judge compares with the demonstration, which a counterfactual does not follow.
        if annotation.dialogue is None or question.counterfactual:
            return None
        if derive(self._seed, "judge", sample_key(annotation.sample)) >= self._below:
            return None
        question = replace(question, turns=(), turn_type=None, about=annotation.dialogue)
        return replace(annotation.sample, question=question)

    def _result(self, annotation: Annotation) -> Annotation | None:
        request = self._request(annotation)
        return self._journal.get(request) if request else None

    def _judged(self, annotation: Annotation) -> Annotation:
        result = self._result(annotation)
        outcome = result.outcome if result else None
        if not isinstance(outcome, Judgement):
            return annotation
        findings = annotation.checks + round_trip(annotation.sample, outcome)
        return replace(annotation, judgement=outcome, checks=findings)
