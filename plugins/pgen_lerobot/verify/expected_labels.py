"""The labels that a dataset should have, computed from its annotations and its skills by pgen.labels.

The annotations are read along with the episodes, and each is compared with the episode that it names.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from pgen.errors import PgenError
from pgen.formats.syn_annotations import from_line, read_lines
from pgen.labels import Labelling, exchanges, frame_ranges
from pgen.records import Annotation, Episode
from pgen_lerobot.format import EXCHANGES, MANIFEST, Dataset, ExchangeRow, TaskRow, exchange_rows, read_exchanges
from pgen_lerobot.read import LeRobotSource, source_options
from pgen_lerobot.verify.problems import Problem
from pgen_lerobot.write import LINES, Annotated, Labeller

NO_ROW = -2
"""The expected label of a dialogue that has no row in the task table."""
_NO_LABELLING = f"{MANIFEST} does not say how frames were labelled, so the labels and {EXCHANGES} were not checked"
_FORMER = (
    f"the dataset was annotated before exchanges had scopes: it has no {EXCHANGES}, and its labels were checked as "
    "those of single skills; `pgen repair` writes the table"
)
_FORMER_WORDINGS = (
    f"the dataset was annotated before exchanges had scopes, with several wordings: it has no {EXCHANGES}, and which "
    "wording labels a frame was not checked; `pgen repair` labels it anew and writes the table"
)


class Line(NamedTuple):
    """The annotation of a line, and the frames of its exchange as the line states them; None in a former output."""

    row: int
    annotation: Annotation
    frames: tuple[int | None, int | None] | None


class ExpectedLabels:
    """The expected label of each row, in the order of the data; None after an error made them unknown."""

    def __init__(self, dataset: Dataset, manifest: dict[str, Any]) -> None:
        self._dataset, self._manifest = dataset, manifest
        self._problems: list[Problem] = []
        self._rows = {text: index for index, text in enumerate(dataset.tasks.texts)}
        self.notes: list[str] = []
        """What could not be checked."""
        self.labeller: Labeller | None = None
        """The labeller, with its counts; None after an error."""
        labels = manifest.get("labels")
        self._outcomes: Counter[bool] = Counter()
        self.used: dict[int, TaskRow] = {}
        """The task rows that the annotations give, by label."""
        self.least = -1 if isinstance(labels, dict) and labels.get("unlabelled") == "-1" else 0
        """The least valid label."""
        self._try(self._start)

    def column(self, table: pa.Table) -> "pa.Array[Any] | None":
        """Return the labels of the next rows."""
        labeller = self.labeller
        return self._try(lambda: labeller.column(table)) if labeller else None

    def finish(self) -> None:
        """End the data."""
        if self.labeller:
            self._try(self.labeller.finish)

    def problems(self) -> Iterator[Problem]:
        """Return the problems since the last call."""
        while self._problems:
            yield self._problems.pop(0)

    def miscounts(self) -> Iterator[Problem]:
        """Compare the manifest's counts with those of the annotations and the labels, after the last row."""
        if self.labeller is None:
            return
        labelled, frames = self.labeller.labelled, self.labeller.counts.total()
        expected = {
            "counts": {"answered": self._outcomes[True], "samples": self._outcomes.total()},
            "labels": {
                "frames": frames,
                "frames_labelled": labelled,
                "frames_unlabelled": frames - labelled,
                "dialogues": len(self.used),
            },
        }
        for part, numbers in expected.items():
            recorded = self._manifest.get(part)
            content: dict[str, Any] = recorded if isinstance(recorded, dict) else numbers
            for key, number in numbers.items():
                if content.get(key) != number:
                    yield Problem(MANIFEST, f"{part}.{key} is {content.get(key)}, there are {number}")

    def annotated(self) -> Iterator[Annotated]:
        """Read the episodes with the annotations that fit them. Raises PgenError."""
        source = LeRobotSource(**source_options(self._dataset.root, self._manifest))
        source.open()
        return self._annotated(source, self._dataset.root / LINES)

    def _start(self) -> None:
        stats = self._dataset.layout.stats.names()
        run = self._manifest.get("run") or {}
        annotated, labelling = self.annotated(), Labelling.of_run(run)
        if "scopes" in run:
            annotated = self._with_exchanges(annotated)
        elif (self._dataset.root / EXCHANGES).exists():
            self.notes.append(_NO_LABELLING)
            return
        elif run.get("variants") not in (None, 1):
            self.notes.append(_FORMER_WORDINGS)
            list(annotated)  # reports the lines that do not fit
            return
        else:
            self.notes.append(_FORMER)
        self.labeller = Labeller(annotated, self._row, self.least or None, labelling, stats)

    def _with_exchanges(self, annotated: Iterator[Annotated]) -> Iterator[Annotated]:
        """Yield the same episodes, and compare the exchanges of each with the table of exchanges."""
        actual = read_exchanges(self._dataset.root / EXCHANGES)
        row, equal = 0, True
        for episode, annotations in annotated:
            for expected in exchange_rows(episode, annotations, self._row):
                found = next(actual, None)
                if equal and found != expected:
                    equal = False
                    self._problems.append(Problem(EXCHANGES, _difference(found, expected), row))
                row += 1
            yield episode, annotations
        if equal and next(actual, None) is not None:
            self._problems.append(Problem(EXCHANGES, "the annotations give no further exchange", row))

    def _row(self, annotation: Annotation, spoken: bool) -> int:
        task_row = TaskRow.of(annotation, spoken)
        row = self._rows.get(task_row.text, NO_ROW)
        if row != NO_ROW:
            self.used[row] = self.used[row].merged(task_row) if row in self.used else task_row
        return row

    def _annotated(self, source: LeRobotSource, path: Path) -> Iterator[Annotated]:
        numbered = (Line(row, from_line(line), _frames(line)) for row, line in enumerate(read_lines(path)))
        groups = groupby(numbered, key=lambda line: line.annotation.sample.span.episode_index)
        group = next(groups, None)
        for episode in source.episodes():
            annotations: list[Annotation] = []
            if group is not None and group[0] == episode.index:
                annotations = self._fitting(episode, list(group[1]))
                group = next(groups, None)
            yield episode, annotations
        if group is not None:
            row = next(group[1]).row
            what = f"episode {group[0]} is not among the annotated ones, or comes out of order"
            self._problems.append(Problem(LINES, what, row))

    def _fitting(self, episode: Episode, lines: list[Line]) -> list[Annotation]:
        """Return the annotations that fit the episode; the others become problems."""
        ranges = frame_ranges(episode)
        fitting: list[Annotation] = []
        before = -1
        seen: set[tuple[int, str, int]] = set()
        for row, annotation, _ in lines:
            self._outcomes[annotation.dialogue is not None] += 1
            frame, question = annotation.sample.moment.frame_index, annotation.sample.question
            place = frame, question.scope, question.variant
            what = misfit(episode, ranges, annotation)
            if what is None and (frame < before or place in seen):
                what = "its frame comes twice, or out of order"
            if what is None:
                fitting.append(annotation)
                before = frame
                seen.add(place)
            else:
                self._problems.append(Problem(LINES, what, row))
        if len(fitting) == len(lines):
            self._problems += _other_frames(episode, lines)
        return fitting

    def _try[T](self, step: Callable[[], T]) -> T | None:
        """Call a step; after an error the labels are unknown."""
        try:
            return step()
        except (PgenError, OSError) as error:
            self.labeller = None
            self._problems.append(Problem(LINES, f"the labels cannot be made again: {error}"))
            return None


def _frames(line: dict[str, Any]) -> tuple[int | None, int | None] | None:
    return (line["start"], line["stop"]) if {"start", "stop"} <= line.keys() else None


def _other_frames(episode: Episode, lines: list[Line]) -> Iterator[Problem]:
    """Report lines that state other frames than those over which their exchanges are in force."""
    in_force = {it.annotation.sample: (it.start, it.stop) for it in exchanges(episode, (it.annotation for it in lines))}
    for row, annotation, frames in lines:
        expected = in_force.get(annotation.sample, (None, None))
        if frames not in (expected, None):
            yield Problem(LINES, f"the exchange is in force over the frames {expected}, the line says {frames}", row)


def _forbidden_skill(annotation: Annotation) -> str:
    """Return the first skill that uses what a standing exchange forbids, or ""."""
    excluded = _words(annotation.plan.excluded or "")
    if annotation.sample.question.scope != "standing" or not excluded:
        return ""
    return next((name for name in annotation.sample.skills if excluded <= _words(name)), "")


def _withdrawn(annotation: Annotation) -> bool:
    """Return whether a person withdrew the dialogue: it labels no frame, and its spans may be other ones."""
    return annotation.failure is not None and annotation.failure.stage == "review"


def _words(text: str) -> set[str]:
    return {word.strip(".,;:()'\"") for word in text.lower().replace("_", " ").split()} - {"the", "a", "an"}


def _difference(actual: ExchangeRow | None, expected: ExchangeRow) -> str:
    """Say in which column an exchange is not what the annotations give."""
    if actual is None:
        return "the row is missing; the annotations give more exchanges"
    pairs = zip(ExchangeRow._fields, actual, expected, strict=True)
    name, value, wanted = next((name, value, wanted) for name, value, wanted in pairs if value != wanted)
    return f"{name} is {value!r}, the annotations give {wanted!r} (and others may differ)"


def misfit(episode: Episode, ranges: list[range], annotation: Annotation) -> str | None:
    """Return why an annotation does not fit the episode, whose spans have the frames `ranges`; None if it fits."""
    sample = annotation.sample
    index, frame, timestamp = sample.span.skill_index, sample.moment.frame_index, sample.moment.timestamp
    if index >= len(ranges) or episode.skills[index].name != sample.span.skill:
        return f"skill {index} of episode {episode.index} is not {sample.span.skill!r}"
    names = tuple(skill.name for skill in episode.skills[index : index + sample.question.skills])
    if sample.skills != names:
        return f"the {sample.question.scope} exchange of frame {frame} leads to skills that follow no more"
    if not _withdrawn(annotation) and (used := _forbidden_skill(annotation)):
        return f"the standing exchange of frame {frame} forbids {annotation.plan.excluded}, which {used!r} uses"
    if frame not in ranges[index] and not _withdrawn(annotation):
        return f"frame {frame} of episode {episode.index} is not in the span of {sample.span.skill!r}"
    if timestamp is None or abs(timestamp - episode.timestamps[frame]) > 1e-6:
        return f"frame {frame} of episode {episode.index} is at {episode.timestamps[frame]} s, not {timestamp}"
    return None
