"""The journal of a review: every event in an SQLite file beside the result, and again in a text file.

It is a journal of pgen (`pgen.storage.journal`) with its checksums, locks and recovery. `append` returns once the
events are on the disk in both files. At the start each file gets the events that it lacks from the other one. A journal
belongs to one result, by the hashes of its lines and spans: the events of another one are never applied.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from pgen.errors import ConfigError, StorageError
from pgen.storage.durable import make_folder
from pgen.storage.journal import Journal
from pgen.storage.journal_db import set_aside, storage_errors
from pgen.storage.locking import lock
from pgen.storage.unfinished import COMMAND, remove_journal
from pgen.storage.workspace import Workspace
from pgen_review import event_file
from pgen_review.belonging import NAME, begun, belongs, checked, review_of
from pgen_review.event_file import Contents, Header
from pgen_review.events import Event

REVIEWS = "meta/pgen/reviews.jsonl"
"""The events in the dataset, after they were applied."""


class ReviewJournal:
    """The open journal of a review, for any thread. Raises StorageError where the disk is full or fails."""

    def __init__(self, journal: Journal, copy: Path, header: Header, events: list[Event]) -> None:
        self._journal, self._copy = journal, copy
        self.header, self.events = header, events
        self._uncopied: list[Event] = []
        self._broken = False
        self._lock = Lock()

    def append(self, events: Sequence[Event]) -> None:
        """Store events, all or none, then `flush`. After an error of that they are stored, but not acknowledged."""
        with self._lock:
            self._append(events)

    def _append(self, events: Sequence[Event]) -> None:
        stored = [Event.from_json(json.loads(event_file.encode(event.as_json()))) for event in events]
        self._journal.add_values((f"{event.n:09d}", event.as_json()) for event in stored)
        self.events += stored
        self._uncopied += stored
        self._flush()

    def flush(self) -> None:
        """Return once all events are on the disk in both files."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        # The system reports a failed write once: a sync that succeeds after a failed one proves nothing.
        if self._broken:
            raise StorageError(f"the disk of {self._copy.parent} failed; start pgen review again.", self._copy)
        if self._uncopied:
            self._broken = True
            self._journal.sync()
            self._broken = False
            with storage_errors(self._copy):
                event_file.append(self._copy, (event.as_json() for event in self._uncopied))
            self._uncopied = []

    def set_header(self, **changes: Any) -> None:
        """Change the header, durably."""
        with self._lock, storage_errors(self._copy):
            self.header = replace(self.header, **changes)
            self._journal.set_metadata("review", asdict(self.header))
            event_file.write(self._copy, self.header, self.events)
            self._uncopied = []


@contextmanager
def open_journal(
    folder: Path, present: Contents, manifest: Mapping[str, Any], applied: list[Event]
) -> Iterator[ReviewJournal]:
    """Open the review of the result in `folder`, for this process alone, or begin one.

    `present` are the hashes of what it is about, `applied` the events that the dataset holds. Raises ConfigError where
    another process reviews, the review belongs to another result, or events are lost.
    """
    work = Workspace(folder).work
    make_folder(work)
    with (
        lock(work / "review-lock", f"the review of {folder}") as own_lock,
        closing(_opened(work / NAME)) as journal,
    ):
        journal.own(own_lock.token, own_lock.check)
        journal.set_metadata(COMMAND, "review")
        stored, own, copies = _contents(journal, work)
        header = checked(stored or begun(present, manifest, applied), folder, present, manifest)
        assert header
        events = merged(own, copies, applied if header.journal == review_of(manifest) else [], path=work / NAME)
        numbers = {event.n for event in own}
        journal.add_values((f"{event.n:09d}", event.as_json()) for event in events if event.n not in numbers)
        opened = ReviewJournal(journal, work / event_file.NAME, header, events)
        opened.set_header(alone=False)
        yield opened


def check_begun(folder: Path, applied: list[Event]) -> None:
    """Raise ConfigError where there is no review of a folder; `applied` are the events that the dataset holds."""
    work = Workspace(folder).work
    if not applied and not any((work / name).exists() for name in (NAME, event_file.NAME)):
        raise ConfigError(f"{folder} has no review to carry over; `pgen review {folder}` begins one.")


def replace_journal(
    folder: Path,
    present: Contents,
    manifest: Mapping[str, Any],
    applied: list[Event],
    carried_over: Callable[[list[Event]], list[Event]],
) -> Path | None:
    """Begin the review of the present dialogues with the events of the former one that `carried_over` returns.

    `applied` are the events that the dataset holds. Returns the file that keeps the former events, None where they are
    about the present dialogues and spans already. Raises ConfigError or StorageError.
    """
    work = Workspace(folder).work
    make_folder(work)
    with lock(work / "review-lock", f"the review of {folder}"):
        with closing(_opened(work / NAME)) as journal:
            stored, own, copies = _contents(journal, work)
        header = stored or begun(present, manifest, applied)
        if belongs(header, present, manifest):
            return None
        events = merged(own, copies, applied if header.journal == review_of(manifest) else [], path=work / NAME)
        kept = work / f"review-{header.journal[:8]}.jsonl"
        with storage_errors(kept):
            event_file.write(kept, header, events)
        # The second copy is replaced first, and says so: where this process ends, the next one removes the journal.
        begins = Header(uuid4().hex, present.result, header.sample, alone=True, spans=present.spans)
        with storage_errors(work / event_file.NAME):
            event_file.write(work / event_file.NAME, begins, carried_over(events))
            remove_journal(work / NAME)
    return kept


def _contents(journal: Journal, work: Path) -> tuple[Header | None, list[Event], list[Event]]:
    """Return the header of a review, and its events in the journal and in the second copy."""
    copied, copies = event_file.read(work / event_file.NAME)
    stored = journal.metadata("review")
    own = [Event.from_json(content) for _, content in journal.values()]
    return (Header.from_json(stored) if stored else copied), own, copies


def _opened(path: Path) -> Journal:
    """Open the journal; one that cannot be used is set aside, where the second copy of the events is usable.

    That of a review that was carried over is removed: the second copy alone has what became of it.
    """
    if event_file.is_alone(path.with_name(event_file.NAME)):
        remove_journal(path)
    try:
        return Journal(path)
    except ConfigError:
        copy = path.with_name(event_file.NAME)
        if event_file.read(copy)[0] is None:
            raise ConfigError(
                f"{path} is damaged, and there is no {event_file.NAME} beside it; restore a copy of either file, or "
                "move it away to begin a new review."
            ) from None
        print(f"pgen: {path} is damaged. It was set aside as {set_aside(path)}; {copy} is used.", file=sys.stderr)
        return Journal(path)


def merged(*copies: list[Event], path: Path) -> list[Event]:
    """Return the events that any of the copies has, by number. Raises ConfigError where one is in none."""
    events: dict[int, Event] = {}
    for copy in reversed(copies):
        events |= {event.n: event for event in copy}
    if missing := set(range(1, max(events, default=0) + 1)) - events.keys():
        raise ConfigError(
            f"{path} and {event_file.NAME} beside it are damaged, and lack {len(missing):,} of {max(events):,} events "
            "of the review; restore a copy of either file, or move both away to begin a new review."
        )
    return [events[number] for number in sorted(events)]
