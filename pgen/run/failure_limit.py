"""How many failures end a run, and what is told of them.

A run ends once more samples fail than `--max-failures` allows, and once nearly all of those fail that it asks about:
of a million samples, two in a hundred are twenty thousand, which a model that always fails is not to be asked.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from pgen.errors import TooManyFailuresError
from pgen.records import Annotation, Episode
from pgen.run.manifest import Tally

FIRST = 200
"""Samples that a run asks about before the share of those that failed counts."""

NEARLY_ALL = 0.9
"""The share of them that ends the run."""

_NAMED = 2
"""Episodes that are named."""


@dataclass(slots=True)
class Budget:
    """The failures of one session. `allowed` is their number, `share` that of `--max-failures`."""

    allowed: int
    share: float = 0.0
    failed: int = 0
    _asked: int = 0
    _failed_of_asked: int = 0

    def spend(self, annotation: Annotation) -> bool:
        """Count a sample that was finished; whether the run is to end."""
        failed = annotation.failure is not None
        self.failed += failed
        if annotation.usage.attempts:  # pictures that cannot be read cost no request, and may all be of one video
            self._asked += 1
            self._failed_of_asked += failed
        return self.failed > self.allowed or self._nearly_all

    @property
    def _nearly_all(self) -> bool:
        # Where more failures than that are allowed, they end nothing.
        least = max(NEARLY_ALL, self.share) * self._asked
        return self._asked >= FIRST and self._failed_of_asked >= least and self.share < 1


def check(counted: Tally, samples: int, share: float, results: Iterable[tuple[Episode, list[Annotation]]]) -> None:
    """Raises TooManyFailuresError, with what failed, where, and what the next run does."""
    failed, missing = counted.failed.total(), samples - counted.samples
    too_many = failed > share * samples
    if not (too_many or (failed and missing)):
        return
    stages = ", ".join(f"{count} at {stage}" for stage, count in sorted(counted.failed.items()))
    if too_many:
        why = f"{failed} of {samples} samples failed ({stages}), more than --max-failures {share:g} allows"
    else:
        why = (
            f"{failed} of {counted.samples} samples failed ({stages}), and of the {FIRST} or more that this run asked "
            f"about at least {NEARLY_ALL:.0%}; it ended there, before --max-failures {share:g} was reached"
        )
    first = f"then about those that failed; a larger --max-failures accepts {'these' if too_many else 'more'}"
    if missing:
        after = f"asks first about the {missing} samples that were not asked about yet, {first}"
    else:
        after = "asks again about those that failed, the ones not asked for longest first; " + first.partition("; ")[2]
    places, reason = _places(results)
    reason += "." * (not reason.endswith((".", "!", "?", "…")))  # reasons come from servers and libraries too
    raise TooManyFailuresError(
        f"{why}; nothing was written. They are in {places}. The first reason: {reason} "
        f"The answers so far are kept: the same command {after}."
    )


def _places(results: Iterable[tuple[Episode, list[Annotation]]]) -> tuple[str, str]:
    """The episodes with failures, and the first reason."""
    failing = _failing(results)
    first, reason = next(failing)
    return episodes_named(chain([first], (index for index, _ in failing))), reason


def episodes_named(indices: Iterable[int]) -> str:
    """Episodes by their index: the first few, and how many others."""
    coming = iter(indices)
    named = list(islice(coming, _NAMED))
    others = sum(1 for _ in coming)
    text = ", ".join(map(str, named))
    if others:
        text += f" and {others} others" if others > 1 else " and 1 other"
    return f"{'episode' if len(named) + others == 1 else 'episodes'} {text}"


def _failing(results: Iterable[tuple[Episode, list[Annotation]]]) -> Iterator[tuple[int, str]]:
    for episode, annotations in results:
        if reason := next((annotation.failure.reason for annotation in annotations if annotation.failure), None):
            yield episode.index, reason
