"""Write a review back to its dataset, or to a new one: all of it, or nothing.

The dataset gets the dialogues that the events give, computed from the originals. So a second write changes nothing, and
an event that is undone is undone in the dataset by the next write. The new files are staged and verified; only then do
they replace the old ones, or become the new dataset.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgen.components import Results
from pgen.errors import ConfigError, InputError, VerificationError
from pgen.run import manifest
from pgen.run.job import Job, prepare, running
from pgen.storage.in_place import InPlace
from pgen.storage.workspace import Workspace
from pgen_lerobot.format import MANIFEST
from pgen_lerobot.read import read_manifest
from pgen_lerobot.rewriting import Original, check_forms, check_replaceable, rewrite
from pgen_lerobot.verify import verify
from pgen_review.belonging import held
from pgen_review.fold import Fold
from pgen_review.journal import REVIEWS, ReviewJournal
from pgen_review.places import SKILLS, contents_of, is_spans_alone, record_of, reviewed_file
from pgen_review.reviewed_dataset import Reviewed
from pgen_review.span_files import write_subtasks
from pgen_review.starting import COMMAND

type Step = Callable[[str], None]
type Entry = Callable[[Fold], dict[str, Any]]
"""What makes the manifest's entry of the review."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written: the number of the last event, and the dialogues that were accepted, edited and rejected.

    `edited` are the episodes with edited spans, `stale` the dialogues that do not lead to these, and `without_phases`
    the files from which phases were left out. `note` says that a new dataset shares videos, where it does.
    """

    events: int
    reviewed: int
    changed: int
    edited: int
    stale: int
    without_phases: frozenset[str]
    note: str = ""

    def __str__(self) -> str:
        done = f"{self.reviewed:,} dialogues reviewed, {self.changed:,} of them changed; "
        if self.edited:
            done += f"the spans of {self.edited:,} episodes edited, {self.stale:,} dialogues stale by that; "
        if self.without_phases:
            done += f"{' and '.join(sorted(self.without_phases))} no longer has phases for edited spans; "
        return f"{done}the dataset is verified"


def apply[T](folder: Path, journal: ReviewJournal, write: Callable[[Job], T], step: Step) -> T | None:
    """Write the events of the journal to the dataset by `write`; return None where it has them all.

    `step` is called with the name of each step. Raises PgenError, and then the old files are there.
    """
    place = InPlace(folder, COMMAND)
    prepare(place)
    check_result(folder, journal)
    if held(record_of(folder), journal.header) == len(journal.events):
        return None
    with running(place) as job:
        check_result(folder, journal)  # again, for changes before the lock was acquired
        applied = write(job)
        step("replacing")
    journal.set_header(**contents_of(folder)._asdict())
    return applied


def new_dataset(folder: Path, out: Path) -> Workspace:
    """Return the workspace of a reviewed copy. Raises ConfigError where there is something, or it cannot be made."""
    workspace = Workspace(out, COMMAND)
    prepare(workspace)
    workspace.check_outside(folder)
    return workspace


def write_copy[T](folder: Path, journal: ReviewJournal, write: Callable[[Job], T], workspace: Workspace) -> T:
    """Write the dataset with the events of the journal as a new one; dataset and journal stay as they are.

    Raises PgenError, and then there is no new dataset.
    """
    if not journal.events:
        raise ConfigError(f"{folder} has no events of a review; review it first.")
    with running(workspace) as job:
        check_result(folder, journal)
        applied = write(job)
        check_result(folder, journal)  # again, for changes while it was read
    return applied


def write_dialogues(
    job: Job, folder: Path, journal: ReviewJournal, entry: Entry, step: Step, *, copy_videos: bool = False
) -> Applied:
    """Stage the reviewed dataset and verify it."""
    events = list(journal.events)
    fold, original = Fold(events), Original(folder)
    check_forms(folder, original.manifest)
    step("writing")
    write = Reviewed(original, fold, events[: held(original.manifest, journal.header)])
    results = Results(write.source, {**write.manifest(), "reviews": entry(fold)}, write.read)
    lines = (json.dumps(event.as_json()) + "\n" for event in events)
    files = {REVIEWS: lines, **write.files()}
    staged = rewrite(job, results, original.manifest["labels"]["unlabelled"], files, copy_videos=copy_videos)
    if write.has_subtasks:
        write_subtasks(staged, job.workspace.scratch / "subtasks", write.episodes())
        check_replaceable(job)
    _record_contents(staged)
    step("verifying")
    verify_staged(job.workspace.out, staged)
    return _applied(fold, write, staged)


def check_result(folder: Path, journal: ReviewJournal) -> None:
    """Raise ConfigError where the review is not of the present dialogues of a dataset, or spans of a segmentation."""
    if not is_spans_alone(folder) and not (folder / "meta/info.json").is_file():
        raise ConfigError(f"{folder} is no dataset; --apply writes to the output of the sink lerobot.")
    path = reviewed_file(folder)
    if path is None:
        raise InputError(f"{folder} contains no dialogue; there is nothing to write back.")
    present, header = contents_of(folder), journal.header
    if present != header.contents:
        changed = path if present.result != header.result else folder / SKILLS
        raise ConfigError(
            f"{changed} changed while it was reviewed, so nothing was written; end pgen review, and restore "
            "the file, or carry the review over with --rebase."
        )


def _record_contents(staged: Path) -> None:
    """Store in the manifest what the review wrote: later changes by hand, or of a tool, are noticed by that."""
    content, written = read_manifest(staged), contents_of(staged)
    content["reviews"] |= {"lines": written.result, "skills": written.spans}
    manifest.write(staged / MANIFEST, content)


def verify_staged(out: Path, staged: Path) -> None:
    """Raise VerificationError where a staged dataset would not pass `pgen verify`."""
    result = verify(
        staged, with_lerobot=False
    )  # importing lerobot takes seconds, and the form of the files is the same
    if not result.ok:
        left = "has its old files" if out.exists() else "was not written"
        raise VerificationError(
            f"the reviewed dataset would not pass `pgen verify`, so {out} {left}: "
            f"{str(result.problems[0]).replace(str(staged), str(out))}"
        )


def _applied(fold: Fold, write: Reviewed, staged: Path) -> Applied:
    states = [fold.outcome(key).state for key in fold.changed()]
    changed = states.count("edited") + states.count("rejected")
    total = len(states) - states.count("open")
    note = str((read_manifest(staged).get("videos") or {}).get("note", ""))
    return Applied(len(fold.events), total, changed, len(write.edited), write.stale, frozenset(write.dropped), note)
