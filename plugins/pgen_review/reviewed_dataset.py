"""A dataset after the events of its review: the episodes with their present spans, and their annotations.

Everything is computed from what was there before the review.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pgen.errors import InputError
from pgen.formats.syn_annotations import lines_of
from pgen.records import Annotation, Episode, Finding
from pgen.run.manifest import Tally
from pgen_lerobot.format import counterfactual_line, counterfactual_of
from pgen_lerobot.rewriting import Original, counts_entry
from pgen_review import unedited
from pgen_review.added import added
from pgen_review.checks import Checks
from pgen_review.events import Event, Key
from pgen_review.fold import Fold, Outcome
from pgen_review.matching import Matching
from pgen_review.reviewed import is_stale, originals, reviewed
from pgen_review.span_files import SpanFiles, has_subtasks
from pgen_review.spans import spans_of
from pgen_review.unedited import Unedited


class Reviewed:
    """The episodes and annotations of a dataset after a review, checked and counted.

    `written` are the events that the dataset holds. `edited` are the episodes with edited spans, as they were before.
    """

    def __init__(self, original: Original, fold: Fold, written: list[Event]) -> None:
        self._original, self._fold = original, fold
        self._written = {event.key for event in written}
        self.source = original.source()
        self._unedited = unedited.read(original.dataset.root, {key for key in self._written if key})
        self.edited: dict[int, Unedited] = {}
        self._files = SpanFiles(original.dataset.root)
        self.stale = 0
        self._findings: dict[Key, tuple[Finding, ...]] = {}
        self._counts = Tally()
        self._count()
        self.has_subtasks = bool(self._unedited or self.edited) and has_subtasks(
            original.dataset, self.source.episodes()
        )

    @property
    def dropped(self) -> list[str]:
        """The files from which the phases of edited spans were left out."""
        return self._files.dropped

    def read(self) -> Iterator[tuple[Episode, list[Annotation]]]:
        """Yield the episodes with their annotations."""
        for episode in self.source.episodes():
            matching, pairs = self._pairs(episode)
            yield matching.episode, [after for _, after in pairs]

    def episodes(self) -> Iterator[Episode]:
        """Yield the episodes."""
        return (episode for episode, _ in self.read())

    def files(self) -> dict[str, Iterable[str]]:
        """Return the parts of the files that follow edited spans; none where none were ever edited."""
        if not self.edited and not self._unedited:
            return {}
        return {unedited.FILE: unedited.parts(self.edited), **self._files.parts()}

    def manifest(self) -> dict[str, Any]:
        """Return the manifest with the present counts."""
        first = self._original.manifest
        counts = counts_entry(self._counts, first["counts"]["episodes"], first["counts"]["frames"])
        found = {"found": dict(sorted(self._counts.findings.items()))}
        checks = {"checks": {**first["checks"], **found}} if "checks" in first else {}
        return {**first, "counts": counts, **checks}

    def _count(self) -> None:
        """Check and count the annotations, and keep what was there before spans were edited."""
        left = set(self._fold.keys())
        left -= {key for key in self._fold.starts_of_spans if self._fold.outcome(key).state == "open"}
        checks = Checks(self._original.manifest)
        for episode in self.source.episodes():
            checks.start_episode()
            matching, pairs = self._pairs(episode)
            for before, after in pairs:
                self._take(before, after, checks)
                left.discard(Key.of(after))
            left.discard(Key.of_spans(episode.index))
            self._edit(episode, matching)
        if left:
            raise InputError(f"the dataset has no dialogue {list(left.pop())}, which was reviewed.")

    def _take(self, before: Annotation, after: Annotation, checks: Checks) -> None:
        """Count an annotation; one with another dialogue or other skills than before gets the findings of these."""
        original = after.review.original if after.review else None
        is_other = bool(original and after.dialogue != original.dialogue) or before.sample.skills != after.sample.skills
        if after.dialogue and is_other and not before.sample.question.counterfactual:
            after = replace(after, checks=checks.findings(after))
            self._findings[Key.of(after)] = after.checks
        else:
            checks.hear(after)
        self.stale += is_stale(after)
        self._counts.add(after)

    def _edit(self, present: Episode, matching: Matching) -> None:
        """Take an episode over into the files of spans, where its spans are or were edited."""
        before = self._unedited.get(present.index)
        if before:
            self._files.restore(present.index, before.files)
        event = self._fold.spans(present.index)
        if event is None:
            return
        self.edited[present.index] = before or self._as_before(present)
        self._files.edit(matching.episode, event)

    def _as_before(self, episode: Episode) -> Unedited:
        annotations = self._before(episode)
        lines = list(lines_of(episode, annotations, self._original.manifest["generator"]["name"]))
        others = (counterfactual_line(it) for it in annotations if it.sample.question.counterfactual)
        return Unedited(episode.skills, lines, list(others), self._files.entries(episode.index))

    def _pairs(self, present: Episode) -> tuple[Matching, list[tuple[Annotation, Annotation]]]:
        """Return an episode after the review, with its annotations from before and after it."""
        stored = self._unedited.get(present.index)
        matching = Matching(stored.restored(present) if stored else present, self._fold)
        before = self._before(present)
        pairs = [(it, after) for it in before if (after := self._reviewed(it, matching))]
        # What edits of spans added is written once somebody decided on it.
        more = added(matching, [it for it in before if not it.sample.question.counterfactual], self._fold, self.source)
        decided = [it for it in more if self._fold.outcome(Key.of(it)).state != "open"]
        if decided:
            pairs += [(it, after) for it in decided if (after := self._reviewed(it, matching))]
            pairs.sort(key=lambda pair: pair[0].sample.moment.frame_index)
        return matching, pairs

    def _before(self, episode: Episode) -> list[Annotation]:
        """Return the annotations of an episode as they were before the review."""
        if stored := self._unedited.get(episode.index):
            return [*stored.annotations(), *map(counterfactual_of, stored.counterfactuals)]
        return [self._as_original(annotation) for annotation in self._original.annotations(episode)]

    def _as_original(self, annotation: Annotation) -> Annotation:
        # A line without an event of this review may have been reviewed before, in one whose events are gone.
        if annotation.sample.question.counterfactual or Key.of(annotation) not in self._written:
            return annotation
        review = annotation.review
        return review.original if review and review.original else replace(annotation, review=None)

    def _reviewed(self, before: Annotation, matching: Matching) -> Annotation | None:
        """Return an annotation after its events; None for a counterfactual of another skill than its frame has now."""
        if before.sample.question.counterfactual:
            frame = before.sample.moment.frame_index
            names = [span.name for span in spans_of(matching.episode) if span.start <= frame < span.stop]
            return before if not matching.is_edited or names == [before.sample.span.skill] else None
        key = Key.of(before)
        outcome = self._fold.outcome(key)
        _check(key, before, outcome)
        after = matching.checked(before, key, reviewed(matching.adapted(before), outcome))
        return replace(after, checks=self._findings[key]) if key in self._findings else after


def _check(key: Key, annotation: Annotation, outcome: Outcome) -> None:
    """Raise InputError where an edit was made to another text: it belongs to another dialogue."""
    values = originals(annotation)
    other = [name for name, value in outcome.was.items() if name in values and values[name] != value]
    if other:
        raise InputError(f"the dialogue {list(key)} is not the one that was edited: its {other[0]} is another.")
