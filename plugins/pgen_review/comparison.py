"""Compare two results: a person prefers one of two dialogues of a moment, without knowing whose it is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.seeds import derive
from pgen_results.reading import Line, open_results
from pgen_review.events import PREFER, Event, Key
from pgen_review.fold import Fold
from pgen_review.journal import ReviewJournal
from pgen_review.marks import Marks
from pgen_review.random_sample import wilson
from pgen_review.results import Review
from pgen_review.reviewed import ReviewedEpisode
from pgen_review.session import Session
from pgen_review.validation import InvalidEventError, Json, Posted

THIS, OTHER, NEITHER = "this", "other", "neither"
_TEXTS = ("user", "robot", "scenario", "response")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result that another one is compared with, and its text of each moment at which both say something else.

    The seed decides which of two dialogues is shown first.
    """

    name: str
    texts: dict[Key, Json]
    seed: int

    def order(self, key: Key) -> tuple[str, str]:
        """Return whose dialogue is shown first, and second."""
        return (THIS, OTHER) if derive(self.seed, "against", *key) % 2 else (OTHER, THIS)


def compared(review: Review, against: Path, seed: int) -> Comparison:
    """Return the comparison of a result with another one. Raises InputError where they have no pair of dialogues."""
    lines = (line for stored in review.episodes.values() for line in stored.lines if line["status"] == "ok")
    own = {Key.of_line(line): (line["episode_id"], _text(line)) for line in lines}
    texts = {}
    with open_results(against) as results:
        for _, others in results.read():
            for line in (line for line in others if line["status"] == "ok"):
                episode, text = own.get(Key.of_line(line), ("", {}))
                if episode == line["episode_id"] and text != _text(line):
                    texts[Key.of_line(line)] = _text(line)
    if not texts:
        raise InputError(
            f"{review.folder} and {against} have no moment with two different dialogues; compare two results of one "
            "dataset with the same sampler."
        )
    return Comparison(against.resolve().name, texts, seed)


def win_rates(fold: Fold) -> dict[str, Json]:
    """Return by the name of the other result how often each was preferred, with the share and its interval."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for key in fold.changed():
        for name, preferred in fold.outcome(key).preferred.items():
            counts[name][preferred] += 1
    return {name: _rate(count) for name, count in sorted(counts.items())}


def _rate(count: Counter[str]) -> Json:
    decided = count[THIS] + count[OTHER]
    low, high = wilson(count[THIS], decided)
    numbers: Json = {name: count[name] for name in (THIS, OTHER, NEITHER)}
    share = round(count[THIS] / decided, 4) if decided else None
    return {**numbers, "share": share, "low": round(low, 4), "high": round(high, 4)}


class ComparedSession(Session):
    """A session that stores preferences, and returns no text that says whose a dialogue is."""

    def __init__(
        self, review: Review, events: Iterable[Event], by: str, journal: ReviewJournal, to: Comparison
    ) -> None:
        self._to = to
        super().__init__(review, events, by, journal)

    def summary(self, why: str = "") -> Json:
        """Return what the page shows of the comparison as a whole."""
        return {**super().summary(why), "against": self._to.name, "can_apply": False}

    def item(self, number: int) -> Json:
        """Return what the queue shows of a moment."""
        skill = next(facet for facet in self.review.queue.facets_of(number) if facet.startswith("skill="))
        return {**super().item(number), "text": skill.partition("=")[2]}

    def shown(self, episode: Json) -> Json:
        """Return an episode with the pairs of dialogues in their order, and without other texts."""
        own = {Key.of_line(line): line for line in self.review.episodes[episode["index"]].lines}
        samples = [
            {**sample, **dict.fromkeys(_TEXTS), "original": None, "review": self._hidden(sample["review"])}
            | {"pair": self._pair(Key(*sample["key"]), own)}
            for sample in episode["samples"]
        ]
        return {**episode, "samples": samples}

    def _pair(self, key: Key, own: Mapping[Key, Line]) -> list[Json] | None:
        if key not in self._to.texts:
            return None
        texts = {THIS: _text(own[key]), OTHER: self._to.texts[key]}
        return [texts[whose] for whose in self._to.order(key)]

    def _states(self, keys: Iterable[Key]) -> list[Json]:
        return [self._hidden(state) for state in super()._states(keys)]

    def _hidden(self, state: Json) -> Json:
        key = Key(*state["key"])
        return {**state, **dict.fromkeys(_TEXTS), "changed": [], "conflict": [], "state": self.marks.state(key)}

    def _marks(self) -> Marks:
        return _PairMarks(self.review, self.fold, self._to)

    def _value(self, event: Posted, episode: ReviewedEpisode, *, spoken: bool) -> Json:
        if event.kind in ("flag", "note"):
            return super()._value(event, episode, spoken=spoken)
        choice = event.content.get("choice")
        if event.kind != PREFER or event.key not in self._to.texts or choice not in (0, 1, 2):
            raise InvalidEventError("Two results are compared: prefer 1 or 2, or 0 for neither, where there are two.")
        prefers = self._to.order(event.key)[choice - 1] if choice else NEITHER
        return {"against": self._to.name, "prefers": prefers}


class _PairMarks(Marks):
    """Marks the moments with two dialogues: open, or accepted once a person preferred one, or neither."""

    def __init__(self, review: Review, fold: Fold, to: Comparison) -> None:
        super().__init__(review, fold)
        self._to = to
        for number, key in enumerate(review.keys):
            review.queue.mark("review", number, ("open",) if key in to.texts else ())

    def state(self, key: Key) -> str:
        """Return whether a person decided."""
        return "accepted" if self._to.name in self._fold.outcome(key).preferred else "open"

    def _list_added(self, index: int, episode: ReviewedEpisode) -> None:
        """List no sample that edits of spans added: none has two dialogues."""

    def _mark(self, key: Key, number: int) -> None:
        if key in self._to.texts:
            super()._mark(key, number)


def _text(line: Line) -> dict[str, Any]:
    return {"user": line["user_prompt"], "robot": line["robot_utterance"]}
