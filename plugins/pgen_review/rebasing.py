"""Carry a review over to dialogues that changed after it began, for example because they were annotated again.

Events on a dialogue that has the same text and the same spans go over as they are. A verdict on another one becomes a
conflict with the dialogue as it is now, which a person decides. What has no place in the new review stays in the former
journal, which is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from pgen.storage.in_place import InPlace
from pgen_review.events import ACCEPT_SPANS, EDITS, MERGE, Event, Key, now
from pgen_review.fold import Fold, Outcome, Verdict
from pgen_review.journal import check_begun, replace_journal
from pgen_review.results import Review, open_review
from pgen_review.reviewed import ReviewedEpisode, originals
from pgen_review.spans import spans_of
from pgen_review.starting import COMMAND, applied, check_keys

_RANGE = EDITS["edit_range"]


@dataclass(slots=True)
class Rebased:
    """What came of a review: its events, and how many dialogues went over, are in conflict, or are there no more.

    `spans` are the episodes whose edited spans were left out, as they have other spans now. Of a segmentation, `kept`
    are the episodes whose spans are reviewed after it.
    """

    kept: int = 0
    conflicts: int = 0
    missing: int = 0
    spans: int = 0
    is_segmentation: bool = False
    events: list[Event] = field(default_factory=list)
    former: Path | None = None

    def __str__(self) -> str:
        text = f"{self.kept:,} dialogues went over, {self.conflicts:,} are in conflict"
        if self.is_segmentation:
            text = f"the reviewed spans of {self.kept:,} episodes went over"
        if self.missing:
            text += f"; {self.missing:,} that were reviewed are there no more"
        if self.spans:
            text += f"; the edited spans of {self.spans:,} episodes were left out, as these have other spans now"
        return text


def rebase_review(folder: Path, root: Path | None, by: str) -> Rebased | None:
    """Carry the review of a folder over to its present dialogues; None where it is about these already.

    Raises ConfigError, InputError or StorageError. Where the process is stopped, there is the former review or the new.
    """
    InPlace(folder, COMMAND).recover()
    stored = applied(folder)
    check_begun(folder, stored)
    with open_review(folder, root) as review:
        check_keys(review)
        done: list[Rebased] = []

        def carried_over(events: list[Event]) -> list[Event]:
            done.append(rebase(review, events, by))
            return done[0].events

        former = replace_journal(folder, review.contents, review.manifest, stored, carried_over)
        return replace(done[0], former=former) if done else None


def rebase(review: Review, events: list[Event], by: str) -> Rebased:
    """Return the events for the present dialogues of a review."""
    former, rebased = Fold(events), Rebased()
    episodes = _Episodes(review, former)
    kept = {key for key in sorted(former.keys()) if episodes.is_same(key)}
    rebased.events = list(_renumbered(events, kept))
    rebased.kept = sum(_says(former.outcome(key)) for key in kept if not key.is_spans)
    rebased.spans = len(episodes.respanned)
    group = len(rebased.events) + 1
    for key in sorted(former.changed()):
        outcome = former.outcome(key)
        if key in kept or not _says(outcome):
            continue
        if not episodes.has(key) or not (outcome.verdicts or outcome.note or outcome.flagged):
            rebased.missing += 1
            continue
        verdicts = episodes.verdicts(key, outcome)
        value = {"verdicts": verdicts, "flagged": outcome.flagged, "note": outcome.note, "merged": []}
        number, about = len(rebased.events) + 1, episodes[key].about(key)
        rebased.events.append(Event(number, str(uuid4()), now(), by, MERGE, group, key, value, about))
        is_conflict = len(verdicts) > 1
        rebased.conflicts += is_conflict
        rebased.kept += not is_conflict
    if review.is_segmentation:
        changed = sorted(set(former.keys()) - kept)
        rebased.events += episodes.acceptances(changed, len(rebased.events) + 1, group)
        fold = Fold(rebased.events)
        rebased.is_segmentation = True
        rebased.kept = sum(outcome.state != "open" for outcome in map(fold.outcome, fold.keys()))
    return rebased


def _says(outcome: Outcome) -> bool:
    return bool(outcome.verdicts or outcome.note or outcome.flagged or outcome.preferred)


def _renumbered(events: list[Event], kept: set[Key]) -> Iterator[Event]:
    """Yield the events on the dialogues and spans that are kept, with the numbers and groups that they get."""
    groups: dict[int, int] = {}
    number = 1
    for event in events:
        if event.key in kept:
            group = groups.setdefault(event.group, number)
            yield replace(event, n=number, group=group)
        elif event.key is None and event.value["group"] in groups:
            yield replace(event, n=number, group=number, value={"group": groups[event.value["group"]]})
        else:
            continue
        number += 1


class _Episodes:
    """The present episodes of a review, compared with what its former events are about."""

    def __init__(self, review: Review, former: Fold) -> None:
        self._review, self._former = review, former
        self._about = {event.key: event.about for event in former.events if event.key and event.about}
        self._latest: tuple[int, ReviewedEpisode] | None = None

    def __getitem__(self, key: Key) -> ReviewedEpisode:
        if self._latest is None or self._latest[0] != key.episode:
            self._latest = key.episode, ReviewedEpisode(self._review, key.episode, Fold())
        return self._latest[1]

    @cached_property
    def _other_spans(self) -> set[int]:
        """The episodes whose spans were edited, and began as others than they are now."""
        first: dict[int, Event] = {}
        for event in self._former.events:
            if event.key and event.key.is_spans:
                first.setdefault(event.key.episode, event)
        return {index for index, event in first.items() if self._spans(index) != event.value["before"]}

    @cached_property
    def _written_spans(self) -> set[int]:
        """Those of them that have the edited spans, because the review was written."""
        edits = {index: self._former.spans(index) for index in self._other_spans}
        return {index for index, event in edits.items() if event and self._spans(index) == event.value["after"]}

    @cached_property
    def respanned(self) -> set[int]:
        """The others whose edits are in force: what was decided for edited spans holds for no others."""
        return {index for index in self._other_spans - self._written_spans if self._former.spans(index)}

    def has(self, key: Key) -> bool:
        """Return whether there is such a dialogue now."""
        return key in self._review.keys

    def is_same(self, key: Key) -> bool:
        """Return whether a dialogue has the text and the spans that its events are about, or an episode the spans.

        A sample that an edit of spans added is the same where the edit goes over.
        """
        if key.is_spans or (key in self._former.starts_of_spans and not self.has(key)):
            return key.episode not in self._other_spans
        if key.episode in self.respanned or not self.has(key):
            return False
        return key in self._about and self._about[key] == self[key].about(key)

    def acceptances(self, keys: Sequence[Key], number: int, group: int) -> Iterator[Event]:
        """Yield events that accept the spans that a person edited or accepted, and that are there now."""
        for key in keys:
            outcome, present = self._former.outcome(key), self._spans(key.episode)
            edited = [span for span in outcome.values.get("spans", ()) if span not in outcome.was["spans"]]
            spans = [span for span in present if span in edited or span in outcome.values.get("accepted", ())]
            if spans:
                value = {"before": present, "spans": spans}
                yield Event(number, str(uuid4()), now(), outcome.by or "", ACCEPT_SPANS, group, key, value)
                number += 1

    def verdicts(self, key: Key, outcome: Outcome) -> list[Verdict]:
        """Return the verdicts on the former dialogue as those on the present one, and that one as it is.

        The latter is left out where nothing is to be decided: the dialogue has the text that a person gave it, or
        failed as a rejected one does.
        """
        episode, was = self[key], self._about.get(key)
        present = originals(episode.originals[episode.positions[key]])
        ranges = dict(zip(_RANGE, episode.original_range(key), strict=True))
        has_spans = was is not None and was["spans"] == (episode.about(key) or {})["spans"]
        has_spans = has_spans or key.episode in self._written_spans
        decided = (verdict for verdict in outcome.verdicts if verdict["state"] != "open")
        verdicts = [_moved(verdict, was or {}, present, ranges if has_spans else {}) for verdict in decided]
        if len(verdicts) == 1 and _is_settled(verdicts[0], present, has_spans=has_spans):
            return [{**verdicts[0], "values": {}, "was": {}}]
        return [*verdicts, _as_it_is()] if verdicts else []

    def _spans(self, index: int) -> list[dict[str, Any]]:
        stored = self._review.episodes.get(index)
        return [span.as_json() for span in spans_of(stored.episode)] if stored else []


def _moved(verdict: Verdict, about: dict[str, Any], present: dict[str, Any], frames: dict[str, Any]) -> Verdict:
    """Return a verdict on a former dialogue with the values that differ from those of the present one.

    An edited range is kept where there are `frames`, the present range.
    """
    originals_now = present | {name: frame for name, frame in frames.items() if frame is not None}
    former = {name: value for name, value in about.items() if name in present} | verdict["was"] | verdict["values"]
    values = {name: former[name] for name, now_ in originals_now.items() if name in former and former[name] != now_}
    state = verdict["state"] if verdict["state"] == "rejected" else "edited" if values else "accepted"
    origin = {} if values.keys() & set(EDITS["edit_text"]) else {"asked": 0, "generator": ""}
    return {
        **verdict,
        **origin,
        "state": state,
        "values": values,
        "was": {name: originals_now[name] for name in values},
    }


def _is_settled(verdict: Verdict, present: dict[str, Any], *, has_spans: bool) -> bool:
    if verdict["state"] == "rejected":
        return present["user"] is None
    return has_spans and not verdict["values"]


def _as_it_is() -> Verdict:
    """Return what stands for a dialogue that nobody reviewed."""
    return Outcome(by="", at="").verdict()
