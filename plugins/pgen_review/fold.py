"""The fold of events: the state of each dialogue that they give, and what can be undone and redone.

It depends on the events and their order alone, so that a restart gives the same states.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from pgen_review.events import ACCEPT_SPANS, EDITS, MERGE, PREFER, REDO, SPANS, UNDO, Event, Key

type State = Literal["open", "accepted", "edited", "rejected"]
type Verdict = dict[str, Any]
"""A verdict on a dialogue: the values of an outcome by their names, with `sources`, the ids of its events.

The state `open` is that of a dialogue as it is, beside verdicts on what it was before.
"""
DECIDED = ("by", "at", "state", "reason", "asked", "generator")
STATES: tuple[State, ...] = ("open", "accepted", "edited", "rejected")


@dataclass(slots=True)
class Outcome:
    """What the events say of a dialogue. `values` are those that differ from the original ones, by name.

    `n` is the number of its latest event, undo and redo included; `decided` is that of its latest verdict or edit.
    """

    n: int = 0
    decided: int = 0
    state: State = "open"
    by: str | None = None
    at: str | None = None
    reason: str = ""
    flagged: bool = False
    note: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    was: dict[str, Any] = field(default_factory=dict)
    """The original of each value that was ever edited."""
    asked: int = 0
    """How often a model was asked again for the dialogue that was taken, and the name of what wrote it."""
    generator: str = ""
    sources: list[str] = field(default_factory=list)
    """The ids of the events that decided, several where people agree."""
    conflict: list[Verdict] = field(default_factory=list)
    """The verdicts that differ, between which somebody must decide; the dialogue is open until then."""
    merged: set[str] = field(default_factory=set)
    """The ids of the latest events of the journals that were merged."""

    preferred: dict[str, str] = field(default_factory=dict)
    """By the name of another result, which dialogue was preferred: this, other or neither."""

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts on the dialogue: none while it is open, several in a conflict."""
        return self.conflict or ([self.verdict()] if self.state != "open" else [])

    def add(self, event: Event) -> None:
        """Take the next event of the dialogue into account."""
        if event.kind == "note":
            self.note = event.value["text"]
        elif event.kind == "flag":
            self.flagged = event.value["on"]
        elif event.kind == PREFER:
            self.preferred[event.value["against"]] = event.value["prefers"]
        elif event.kind == MERGE:
            self._merge(event.value)
        elif event.kind in (SPANS, ACCEPT_SPANS):
            self._decide_spans(event)
        else:
            self._decide(event)

    def verdict(self) -> Verdict:
        """Return what was decided."""
        was = {name: self.was[name] for name in self.values}
        decided = {name: getattr(self, name) for name in DECIDED}
        return {**decided, "values": self.values, "was": was, "sources": self.sources}

    def _merge(self, value: dict[str, Any]) -> None:
        """Take over the verdict that all agree on; of several, none is in force."""
        verdicts: list[Verdict] = value["verdicts"]
        self.flagged, self.note = value["flagged"], value["note"]
        self.merged |= set(value["merged"])
        self.conflict = verdicts if len(verdicts) > 1 else []
        (agreed,) = verdicts if len(verdicts) == 1 else [Outcome().verdict()]
        for verdict in verdicts:
            self.was |= verdict["was"]
        for name in DECIDED:
            setattr(self, name, agreed[name])
        self.values, self.sources = dict(agreed["values"]), list(agreed["sources"])

    def _decide(self, event: Event) -> None:
        was = event.value.get("was", {})
        self.was |= was
        for name in EDITS.get(event.kind, ()):
            self.values[name] = event.value[name]
        self.values = {name: value for name, value in self.values.items() if value != self.was[name]}
        if event.kind == "take":
            self.asked, self.generator = self.asked + event.value["asked"], event.value["generator"]
        if not self.values.keys() & set(EDITS["edit_text"]):
            self.asked, self.generator = 0, ""
        self.by, self.at, self.decided = event.by, event.at, event.n
        self.reason = event.value.get("reason", "")
        self.sources, self.conflict = [event.id], []
        self.state = "rejected" if event.kind == "reject" else "edited" if self.values else "accepted"

    def _decide_spans(self, event: Event) -> None:
        """Take over the spans of an episode, or those of them that are accepted. The first event has the originals."""
        value = event.value
        self.was = {"spans": value["before"], "accepted": [], **self.was}
        if event.kind == SPANS:
            self.values["spans"] = value["after"]
        else:
            accepted = self.values.get("accepted", [])
            self.values["accepted"] = accepted + [span for span in value["spans"] if span not in accepted]
        self.values = {name: made for name, made in self.values.items() if made != self.was[name]}
        self.by, self.at, self.decided = event.by, event.at, event.n
        self.sources, self.conflict = [event.id], []
        self.state = "edited" if "spans" in self.values else "accepted"


class Fold:
    """The state after some events. `add` appends the next one."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.undoable: list[int] = []
        """The groups that are in force, by number; the last is undone first."""
        self.redoable: list[int] = []
        """The groups that were undone since the last event; the last is redone first."""
        self.starts_of_spans: dict[Key, int] = {}
        """The keys of the samples that edits of spans may add, numbered in the order of the events."""
        self._ids: set[str] = set()
        self._of: dict[Key, list[Event]] = {}
        self._groups: dict[int, list[Event]] = {}
        self._undone: set[int] = set()
        self._numbers: dict[Key, int] = {}
        self._outcomes: dict[Key, Outcome] = {}
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)
        self._ids.add(event.id)
        if event.key is None:
            self._turn(event)
        else:
            self._append(event, event.key)

    def has(self, identity: str) -> bool:
        """Return whether the client's event of this id is stored."""
        return identity in self._ids

    def outcome(self, key: Key) -> Outcome:
        """Return what the events say of a dialogue."""
        if key not in self._of:
            return Outcome()
        if key not in self._outcomes:
            outcome = Outcome()
            for event in self._of[key]:
                if event.group not in self._undone:
                    outcome.add(event)
            outcome.n = self._numbers[key]
            self._outcomes[key] = outcome
        return self._outcomes[key]

    def number(self, key: Key) -> int:
        """Return the number of the latest event that changed a dialogue or spans, 0 without one."""
        return self._numbers.get(key, 0)

    def latest(self, key: Key) -> str | None:
        """Return the id of the latest event that changed a dialogue, undo and redo included."""
        number = self.number(key)
        return self.events[number - 1].id if number else None

    def spans(self, episode: int, before: int | None = None) -> Event | None:
        """Return the event in force that gives an episode its spans, of those with a lower number than `before`."""
        events = [
            event
            for event in self._of.get(Key.of_spans(episode), ())
            if event.kind in (SPANS, MERGE) and event.group not in self._undone
        ]
        latest = next((event for event in reversed(events) if before is None or event.n < before), None)
        return latest if latest and "after" in latest.value else None

    def starts(self, episode: int) -> list[Key]:
        """Return the keys of the samples that edits of the spans of an episode may add."""
        events = self._of.get(Key.of_spans(episode), ())
        return list(dict.fromkeys(key for event in events for key in event.starts))

    def is_changed(self, key: Key) -> bool:
        """Return whether an event about a dialogue is in force."""
        return any(event.group not in self._undone for event in self._of.get(key, ()))

    def changed(self, since: int = 0) -> list[Key]:
        """Return the dialogues that an event after `since` changed."""
        return [key for key in self.keys(since) if not key.is_spans]

    def keys(self, since: int = 0) -> list[Key]:
        """Return the dialogues and the spans that an event after `since` changed."""
        return [key for key, number in self._numbers.items() if number > since]

    def of_group(self, group: int) -> list[Key]:
        """Return the dialogues and the spans that a group of events concerns."""
        return list(dict.fromkeys(event.key for event in self._groups[group] if event.key))

    def _append(self, event: Event, key: Key) -> None:
        if event.group not in self._groups:
            self.undoable.append(event.group)
            self.redoable.clear()
        self._groups.setdefault(event.group, []).append(event)
        self._of.setdefault(key, []).append(event)
        for start in event.starts:
            self.starts_of_spans.setdefault(start, len(self.starts_of_spans))
        self._renumber(key, event.n)

    def _turn(self, event: Event) -> None:
        """Undo or redo a group."""
        group = event.value["group"]
        if event.kind == UNDO:
            self._undone.add(group)
            self.undoable.remove(group)
            self.redoable.append(group)
        elif event.kind == REDO:
            self._undone.discard(group)
            self.redoable.remove(group)
            self.undoable.append(group)
        for key in self.of_group(group):
            self._renumber(key, event.n)

    def _renumber(self, key: Key, number: int) -> None:
        self._numbers[key] = number
        self._outcomes.pop(key, None)
