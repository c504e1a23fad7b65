"""The write of a review to its dataset while it is served: one at a time, with its progress."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any

from pgen.errors import PgenError
from pgen.storage.workspace import Workspace
from pgen_review.fold import Fold
from pgen_review.journal import ReviewJournal
from pgen_review.results import Review
from pgen_review.session import Session
from pgen_review.starting import read_anew
from pgen_review.summary import reviews_entry
from pgen_review.validation import ConflictError, Json

if TYPE_CHECKING:
    from pgen.run.job import Job
    from pgen_review.apply import Applied, Step
    from pgen_review.apply_spans import AppliedSpans

NOTHING = "the dataset has everything that was reviewed; nothing was written"


def write(session: Session, journal: ReviewJournal, step: "Step") -> "Applied | AppliedSpans | None":
    """Write a session's review to its dataset; return None where there is nothing to write. Raises PgenError."""
    from pgen_review.apply import apply

    with _counted(session.review) as review:
        applied = apply(review.folder, journal, _write(review, journal, step), step)
    session.applied = applied.events if applied else len(journal.events)
    return applied


def copy(
    session: Session, journal: ReviewJournal, workspace: Workspace, *, copy_videos: bool
) -> "Applied | AppliedSpans":
    """Write a session's review to a new dataset. Raises PgenError."""
    from pgen_review.apply import write_copy

    with _counted(session.review) as review:
        write = _write(review, journal, lambda step: None, copy_videos=copy_videos)
        return write_copy(review.folder, journal, write, workspace)


def _counted(review: Review) -> AbstractContextManager[Review]:
    """Return the review for the counts that are written: where it comes from an index, every line is read again.

    A segmentation is always read again, as its skills and its record are changed by each write.
    """
    return read_anew(review) if review.is_indexed or review.is_segmentation else nullcontext(review)


def _write(
    review: Review, journal: ReviewJournal, step: "Step", *, copy_videos: bool = False
) -> "Callable[[Job], Applied | AppliedSpans]":
    """Return what stages the reviewed result in a job, and verifies it."""
    from pgen_review.apply import write_dialogues
    from pgen_review.apply_spans import write_spans

    def entry(fold: Fold) -> Json:
        return reviews_entry(review, journal.header, fold)

    if review.is_segmentation:
        return lambda job: write_spans(job, review, journal, entry, step, copy_videos=copy_videos)
    return lambda job: write_dialogues(job, review.folder, journal, entry, step, copy_videos=copy_videos)


class WriteBack:
    """The writes of a session. `run` is called in a thread after `start`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = Lock()
        self._progress: Json = {"state": "idle", "step": "", "message": ""}

    def progress(self) -> Json:
        """Return what is being done, or what came of it."""
        with self._lock:
            return {**self._progress, "applied": self._session.applied}

    def start(self, body: Any) -> ReviewJournal:
        """Begin a write. Raises ConflictError where one goes on, or the client has not seen the last event."""
        journal = self._session.writable(body)
        base = body.get("base")
        with self._lock:
            if self._progress["state"] == "running":
                raise ConflictError("The dataset is being written already.")
            if isinstance(base, int) and base < len(journal.events):
                raise ConflictError("Somebody else edited meanwhile; look at that first.")
            self._progress = {"state": "running", "step": "reading", "message": ""}
        return journal

    def run(self, journal: ReviewJournal) -> None:
        """Write; whatever comes of it is in the progress."""
        try:
            applied = write(self._session, journal, lambda step: self._set(step=step))
            self._set(state="done", message=f"{applied or NOTHING}.".capitalize())
        except PgenError as error:
            self._set(state="failed", message=str(error))
        except BaseException as error:
            self._set(state="failed", message=f"{type(error).__name__}; the dataset has its old files.")
            raise

    def _set(self, **values: str) -> None:
        with self._lock:
            self._progress = {**self._progress, **values}
