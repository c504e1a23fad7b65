"""The marks of dialogues in the queue: the state of each, and whether it is flagged or in conflict.

A dialogue is stale where the spans of its episode were edited, and it does not lead to the present skills.
"""

from collections.abc import Iterable

from pgen_review.events import Key
from pgen_review.fold import STATES, Fold
from pgen_review.results import Review
from pgen_review.reviewed import ReviewedEpisode


class Marks:
    """Marks the dialogues of a review, whose events are in `fold`."""

    def __init__(self, review: Review, fold: Fold) -> None:
        self._review, self._fold = review, fold
        self.numbers = {key: number for number, key in enumerate(review.keys)}
        self._stale: set[Key] = set()

    def state(self, key: Key) -> str:
        """Return the state of a dialogue."""
        return "stale" if key in self._stale else self._fold.outcome(key).state

    def counts(self) -> dict[str, int]:
        """Return the number of dialogues with each mark."""
        counts = self._review.queue.counts("review")
        return {state: counts.get(state, 0) for state in (*STATES, "stale", "flagged", "conflict")}

    def update(self, keys: Iterable[Key]) -> None:
        """Mark dialogues that changed; where spans did, all dialogues of their episode."""
        changed = dict.fromkeys(keys)
        spans = {key.episode for key in changed if key.is_spans}
        for index in {key.episode for key in changed if key.is_spans or self._fold.spans(key.episode)}:
            episode = ReviewedEpisode(self._review.episodes[index], self._fold)
            self._stale = self._stale.difference(episode.keys) | episode.stale.keys()
            changed |= dict.fromkeys(episode.keys if index in spans else ())
        for key in changed:
            if not key.is_spans:
                self._mark(key)

    def _mark(self, key: Key) -> None:
        outcome = self._fold.outcome(key)
        marks = {"flagged": outcome.flagged, "conflict": outcome.conflict}
        values = [self.state(key), *(mark for mark, is_set in marks.items() if is_set)]
        self._review.queue.mark("review", self.numbers[key], values)
