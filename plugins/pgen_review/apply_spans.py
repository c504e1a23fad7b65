"""Write the review of a segmentation back: its skills, the subtasks if it has them, its record, and the events.

Everything is computed from the spans before the review, so that an undo is written by the next write.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pgen.errors import VerificationError
from pgen.records import Episode
from pgen.run.job import Job
from pgen.storage.durable import write_text
from pgen.storage.in_place import InPlace
from pgen_lerobot.format import Dataset
from pgen_lerobot.rewriting import check_replaceable
from pgen_lerobot.write import carry_over, copied_bytes, edit_json
from pgen_results.reading import open_segmentation
from pgen_review import unedited
from pgen_review.apply import Entry, Step, verify_staged
from pgen_review.belonging import held
from pgen_review.fold import Fold
from pgen_review.journal import REVIEWS, ReviewJournal
from pgen_review.places import SEGMENTATION, SKILLS, is_alone, name_in
from pgen_review.results import Review
from pgen_review.span_files import SpanFiles, has_subtasks, write_subtasks
from pgen_review.span_summary import STATES
from pgen_review.spans import edited, spans_of
from pgen_review.unedited import Unedited
from pgen_segment import subtasks
from pgen_segment.subtasks import Segmented


@dataclass(frozen=True, slots=True)
class AppliedSpans:
    """What was written: the number of the last event, the spans in each state, and the episodes with edited spans.

    `note` says that a new dataset shares videos, where it does.
    """

    events: int
    spans: dict[str, int]
    edited: int
    note: str = ""

    def __str__(self) -> str:
        reviewed = sum(self.spans[state] for state in STATES if state != "open")
        return f"{reviewed:,} spans reviewed, those of {self.edited:,} episodes edited; the segmentation is verified"


def write_spans(
    job: Job, review: Review, journal: ReviewJournal, entry: Entry, step: Step, *, copy_videos: bool = False
) -> AppliedSpans:
    """Stage the reviewed segmentation and verify it. The review is read anew: earlier writes change the folder."""
    folder = review.folder
    step("writing")
    write = _SpanWrite(review, journal)
    staged = job.stage()
    reviews = entry(write.fold)
    names = write.write(staged, reviews)
    notes: tuple[str, ...] = ()
    if not is_alone(folder):
        dataset = Dataset(folder)
        with_subtasks = review.manifest["run"].get("write_subtasks") or has_subtasks(dataset, review.source.episodes())
        copies = copy_videos or not job.workspace.shares_disk(folder)
        job.check_room(copied_bytes(folder, names, copy_videos=copies))
        carried = carry_over(dataset.files, staged, names, copy_videos=copy_videos)
        if not isinstance(job.workspace, InPlace):
            edit_json(staged / SEGMENTATION, lambda record: record.update(videos=carried.as_json()))
            notes = carried.notes()
        if with_subtasks:
            write_subtasks(staged, job.workspace.scratch / "subtasks", write.episodes())
    check_replaceable(job)
    step("verifying")
    _verify(job, staged, write)
    return AppliedSpans(len(write.fold.events), reviews["spans"], len(write.edited), "".join(notes))


class _SpanWrite:
    """The spans of a segmentation after the events of its review, and the files that hold them."""

    def __init__(self, review: Review, journal: ReviewJournal) -> None:
        self.review, self.fold = review, Fold(journal.events)
        last = held(review.manifest, journal.header)
        keys = {event.key for event in self.fold.events if event.key and event.n <= last}
        self._stored = unedited.read(review.folder, keys)
        self.edited: dict[int, Unedited] = {}
        self._files = SpanFiles(review.folder)
        for index, before in self._stored.items():
            self._files.restore(index, before.files)
        for index, of_review in review.episodes.items():
            if event := self.fold.spans(index):
                self.edited[index] = Unedited(of_review.episode.skills, [], [], self._files.entries(index))
                self._files.edit(edited(of_review.episode, event), event)

    def episodes(self) -> Iterator[Episode]:
        """Yield the episodes with their present spans."""
        for index, stored in self.review.episodes.items():
            yield edited(stored.episode, self.fold.spans(index))

    def write(self, staged: Path, reviews: dict[str, Any]) -> set[str]:
        """Write the files of spans and of the review; return their names. `reviews` is the record's entry."""
        skills, record = self._files.content(SKILLS), self._files.content(SEGMENTATION)
        segmented = {episode.index: Segmented(episode.task, episode.skills, ()) for episode in self.episodes()}
        if "skill_to_task_index" in skills:
            skills["skill_to_task_index"] = subtasks.skill_indices(segmented)
        record["counts"]["spans"] = sum(len(episode.skills) for episode in segmented.values())
        skills_text = "".join(self._files.parts()[SKILLS])
        record["reviews"] = {**reviews, "skills": sha256(skills_text.encode()).hexdigest()}
        parts: dict[str, Iterable[str]] = dict(self._files.parts())
        parts[REVIEWS] = (json.dumps(event.as_json()) + "\n" for event in self.fold.events)
        if self.edited or self._stored:
            parts[unedited.FILE] = unedited.parts(self.edited)
        for name, texts in parts.items():
            write_text(staged / name_in(self.review.folder, name), texts)
        return {name_in(self.review.folder, name) for name in parts}


def _verify(job: Job, staged: Path, write: _SpanWrite) -> None:
    """Raise VerificationError where the staged segmentation does not have exactly the present spans."""
    root = write.review.source.folder
    if not is_alone(write.review.folder):
        verify_staged(job.workspace.out, staged)
        root = staged
    with open_segmentation(staged, root) as segmentation:
        pairs = zip(segmentation.read(), write.episodes(), strict=True)
        other = [wanted.index for read, wanted in pairs if spans_of(read) != spans_of(wanted)]
    if other:
        raise VerificationError(f"episode {other[0]} would have other spans than its review; nothing was written.")
