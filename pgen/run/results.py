"""What a run has asked and what came of it, read from its journal in the order of the samples.

A sample is looked up with what was said before it, and a repeated dialogue with its second asking, so that
whatever interrupts a run, it goes on as it would have. Nothing of it depends on the order of the answers.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby, repeat
from typing import NamedTuple

from pgen.inference.checking import Overview, failed, told
from pgen.inference.conversation import after, in_turn
from pgen.records import Annotation, Episode, Failure, Judgement, Sample, Turn
from pgen.seeds import derive, sample_key
from pgen.storage.journal import Journal

Planned = Iterator[tuple[Episode, list[Sample]]]


class _Look(NamedTuple):
    """What an episode lacked when it was looked at: the numbers of its failures, 0 for what was never asked."""

    oldest: int
    newest: int

    def lacks(self, after: int, upto: int) -> bool:
        """Whether it may lack something with a number between these."""
        return self.oldest <= upto and after < self.newest


_UNSEEN, _COMPLETE, _PARTLY_ASKED, _NEVER_ASKED = _Look(0, 1 << 63), _Look(0, -1), _Look(0, 0), _Look(0, 0)
"""Looks that many episodes share, told apart by identity."""

RETRIED = "retried"
"""The name by which the journal remembers up to which failure samples were asked about again."""


class Answers:
    """The answers of one run.

    `planned` gives the episodes with their samples, `overview` a new Overview. With `turns`, each sample is
    told what was said before. `on_check` is the run's option; a dialogue that the whole run shows to be wrong is
    asked about once more, unless later turns build on it.
    """

    def __init__(
        self,
        journal: Journal,
        planned: Callable[[], Planned],
        overview: Callable[[], Overview],
        turns: bool,
        on_check: str,
    ) -> None:
        self._journal, self._planned, self._overview = journal, planned, overview
        self._turns, self._on_check = turns, on_check
        self._looks: list[_Look] = []

    def answered(self) -> int:
        """How many samples have a dialogue."""
        return sum(self.look_at(samples) for _, samples in self._planned())

    def look_at(self, samples: list[Sample]) -> int:
        """How many of an episode's samples have a dialogue. Called with all episodes, it spares `missing` some work."""
        groups = list(filter(None, self._missing_of(samples)))
        missing = sum(map(len, groups))
        self._looks.append(self._look(groups, missing == len(samples)))
        return len(samples) - missing

    def _look(self, groups: list[list[Sample]], all_missing: bool) -> _Look:
        if not groups:
            return _COMPLETE
        if self._journal.holds_failures(groups[0][0].span.episode_index):
            numbers = [number for group in groups for number in self._numbers(group)]
            return _Look(min(numbers), max(numbers))
        return _NEVER_ASKED if all_missing and not self._turns else _PARTLY_ASKED

    def missing(self) -> Iterator[list[Sample]]:
        """What is to be asked still, in groups of one episode; those of a conversation in their order.

        First what was never asked, so that a run that ends of its failures has gone on by then, and so does the next
        one. Then what failed before this run, last what was asked again since it had all been; a conversation counts
        as its first sample that is missing.
        """
        looks, self._looks = self._looks, []  # what it knows is known but once
        latest = self._journal.latest
        yield from self._between(looks, -1, 0)
        if latest and (not looks or any(look.lacks(0, latest) for look in looks)):
            retried, waiting = self._journal.recall(RETRIED) or 0, False
            for group in self._between(looks, 0, retried):
                waiting = waiting or bool(group)
                yield group
            if not waiting:  # all that had failed by then was asked again since: now begins the next time round
                self._journal.remember(RETRIED, latest)
            yield from self._between(looks, retried, latest)

    def _between(self, looks: list[_Look], after: int, upto: int) -> Iterator[list[Sample]]:
        """Missing samples with a number between these. The dataset is read up to the last episode that lacks some."""
        left = sum(look.lacks(after, upto) for look in looks)
        planned = self._planned() if after < upto and (left or not looks) else ()
        for look, (_, samples) in zip(looks or repeat(_UNSEEN), planned, strict=False):
            if look.lacks(after, upto):
                yield from [samples] if look is _NEVER_ASKED else self._numbered(samples, after, upto)
                left -= 1
                if not left:
                    return

    def _numbered(self, samples: list[Sample], after: int, upto: int) -> Iterator[list[Sample]]:
        for group in filter(None, self._missing_of(samples)):
            numbers = self._numbers(group)
            if not self._turns:
                yield [sample for sample, number in zip(group, numbers, strict=True) if after < number <= upto]
            elif after < numbers[0] <= upto:
                yield group

    def _numbers(self, group: list[Sample]) -> list[int]:
        """The numbers of the failures of a group; of the first of a conversation, as which the others count."""
        return self._journal.failures(group[:1] if self._turns else group)

    def again(self) -> Iterator[list[Sample]]:
        """What is to be asked once more, once nothing is missing: each with what is wrong with its dialogue."""
        if self._turns or self._on_check == "keep":
            return
        overview = self._overview()
        for _, samples in self._planned() if overview.checks else ():
            overview.episode()
            seconds = (self._second(first, overview.examined(first)) for first in self._firsts(samples))
            if group := self._journal.unanswered([second for second in seconds if second]):
                yield group

    def read(self) -> Iterator[tuple[Episode, list[Annotation]]]:
        """Each episode with what came of its samples, checked."""
        first_view, final_view = self._overview(), self._overview()
        for episode, samples in self._planned():
            first_view.episode()
            final_view.episode()
            yield episode, [self._final(first, first_view, final_view) for first in self._firsts(samples)]

    def _missing_of(self, samples: list[Sample]) -> list[list[Sample]]:
        if not self._turns:
            return [self._journal.unanswered(samples)]
        threads = groupby(sorted(samples, key=_variant), key=_variant)
        return [self._rest(list(thread)) for _, thread in threads]

    def _rest(self, thread: list[Sample]) -> list[Sample]:
        """A conversation from its first sample without a dialogue on: what follows may build on that."""
        said: tuple[Turn, ...] = ()
        for position, sample in enumerate(thread):
            turn = in_turn(sample, said)
            annotation = self._journal.get(turn)
            if annotation is None or annotation.failure:
                return [turn, *thread[position + 1 :]]
            said = after(annotation)
        return []

    def _firsts(self, samples: list[Sample]) -> Iterator[Annotation]:
        if not self._turns:
            yield from (annotation for annotation in self._journal.get_all(samples) if annotation is not None)
            return
        said: dict[int, tuple[Turn, ...]] = {}
        for sample in samples:
            annotation = self._journal.get(in_turn(sample, said.get(sample.question.variant, ())))
            if annotation is not None:
                said[sample.question.variant] = after(annotation)
                yield annotation

    def _second(self, first: Annotation, examined: Annotation) -> Sample | None:
        """The second asking of a sample whose dialogue the whole run shows to be wrong."""
        found = examined.checks[len(first.checks) :]
        if not found:
            return None
        question = replace(first.sample.question, about=first.dialogue, problem=told(found))
        return replace(first.sample, question=question)

    def _final(self, first: Annotation, first_view: Overview, final_view: Overview) -> Annotation:
        second = None
        if not self._turns and self._on_check != "keep":
            asked = self._second(first, first_view.examined(first))
            second = self._journal.get(asked) if asked else None
        final = first
        if second is not None:
            usage = first.usage + second.usage
            final = replace(second if second.dialogue else first, sample=first.sample, usage=usage)
        final = final_view.examined(final)
        return failed(final) if final.checks and self._on_check == "fail" else final


def _variant(sample: Sample) -> int:
    return sample.question.variant


class Judgements:
    """Which of the answered samples a judge looks at, and what it says of them."""

    def __init__(self, journal: Journal, answers: Answers, share: float, seed: int) -> None:
        self._journal, self._answers = journal, answers
        self._below, self._seed = share * 2**32, seed

    def missing(self) -> Iterator[list[Sample]]:
        """What is to be judged still, in groups of one episode."""
        for _, annotations in self._read_to_judge():
            yield self._journal.unanswered([case for annotation in annotations if (case := self._case(annotation))])

    def read(self) -> Iterator[tuple[Episode, list[Annotation]]]:
        """The answers with their judgements."""
        if not self._below:
            yield from self._answers.read()
            return
        for episode, annotations in self._answers.read():
            yield episode, [self._judged(annotation) for annotation in annotations]

    def failures(self) -> Iterator[Failure]:
        """Why samples that were to be judged were not."""
        for _, annotations in self._read_to_judge():
            for annotation in annotations:
                case = self._case(annotation)
                found = self._journal.get(case) if case else None
                if found is not None and found.failure:
                    yield found.failure

    def _read_to_judge(self) -> Iterator[tuple[Episode, list[Annotation]]]:
        return self._answers.read() if self._below else iter(())

    def _case(self, annotation: Annotation) -> Sample | None:
        if annotation.dialogue is None or derive(self._seed, "judge", sample_key(annotation.sample)) >= self._below:
            return None
        question = replace(annotation.sample.question, turns=(), turn_type=None, about=annotation.dialogue)
        return replace(annotation.sample, question=question)

    def _judged(self, annotation: Annotation) -> Annotation:
        case = self._case(annotation)
        found = self._journal.get(case) if case else None
        outcome = found.outcome if found is not None else None
        return replace(annotation, judgement=outcome) if isinstance(outcome, Judgement) else annotation
