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
        self._starts: list[Key] = []
        """The keys of the samples that edits of spans may add, numbered behind those of the run."""
        self._added: dict[Key, int] = {}
        """The numbers of those that are there."""
        self._stale: set[Key] = set()
        self._disputed: set[int] = set()
        """The episodes whose spans people edited differently."""

    def key(self, number: int) -> Key | None:
        """Return the key of the sample with a number, None where there is none."""
        keys = self._review.keys
        if number < len(keys):
            return keys[number]
        key = self._starts[number - len(keys)] if number - len(keys) < len(self._starts) else None
        return key if key in self._added else None

    def number(self, key: Key) -> int | None:
        """Return the number of the sample with a key, None where there is none."""
        own = self._review.keys.number(key)
        return self._added.get(key) if own is None else own

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
            self._disputed = self._disputed.difference([index]).union([index] if episode.disputed else [])
            self._list_added(index, episode)
            changed |= dict.fromkeys(episode.keys if index in spans else ())
        for key in changed:
            number = self.number(key)
            if number is not None:
                self._mark(key, number)

    def _list_added(self, index: int, episode: ReviewedEpisode) -> None:
        """List the samples of an episode that edits of spans added, and no longer those that are gone."""
        queue = self._review.queue
        new = list(islice(self._fold.starts_of_spans, len(self._starts), None))
        self._starts += new
        queue.extend([Entry(key.episode, key.frame, NO_DIALOGUE, FAILED) for key in new])
        for key in self._added.keys() & set(self._fold.starts(index)).difference(episode.added):
            number = self._added.pop(key)
            queue.show(number, listed=False)
            for name in ("review", *_FACETS):
                queue.mark(name, number, ())
        for key, number in episode.added.items():
            self._added[key] = number
            queue.show(number, listed=True)
            span, has_text = episode.annotations[episode.positions[key]].sample.span, episode.has_text(key)
            values = key.scope, span.skill, span.task, *(("ok", "no") if has_text else ("no_dialogue", "yes"))
            for name, value in zip(_FACETS, values, strict=True):
                queue.mark(name, number, (value,))

    def _mark(self, key: Key, number: int) -> None:
        outcome = self._fold.outcome(key)
        disputed = key.episode in self._disputed
        marks = {"flagged": outcome.flagged, "conflict": outcome.conflict, "spans_in_conflict": disputed}
        values = [self.state(key), *(mark for mark, is_set in marks.items() if is_set)]
        self._review.queue.mark("review", number, values)
        texts = outcome.values.get("user"), outcome.values.get("robot"), outcome.reason, outcome.note
        self._review.queue.set_text(number, "\n".join(filter(None, texts)))
