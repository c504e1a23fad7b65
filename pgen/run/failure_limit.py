"""How many failures end a run, and the message of such a run.

A run ends once more samples fail than `--max-failures` allows, and once nearly all of those fail that it requests: two
in a hundred of a million samples are twenty thousand, and a model that always fails should not receive that many.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pgen.errors import TooManyFailuresError
from pgen.records import Annotation, Episode
from pgen.run.manifest import Tally

FIRST = 200
"""Samples that a run requests before their share of failures counts."""

SCENE = "scene"
"""The stage of samples whose images contradict their labels: findings about the dataset, not failures of the run."""

NEARLY_ALL = 0.9
"""The share of failures that ends the run."""


@dataclass(slots=True)
class Budget:
    """The failures of one start. `allowed` is their number, `share` the value of `--max-failures`."""

    allowed: int
    share: float = 0.0
    failed: int = 0
    _requested: int = 0
    _failed_requests: int = 0

    def spend(self, annotation: Annotation) -> bool:
        """Count a finished sample; return whether the run has to end."""
        failed = annotation.failure is not None and annotation.failure.stage != SCENE
        self.failed += failed
        if annotation.usage.attempts:  # an unreadable image costs no request, and a bad video has many in a row
            self._requested += 1
            self._failed_requests += failed
        return self.failed > self.allowed or self._nearly_all

    @property
    def _nearly_all(self) -> bool:
        # Where even more failures are allowed, they end nothing.
        limit = max(NEARLY_ALL, self.share) * self._requested
        return self._requested >= FIRST and self._failed_requests >= limit and self.share < 1


def check(counts: Tally, samples: int, share: float, results: Iterable[tuple[Episode, list[Annotation]]]) -> None:
    """Raise TooManyFailuresError, which says what failed, where, and what the next run requests."""
    failed, missing = counts.failed.total() - counts.failed[SCENE], samples - counts.samples
    too_many = failed > share * samples
    if not (too_many or (failed and missing)):
        return
    stages = ", ".join(f"{count} at {stage}" for stage, count in sorted(counts.failed.items()) if stage != SCENE)
    if too_many:
        why = f"{failed} of {samples} samples failed ({stages}), more than --max-failures {share:g} allows"
    else:
        why = (
            f"{failed} of {counts.samples} samples failed ({stages}), and of the {FIRST} or more that this run "
            f"requested at least {NEARLY_ALL:.0%}; it ended there, before --max-failures {share:g} was reached"
        )
    if missing:
        order = f"requests the {missing} samples first that were not requested yet, then those that failed"
    else:
        order = "requests those that failed again, the least recently requested first"
    reasons = _reasons(results)
    reason = next(iter(reasons.values()))
    reason += "." * (not reason.endswith((".", "!", "?", "…")))  # reasons come from servers and libraries too
    raise TooManyFailuresError(
        f"{why}; nothing was written. They are in {episodes_named(reasons)}. The first reason: {reason} The results so "
        f"far are kept: the same command {order}; a larger --max-failures accepts {'these' if too_many else 'more'}."
    )


def _reasons(results: Iterable[tuple[Episode, list[Annotation]]]) -> dict[int, str]:
    """Return the first reason of each episode with failures, by its index."""
    failures = ((episode.index, annotation.failure) for episode, some in results for annotation in some)
    reasons: dict[int, str] = {}
    for index, failure in failures:
        if failure and failure.stage != SCENE:
            reasons.setdefault(index, failure.reason)
    return reasons


def episodes_named(indices: Iterable[int]) -> str:
    """Name the first two episodes by their index, and count the others."""
    episodes = list(indices)
    text, others = ", ".join(map(str, episodes[:2])), len(episodes) - 2
    if others > 0:
        text += f" and {others} other{'s' if others > 1 else ''}"
    return f"{'episode' if len(episodes) == 1 else 'episodes'} {text}"
