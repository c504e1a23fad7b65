"""Open a review: the results, the events that were stored, and who reviews."""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from getpass import getuser
from pathlib import Path

from pgen.errors import ConfigError, InputError
from pgen.safety.terminal import printable
from pgen.storage.in_place import InPlace, check_settled
from pgen.storage.workspace import Workspace
from pgen_review import event_file
from pgen_review.belonging import begun, checked, held
from pgen_review.blind import check_own
from pgen_review.comparison import ComparedSession, compared
from pgen_review.event_file import Contents, Header
from pgen_review.events import Event, Key
from pgen_review.fold import Fold
from pgen_review.journal import REVIEWS, open_journal
from pgen_review.line_store import lines_of
from pgen_review.places import is_spans_alone, name_in, record_of
from pgen_review.results import Review, open_review
from pgen_review.segmentation_session import SegmentationSession
from pgen_review.session import Session

COMMAND = "review --apply"
"""The command that finishes a write that was stopped."""
ANONYMOUS = "person 1"
_LONGEST = 100


def person(name: str | None) -> str:
    """Return the name of who reviews: the given one, that of git, or the login; "" gives none."""
    if name is None:
        with suppress(OSError, subprocess.SubprocessError):
            command = ["git", "config", "user.name"]
            result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 (constants)
            name = result.stdout.strip()
        if not name:
            with suppress(OSError, KeyError):
                name = getuser()
    return printable(name or "").strip()[:_LONGEST] or ANONYMOUS


@contextmanager
def open_session(
    folder: Path,
    root: Path | None,
    by: str,
    *,
    read_only: bool = False,
    sample: tuple[int, int] | None = None,
    blind: bool = False,
    against: tuple[Path, int] | None = None,
    index: bool = True,
) -> Iterator[Session]:
    """Open the review of a folder. Raises ConfigError, InputError or StorageError.

    `sample` is the size and the seed of a random sample, which replaces the former one. A `blind` review shows no
    findings and scores, and is refused where others reviewed. With `against`, another result and a seed, dialogues of
    both are compared. Without `index`, every line is read anew, as for what is written back.
    """
    if read_only:
        check_settled(folder)
    else:
        InPlace(folder, COMMAND).recover()
    if blind:
        check_own(folder, _on_disk(folder)[1], by)
    if is_spans_alone(folder) and (sample or blind or against):
        raise ConfigError(f"{folder} contains no dialogue; leave out --sample, --blind and --against.")
    is_blind = blind or against is not None
    with open_review(folder, root, _written(folder), blind=is_blind, index=index) as review:
        session = SegmentationSession if review.is_segmentation else Session
        if read_only:
            header, events = stored(review)
            yield session(review, _check(events, review), by, header=header)
            return
        check_keys(review)
        with open_journal(folder, review.contents, review.manifest, applied(folder)) as journal:
            _check(journal.events, review)
            if sample:
                journal.set_header(sample=sample)
            if against:
                comparison = compared(review, *against)
                yield ComparedSession(review, journal.events, by, journal, comparison)
                return
            yield session(review, journal.events, by, journal)


def check_keys(review: Review) -> None:
    """Raise InputError where two dialogues have one key."""
    if not review.keys.are_unique():
        raise InputError(
            f"{lines_of(review.folder)} has two dialogues of one frame, scope and variant; open it with --read-only."
        )


def applied(folder: Path) -> list[Event]:
    """Return the events that the dataset holds."""
    # Events of the skills may have come with a dataset into the run that wrote this one.
    return event_file.read_plain(folder / name_in(folder, REVIEWS)) if record_of(folder).get("reviews") else []


def _check(events: list[Event], review: Review) -> list[Event]:
    """Return the events. Raises InputError where they are not about the dialogues of this result."""
    with suppress(KeyError, ValueError, TypeError):
        fold = Fold(events)
        keys = set(fold.keys()) - fold.starts_of_spans.keys()
        if all(key.episode in review.episodes if key.is_spans else key in review.keys for key in keys):
            return events
    raise InputError(f"the events of the review of {review.folder} are not about its dialogues; restore a copy of it.")


def stored(review: Review) -> tuple[Header | None, list[Event]]:
    """Return the header and the events of a review without opening its journal: another process may hold it."""
    header, events = _on_disk(review.folder)
    if header is None:
        if not events:
            return None, []
        header = begun(review.contents, review.manifest, events)
    return checked(header, review.folder, review.contents, review.manifest), events


def read_anew(review: Review) -> AbstractContextManager[Review]:
    """Open the results of a review once more, every line of them."""
    written = _written(review.folder)
    return open_review(review.folder, review.source.options.root, written, blind=review.blind, index=False)


def _written(folder: Path) -> frozenset[Key]:
    """Return the dialogues whose lines hold what the events say of them: they are computed again from the originals."""
    manifest = record_of(folder)
    header, events = _on_disk(folder)
    last = held(manifest, header or begun(Contents(""), manifest, events))
    return frozenset(event.key for event in events if event.key and event.n <= last)


def _on_disk(folder: Path) -> tuple[Header | None, list[Event]]:
    """Return the second copy of a review; without one, the events that the dataset holds."""
    header, events = event_file.read(Workspace(folder).work / event_file.NAME)
    return header, events if header else applied(folder)
