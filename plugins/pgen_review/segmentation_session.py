"""The review of a segmentation without dialogue: spans are edited and accepted, and the queue lists episodes."""

from collections import Counter
from collections.abc import Iterable

from pgen_review.events import Key
from pgen_review.fold import Fold
from pgen_review.marks import Marks
from pgen_review.results import Review
from pgen_review.reviewed import ReviewedEpisode
from pgen_review.session import Session
from pgen_review.span_summary import STATES
from pgen_review.spans import spans_of
from pgen_review.validation import Json


class SegmentationSession(Session):
    """A session about spans alone. An item of the queue is an episode, whose key is that of its spans."""

    def summary(self, why: str = "") -> Json:
        """Return what the page shows of the review as a whole."""
        return {**super().summary(why), "segmentation": True, "can_apply": self.journal is not None}

    def item(self, number: int) -> Json:
        """Return what the queue shows of the review of an episode."""
        key = self.review.keys[number]
        conflict = self.fold.outcome(key).conflict
        return {"key": list(key), "review": self.marks.state(key), "flagged": False, "conflict": bool(conflict)}

    def _marks(self) -> Marks:
        return _EpisodeMarks(self.review, self.fold)


class _EpisodeMarks(Marks):
    """Marks the episodes of a segmentation, and counts the spans in each state."""

    def __init__(self, review: Review, fold: Fold) -> None:
        super().__init__(review, fold)
        self._states: dict[int, str] = {}
        self._spans = {index: Counter(open=len(spans_of(it.episode))) for index, it in review.episodes.items()}

    def state(self, key: Key) -> str:
        """Return the state of an episode: open, accepted or edited."""
        return self._states.get(key.episode, "open")

    def counts(self) -> dict[str, int]:
        """Return the number of spans in each state."""
        total = sum(self._spans.values(), Counter())
        return {state: total[state] for state in STATES}

    def update(self, keys: Iterable[Key]) -> None:
        """Mark the episodes whose spans changed."""
        for key in dict.fromkeys(key for key in keys if key.is_spans):
            state = ReviewedEpisode(self._review, key.episode, self._fold).state(key)
            self._states[key.episode] = state["state"]
            self._spans[key.episode] = Counter(span["review"] for span in state["spans"])
            marks = [state["state"], *(["conflict"] if state["conflict"] else [])]
            self._review.queue.mark("review", state["item"], marks)
