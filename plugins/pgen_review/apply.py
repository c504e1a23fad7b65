"""Write a review back to its dataset: all of it, or nothing.

The dataset gets the dialogues that the events give, computed from the originals. So a second write changes nothing, and
an event that is undone is undone in the dataset by the next write. The new files are staged and verified; only then do
they replace the old ones.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgen.components import Results
from pgen.errors import ConfigError, InputError, VerificationError
from pgen.run.job import prepare, running
from pgen.storage.in_place import InPlace
from pgen_lerobot.format import digest
from pgen_lerobot.read import read_manifest
from pgen_lerobot.rewriting import Original, check_forms, rewrite
from pgen_lerobot.verify import verify
from pgen_review.fold import Fold
from pgen_review.journal import REVIEWS, ReviewJournal, held
from pgen_review.reviewed_dataset import Reviewed
from pgen_review.span_files import write_subtasks
from pgen_review.starting import COMMAND, lines_of

type Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written: the number of the last event, and the dialogues that were accepted, edited and rejected.

    `edited` are the episodes with edited spans, `stale` the dialogues that do not lead to these, and `without_phases`
    the files from which phases were left out.
    """

    events: int
    reviewed: int
    changed: int
    edited: int
    stale: int
    without_phases: frozenset[str]

    def __str__(self) -> str:
        done = f"{self.reviewed:,} dialogues reviewed, {self.changed:,} of them changed; "
        if self.edited:
            done += f"the spans of {self.edited:,} episodes edited, {self.stale:,} dialogues stale by that; "
        if self.without_phases:
            done += f"{' and '.join(sorted(self.without_phases))} no longer has phases for edited spans; "
        return f"{done}the dataset is verified"


def apply(folder: Path, journal: ReviewJournal, entry: Callable[[Fold], dict[str, Any]], step: Step) -> Applied | None:
    """Write the events of the journal to the dataset; return None where it has them all.

    `entry` makes the manifest's entry of the review, and `step` is called with the name of each step. Raises
    PgenError, and then the old files are there.
    """
    place = InPlace(folder, COMMAND)
    prepare(place)
    _check_result(folder, journal)
    events = list(journal.events)
    if held(read_manifest(folder), journal.header) == len(events):
        return None
    fold = Fold(events)
    with running(place) as job:
        _check_result(folder, journal)  # again, for changes before the lock was acquired
        original = Original(folder)
        check_forms(folder, original.manifest)
        step("writing")
        write = Reviewed(original, fold, events[: held(original.manifest, journal.header)])
        results = Results(write.source, {**write.manifest(), "reviews": entry(fold)}, write.read)
        lines = (json.dumps(event.as_json()) + "\n" for event in events)
        files = {REVIEWS: lines, **write.files()}
        staged = rewrite(job, place, results, original.manifest["labels"]["unlabelled"], files)
        if write.has_subtasks:
            write_subtasks(staged, place.scratch / "subtasks", write.episodes())
            place.switch.check(place.switch.changes())
        step("verifying")
        _verify(folder, staged)
        step("replacing")
    journal.set_header(result=digest(_lines(folder)))
    return _applied(fold, write)


def _check_result(folder: Path, journal: ReviewJournal) -> None:
    """Raise ConfigError where the review is not of the present dialogues of a dataset."""
    if not (folder / "meta/info.json").is_file():
        raise ConfigError(f"{folder} is no dataset; --apply writes to the output of the sink lerobot.")
    if digest(_lines(folder)) != journal.header.result:
        raise ConfigError(
            f"{_lines(folder)} changed while it was reviewed, so nothing was written; end pgen review, restore the "
            "file, and start it again."
        )


def _verify(folder: Path, staged: Path) -> None:
    result = verify(
        staged, with_lerobot=False
    )  # importing lerobot takes seconds, and the form of the files is the same
    if not result.ok:
        raise VerificationError(
            f"the reviewed dialogues would not pass `pgen verify`, so {folder} has its old files: "
            f"{str(result.problems[0]).replace(str(staged), str(folder))}"
        )


def _lines(folder: Path) -> Path:
    path = lines_of(folder)
    if path is None:
        raise InputError(f"{folder} contains no dialogue; there is nothing to write back.")
    return path


def _applied(fold: Fold, write: Reviewed) -> Applied:
    states = [fold.outcome(key).state for key in fold.changed()]
    changed = states.count("edited") + states.count("rejected")
    total = len(states) - states.count("open")
    return Applied(len(fold.events), total, changed, len(write.edited), write.stale, frozenset(write.dropped))
