"""The marks of dialogues in the queue: the state of each, and whether it is flagged or in conflict.

A dialogue is stale where the spans of its episode were edited, and it does not lead to the present skills.
"""

from collections.abc import Iterable
from itertools import islice

from pgen_results.reading import FAILED
from pgen_review.added import NO_DIALOGUE
from pgen_review.events import Key
from pgen_review.fold import STATES, Fold
from pgen_review.queue import Entry
from pgen_review.results import Review
from pgen_review.reviewed import ReviewedEpisode

_FACETS = ("scope", "skill", "task", "state", "problem")
"""The facets of lines that a sample has which an edit of spans added."""


class Marks:
    """Marks the dialogues of a review, whose events are in `fold`."""

    def __init__(self, review: Review, fold: Fold) -> None:
        self._review, self._fold = review, fold
        self.numbers = {key: number for number, key in enumerate(review.keys)}
        """The number of each sample that is there."""
        self._keys = list(review.keys)
        self._stale: set[Key] = set()

    def key(self, number: int) -> Key | None:
        """Return the key of the sample with a number, None where there is none."""
        key = self._keys[number] if number < len(self._keys) else None
        return key if key in self.numbers else None

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
            episode = ReviewedEpisode(self._review, index, self._fold)
            self._stale = self._stale.difference(episode.keys) | episode.stale.keys()
            self._list_added(index, episode)
            changed |= dict.fromkeys(episode.keys if index in spans else ())
        for key in changed:
            if key in self.numbers:
                self._mark(key)

    def _list_added(self, index: int, episode: ReviewedEpisode) -> None:
        """List the samples of an episode that edits of spans added, and no longer those that are gone."""
        queue, first = self._review.queue, len(self._review.keys)
        new = list(islice(self._fold.starts_of_spans, len(self._keys) - first, None))
        self._keys += new
        queue.extend([Entry(key.episode, key.frame, (), NO_DIALOGUE, FAILED) for key in new])
        gone = [key for key in self._fold.starts(index) if self.numbers.get(key, -1) >= first]
        for key in set(gone).difference(episode.added):
            number = self.numbers.pop(key)
            queue.show(number, listed=False)
            for name in ("review", *_FACETS):
                queue.mark(name, number, ())
        for key, number in episode.added.items():
            self.numbers[key] = number
            queue.show(number, listed=True)
            span, has_text = episode.annotations[episode.positions[key]].sample.span, episode.has_text(key)
            values = key.scope, span.skill, span.task, *(("ok", "no") if has_text else ("no_dialogue", "yes"))
            for name, value in zip(_FACETS, values, strict=True):
                queue.mark(name, number, (value,))

    def _mark(self, key: Key) -> None:
        outcome = self._fold.outcome(key)
        marks = {"flagged": outcome.flagged, "conflict": outcome.conflict}
        values = [self.state(key), *(mark for mark, is_set in marks.items() if is_set)]
        self._review.queue.mark("review", self.numbers[key], values)
        texts = outcome.values.get("user"), outcome.values.get("robot"), outcome.reason, outcome.note
        self._review.queue.set_text(self.numbers[key], "\n".join(filter(None, texts)))
