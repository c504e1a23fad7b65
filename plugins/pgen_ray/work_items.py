"""An episode on its way: what was given to a worker, what has come back, and what is left if the worker dies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pgen.inference.conversation import after, in_turn
from pgen.records import Annotation, Dialogue, Failure, Finding, Judgement, Plan, Sample, Turn, Usage

Known = Callable[[Sample], Annotation | None]


class Given(NamedTuple):
    """An episode as it goes to a worker, with what is known already of a conversation."""

    number: int
    samples: list[Sample]
    known: tuple[Annotation, ...] = ()


class Answer(NamedTuple):
    """What came of the sample at `position` of an episode. The sample itself is at both ends and does not travel."""

    number: int
    position: int
    plan: Plan
    outcome: Dialogue | Judgement | Failure
    usage: Usage
    checks: tuple[Finding, ...]
    known: bool = False
    """Nothing was asked: the answer came along with the episode."""


@dataclass
class Episode:
    """Samples of one episode that are answered by one worker; with `turns` one after the other."""

    samples: list[Sample]
    turns: bool
    deaths: int = 0
    """Workers that died over it."""

    def __post_init__(self) -> None:
        self._missing = set(range(len(self.samples)))
        self._said: Sequence[Turn] = self.samples[0].question.turns if self.samples else ()

    @property
    def done(self) -> bool:
        return not self._missing

    def arrived(self, answer: Answer) -> Annotation:
        """The answer with its sample, as the pipeline gave it."""
        self._missing.discard(answer.position)
        sample = self.samples[answer.position]
        if self.turns:
            sample = in_turn(sample, self._said)
        annotation = Annotation(sample, answer.plan, answer.outcome, answer.usage, answer.checks)
        if self.turns:
            self._said = after(annotation)
        return annotation

    def rest(self) -> "Episode":
        """What has not arrived, to be given to another worker after a death."""
        left = [self.samples[position] for position in sorted(self._missing)]
        if self.turns and left:
            left[0] = replace(left[0], question=replace(left[0].question, turns=tuple(self._said)))
        return Episode(left, self.turns, self.deaths + 1)

    def given(self, number: int, known: Known) -> Given:
        """As it goes to a worker. What a conversation needs of the journal goes along."""
        return Given(number, self.samples, tuple(self._known(known)) if self.turns else ())

    def _known(self, known: Known) -> list[Annotation]:
        """The later turns that were answered before, on the path on which every open turn fails once more."""
        found, said = [], self._said
        for sample in self.samples:
            annotation = known(in_turn(sample, said))
            if annotation is not None and annotation.dialogue:
                found.append(annotation)
                said = after(annotation)
        return found


def unsaid(sample: Sample) -> Sample:
    """The sample without what was said before it: how it is known at both ends."""
    return replace(sample, question=replace(sample.question, turns=(), turn_type=None))
