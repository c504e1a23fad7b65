"""A review in progress: events are validated, stored and folded, one request after the other."""

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any
from uuid import uuid4

from pgen.errors import ConfigError
from pgen_dialogue.prompts import RESPONSE_TYPES, SCENARIO_TYPES
from pgen_review import random_sample
from pgen_review.belonging import held
from pgen_review.event_file import Header
from pgen_review.events import PREFER, UNDO, WRITES, Event, Key, now
from pgen_review.fold import Fold
from pgen_review.journal import ReviewJournal
from pgen_review.marks import Marks
from pgen_review.queue import LISTED
from pgen_review.results import Review
from pgen_review.reviewed import ReviewedEpisode
from pgen_review.validation import MOST, ConflictError, InvalidEventError, Json, Posted, identity, posted, value_of


class Session:
    """The review of results by one person. Any thread may call the methods.

    Without a journal the session only reads; `header` then says what the events belong to.
    """

    def __init__(
        self,
        review: Review,
        events: Iterable[Event],
        by: str,
        journal: ReviewJournal | None = None,
        header: Header | None = None,
    ) -> None:
        self.review, self.journal, self.by = review, journal, by
        self._header = header
        self.fold = Fold(events)
        self.applied = held(review.manifest, self.header)
        """The number of the last event that the dataset holds."""
        self.types = {
            "scenario": tuple(dict.fromkeys([*SCENARIO_TYPES, *review.queue.counts("scenario")])),
            "response": tuple(dict.fromkeys([*RESPONSE_TYPES, *review.queue.counts("response")])),
        }
        self._lock = Lock()
        self.marks = self._marks()
        self.marks.update(self.fold.keys())
        for number in random_sample.choose(review, *self.sample) if self.sample else ():
            review.queue.mark("sample", number, ("yes",))

    @property
    def header(self) -> Header | None:
        """What the events belong to; None where there is no review."""
        return self.journal.header if self.journal else self._header

    @property
    def sample(self) -> tuple[int, int] | None:
        """The size and the seed of the random sample."""
        return self.header.sample if self.header else None

    def store(self, body: Any) -> Json:
        """Store the events of a request, all or none, and return the states of their dialogues.

        Raises InvalidEventError, ConflictError or StorageError.
        """
        with self._lock:
            journal = self.writable(body)
            sent = body.get("events")
            if not isinstance(sent, list) or not 1 <= len(sent) <= MOST:
                raise InvalidEventError(f"`events` must be a list of 1 to {MOST:,} events.")
            wanted = [posted(content) for content in sent]
            self._check_keys(event.key for event in wanted)
            keys = list(dict.fromkeys(event.key for event in wanted))
            new = list({event.id: event for event in wanted if not self.fold.has(event.id)}.values())
            self._check_bases(new)
            self._append(journal, self._events(new))
            return self._answer(keys)

    def record(self, kind: str, values: Mapping[Key, Json]) -> None:
        """Store an event of this kind for each of the dialogues, as a group. Raises StorageError or ConfigError."""
        if self.journal is None:
            raise ConfigError(f"{self.review.folder} is opened to be read alone; leave out --read-only.")
        with self._lock:
            group = len(self.fold.events) + 1
            episodes = self._episodes(values)
            events = [
                Event(n, str(uuid4()), now(), self.by, kind, group, key, value, episodes[key.episode].about(key))
                for n, (key, value) in enumerate(values.items(), group)
            ]
            self._append(self.journal, events)

    def _check_keys(self, keys: Iterable[Key]) -> None:
        """Raise InvalidEventError where there is no such dialogue or episode, or spans are named twice."""
        names = list(keys)
        for key in names:
            if key.is_spans and names.count(key) > 1:
                raise InvalidEventError("A request may edit the spans of an episode once.")
            if self.marks.number(key) is None and not (key.is_spans and key.episode in self.review.episodes):
                raise InvalidEventError(f"There is no dialogue {list(key)}.")

    def turn(self, kind: str, body: Any) -> Json:
        """Undo or redo the group that is on top, which the client names. Raises as `store` does."""
        with self._lock:
            journal, name = self.writable(body), identity(body)
            group = body.get("n")
            if not self.fold.has(name):
                stack = self.fold.undoable if kind == UNDO else self.fold.redoable
                if not stack or stack[-1] != group:
                    reason = f"Something else is to be {'undone' if kind == UNDO else 'redone'} by now."
                    raise ConflictError(reason, states=[], **self._position())
                number = len(self.fold.events) + 1
                value = {"group": group}
                self._append(journal, [Event(number, name, now(), self.by, kind, number, None, value)])
            else:
                journal.flush()
                group = next(event.value["group"] for event in self.fold.events if event.id == name)
            return self._answer(self.fold.of_group(group))

    def since(self, number: int) -> Json:
        """Return the states of the dialogues that changed after an event."""
        with self._lock:
            return {**self._answer(self.fold.keys(number)), "applied": self.applied}

    def summary(self, why: str = "") -> Json:
        """Return what the page shows of the review as a whole; `why` says why nothing can be changed."""
        with self._lock:
            sample = self.sample
            return {
                "read_only": self.journal is None,
                "why": why,
                "journal": self.journal.header.journal if self.journal else None,
                "base": len(self.fold.events),
                "applied": self.applied,
                "by": self.by,
                "undo": _last(self.fold.undoable),
                "redo": _last(self.fold.redoable),
                "counts": self.marks.counts(),
                "sample": random_sample.estimate(self.review, self.fold, *sample).as_json() if sample else None,
                "can_apply": self.journal is not None and (self.review.folder / "meta/info.json").is_file(),
                "types": {name: list(types) for name, types in self.types.items()},
                "skills": self.review.skill_names()[:LISTED],
            }

    def rejected(self) -> dict[Key, str]:
        """Return the dialogues that are rejected, each with the reason."""
        with self._lock:
            outcomes = {key: self.fold.outcome(key) for key in self.fold.changed()}
        return {key: outcome.reason for key, outcome in outcomes.items() if outcome.state == "rejected"}

    def number(self, key: Key) -> int | None:
        """Return the number of the sample that a dialogue belongs to, None for no dialogue of this result."""
        return self.marks.number(key)

    def episode(self, index: int) -> ReviewedEpisode:
        """Return an episode as it is now."""
        with self._lock:
            return self._episodes([Key(index, 0, "", 0)])[index]

    def writable(self, body: Any) -> ReviewJournal:
        """Return the journal that a request names. Raises InvalidEventError or ConflictError."""
        if self.journal is None:
            raise InvalidEventError("This review is read-only: nothing can be changed.")
        if not isinstance(body, dict):
            raise InvalidEventError("Send a JSON object.")
        if body.get("journal") != self.journal.header.journal:
            raise ConflictError("This edit belongs to the review of another result; it was not stored.", states=[])
        return self.journal

    def shown(self, episode: Json) -> Json:
        """Return an episode as the page may show it."""
        return episode

    def item(self, number: int) -> Json:
        """Return what the queue shows of the review of a sample."""
        key = self.marks.key(number)
        if key is None:  # gone since the queue was filtered
            return {}
        outcome = self.fold.outcome(key)
        item: Json = {
            "key": list(key),
            "review": self.marks.state(key),
            "flagged": outcome.flagged,
            "conflict": bool(outcome.conflict),
        }
        return {**item, "text": outcome.values["user"]} if "user" in outcome.values else item

    def _check_bases(self, events: list[Posted]) -> None:
        late = {event.key: None for event in events if self.fold.number(event.key) != event.base}
        if late:
            what = "spans" if any(key.is_spans for key in late) else "dialogue"
            reason = f"The {what} changed meanwhile; nothing was stored."
            raise ConflictError(reason, states=self._states(late), **self._position())

    def _events(self, wanted: list[Posted]) -> list[Event]:
        group = len(self.fold.events) + 1
        episodes = self._episodes(event.key for event in wanted)
        written: set[Key] = set()
        events = []
        for number, event in enumerate(wanted, group):
            episode = episodes[event.key.episode]
            written |= {event.key} if event.kind in WRITES else set()
            spoken = event.key.is_spans or event.key in written or episode.has_text(event.key)
            value = self._value(event, episode, spoken=spoken)
            about = episode.about(event.key)
            events.append(Event(number, event.id, now(), self.by, event.kind, group, event.key, value, about))
        return events

    def _marks(self) -> Marks:
        return Marks(self.review, self.fold)

    def _value(self, event: Posted, episode: ReviewedEpisode, *, spoken: bool) -> Json:
        if event.kind == PREFER:
            raise InvalidEventError("No results are compared; start pgen review with --against.")
        return value_of(event, episode, self.types, spoken=spoken)

    def _append(self, journal: ReviewJournal, events: list[Event]) -> None:
        try:
            if events:
                journal.append(events)
            else:
                journal.flush()
        finally:  # events that are stored count, also where the second copy failed
            changed: list[Key] = []
            for event in journal.events[len(self.fold.events) :]:
                self.fold.add(event)
                changed += [event.key] if event.key else self.fold.of_group(event.value["group"])
            self.marks.update(changed)

    def _states(self, keys: Iterable[Key]) -> list[Json]:
        wanted = list(keys)
        episodes = self._episodes(wanted)
        return [episodes[key.episode].state(key) for key in wanted if episodes[key.episode].has(key)]

    def _episodes(self, keys: Iterable[Key]) -> dict[int, ReviewedEpisode]:
        indices = {key.episode for key in keys}
        return {index: ReviewedEpisode(self.review, index, self.fold) for index in indices}

    def _position(self) -> Mapping[str, int | None]:
        fold = self.fold
        return {"n": len(fold.events), "undo": _last(fold.undoable), "redo": _last(fold.redoable)}

    def _answer(self, keys: Iterable[Key]) -> Json:
        return {**self._position(), "states": self._states(keys), "counts": self.marks.counts()}


def _last(numbers: list[int]) -> int | None:
    return numbers[-1] if numbers else None
