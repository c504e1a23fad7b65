"""Events: what a person did to a dialogue or to spans, as records that are appended and never changed.

A request stores its events as a group, which is undone and redone as a whole. Undo and redo are events as well.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from sys import intern
from typing import Any, NamedTuple

from pgen.records import Annotation
from pgen_results.reading import Line, scope

SPANS = "spans"
"""The kind of event that replaces the spans of an episode, and the scope in the key of these spans."""
ACCEPT_SPANS = "accept_spans"
"""The kind that accepts spans of a segmentation as they are."""


class Key(NamedTuple):
    """What identifies a dialogue in its result, or the spans of an episode: these have the scope `spans`."""

    episode: int
    frame: int
    scope: str
    variant: int

    @classmethod
    def of(cls, annotation: Annotation) -> "Key":
        """Return the key of an annotation."""
        sample = annotation.sample
        question = sample.question
        return cls(sample.span.episode_index, sample.moment.frame_index, question.scope, question.variant)

    @classmethod
    def of_line(cls, line: Line) -> "Key":
        """Return the key of a line."""
        return cls(line["episode_index"], line["frame_index"], intern(scope(line)), line.get("variant", 0))

    @classmethod
    def of_spans(cls, episode: int) -> "Key":
        """Return the key of the spans of an episode."""
        return cls(episode, 0, SPANS, 0)

    @property
    def is_spans(self) -> bool:
        """Whether it identifies spans."""
        return self.scope == SPANS


UNDO, REDO = "undo", "redo"
MERGE = "merge"
"""An event that has the verdicts of several people on a dialogue or on spans; only `pgen review --merge` makes it.

Where people agree on spans, it also has these as `after`.
"""
EDITS = {
    "edit_text": ("user", "robot"),
    "edit_types": ("scenario", "response"),
    "edit_range": ("start", "stop"),
    "take": ("user", "robot", "scenario", "response"),
}
"""The values that each kind of edit sets; `take` takes the dialogue of a model that was asked again."""
WRITES = ("edit_text", "take")
"""The kinds that set the text."""
PREFER = "prefer"
"""The kind that prefers one of two dialogues while two results are compared."""
KINDS = ("accept", "reject", *EDITS, "note", "flag", SPANS, ACCEPT_SPANS, PREFER)


@dataclass(frozen=True, slots=True)
class Event:
    """Event number `n`, from 1. `id` is the client's; `group` is the number of the first event of its request.

    `value` holds what the kind needs. That of an edit has the new values, and in `was` the original ones. That of spans
    has all spans of the episode `before` and `after`; that of accepted ones has these as `spans`. An undo or redo has
    no key, and in `value` the group that it concerns. `about` is the dialogue as it was before the review; None for
    spans, an undo or a redo, and where a former version of pgen stored the event.
    """

    n: int
    id: str
    at: str
    by: str
    kind: str
    group: int
    key: Key | None
    value: dict[str, Any]
    about: dict[str, Any] | None = None

    @property
    def author(self) -> str:
        """Who made what the event says: of a merge, the people who agree."""
        verdicts = self.value.get("verdicts", ())
        return str(verdicts[0]["by"]) if len(verdicts) == 1 else self.by

    @property
    def starts(self) -> "list[Key]":
        """The keys that samples at the first frames of the spans would have that the event made."""
        if self.key is None or not self.key.is_spans or "after" not in self.value:
            return []
        made = (span for span in self.value["after"] if span not in self.value["before"])
        return [Key(self.key.episode, span["start"], "step", 0) for span in made]

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Event":
        """Return the event of a JSON object that `as_json` made."""
        key = content["key"]
        return cls(**{**content, "key": Key(*key) if key else None})

    def as_json(self) -> dict[str, Any]:
        """Return the event as a JSON object."""
        content = asdict(self) | {"key": list(self.key) if self.key else None}
        if self.about is None:
            del content["about"]
        return content


def now() -> str:
    """Return the time for an event."""
    return datetime.now(UTC).isoformat(timespec="seconds")
