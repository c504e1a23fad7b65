"""Write a review back to its dataset: all of it, or nothing.

The dataset gets the dialogues that the events give, computed from the originals. So a second write changes nothing, and
an event that is undone is undone in the dataset by the next write. The new files are staged and verified; only then do
they replace the old ones.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pgen.components import Results
from pgen.errors import ConfigError, InputError, VerificationError
from pgen.records import Annotation, Episode, Finding
from pgen.run.job import prepare, running
from pgen.run.manifest import Tally
from pgen.storage.in_place import InPlace
from pgen_lerobot.format import digest
from pgen_lerobot.read import read_manifest
from pgen_lerobot.rewriting import Original, check_forms, counts_entry, rewrite
from pgen_lerobot.verify import verify
from pgen_review.checks import Checks
from pgen_review.events import Event, Key
from pgen_review.fold import Fold, Outcome
from pgen_review.journal import REVIEWS, ReviewJournal, held
from pgen_review.reviewed import originals, reviewed
from pgen_review.starting import COMMAND, lines_of

type Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written: the number of the last event, and the dialogues that were accepted, edited and rejected."""

    events: int
    reviewed: int
    changed: int

    def __str__(self) -> str:
        return f"{self.reviewed:,} dialogues reviewed, {self.changed:,} of them changed; the dataset is verified"


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
        write = _Write(original, fold, events[: held(original.manifest, journal.header)])
        results = Results(write.source, {**write.manifest(), "reviews": entry(fold)}, write.read)
        lines = (json.dumps(event.as_json()) + "\n" for event in events)
        staged = rewrite(job, place, results, original.manifest["labels"]["unlabelled"], {REVIEWS: lines})
        step("verifying")
        _verify(folder, staged)
        step("replacing")
    journal.set_header(result=digest(_lines(folder)))
    return _applied(fold)


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


class _Write:
    """The annotations of a dataset after the events of a review, checked and counted."""

    def __init__(self, original: Original, fold: Fold, written: list[Event]) -> None:
        self._original, self._fold = original, fold
        self._written = {event.key for event in written}
        self.source = original.source()
        self._findings: dict[Key, tuple[Finding, ...]] = {}
        self._counts = Tally()
        left = set(fold.changed())
        checks = Checks(original.manifest)
        for episode in self.source.episodes():
            checks.start_episode()
            for annotation in self._annotations(episode):
                self._take(annotation, checks.findings(annotation))
                left.discard(Key.of(annotation))
        if left:
            raise InputError(f"the dataset has no dialogue {list(left.pop())}, which was reviewed.")

    def read(self) -> Iterator[tuple[Episode, list[Annotation]]]:
        """Yield the episodes with their annotations."""
        for episode in self.source.episodes():
            yield episode, self._annotations(episode)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest with the present counts."""
        first = self._original.manifest
        counts = counts_entry(self._counts, first["counts"]["episodes"], first["counts"]["frames"])
        found = {"found": dict(sorted(self._counts.findings.items()))}
        checks = {"checks": {**first["checks"], **found}} if "checks" in first else {}
        return {**first, "counts": counts, **checks}

    def _take(self, annotation: Annotation, findings: tuple[Finding, ...]) -> None:
        """Count an annotation; one with another dialogue than before gets the findings of that."""
        original = annotation.review.original if annotation.review else None
        if original and annotation.dialogue and annotation.dialogue != original.dialogue:
            self._findings[Key.of(annotation)] = findings
            annotation = replace(annotation, checks=findings)
        self._counts.add(annotation)

    def _annotations(self, episode: Episode) -> list[Annotation]:
        return [self._reviewed(annotation) for annotation in self._original.annotations(episode)]

    def _reviewed(self, annotation: Annotation) -> Annotation:
        if annotation.sample.question.counterfactual:
            return annotation
        key = Key.of(annotation)
        # A line without an event of this review may have been reviewed before, in one whose events are gone.
        before = _original(annotation) if key in self._written else annotation
        outcome = self._fold.outcome(key)
        _check(key, before, outcome)
        after = reviewed(before, outcome)
        return replace(after, checks=self._findings[key]) if key in self._findings else after


def _original(annotation: Annotation) -> Annotation:
    """Return an annotation as it was before it was reviewed."""
    review = annotation.review
    return review.original if review and review.original else replace(annotation, review=None)


def _check(key: Key, annotation: Annotation, outcome: Outcome) -> None:
    """Raise InputError where an edit was made to another text: it belongs to another dialogue."""
    values = originals(annotation)
    other = [name for name, value in outcome.was.items() if name in values and values[name] != value]
    if other:
        raise InputError(f"the dialogue {list(key)} is not the one that was edited: its {other[0]} is another.")


def _applied(fold: Fold) -> Applied:
    states = [fold.outcome(key).state for key in fold.changed()]
    changed = states.count("edited") + states.count("rejected")
    return Applied(len(fold.events), len(states) - states.count("open"), changed)
