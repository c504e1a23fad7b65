"""The labels that a dataset should have: from its annotation lines and its skills, by the rules of pgen.labels.assign.

The lines are read along with the episodes, and each is checked against the episode it names.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from pgen.errors import PgenError
from pgen.formats.syn_annotations import from_line, read_lines
from pgen.labels.spans import frame_ranges
from pgen.records import Annotation, Episode
from pgen_lerobot.format import Dataset, TaskRow
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify.problems import Problem
from pgen_lerobot.write import KEPT_SKILLS, Labeller

LINES = "meta/syn_annotations.jsonl"
MANIFEST = "meta/pgen/manifest.json"
NO_ROW = -2
"""Stands for a dialogue that has no row in the task table."""


class Expected:
    """The expected label of each row, in the order of the data; None once they cannot be told."""

    def __init__(self, dataset: Dataset, manifest: dict[str, Any]) -> None:
        self._dataset, self._manifest = dataset, manifest
        self._found: list[Problem] = []
        self._rows = {text: index for index, text in enumerate(dataset.tasks.texts)}
        self._labeller: Labeller | None = None
        labels = manifest.get("labels")
        self._outcomes: Counter[bool] = Counter()
        self.used: dict[int, TaskRow] = {}
        """What the annotations say of each row of the task table that labels frames."""
        self.least = -1 if isinstance(labels, dict) and labels.get("unlabelled") == "-1" else 0
        self._try(self._start)

    @property
    def counts(self) -> Labeller | None:
        """What was given out so far, while everything went well."""
        return self._labeller

    def column(self, table: pa.Table) -> "pa.Array[Any] | None":
        """The labels of the next rows."""
        column: list[pa.Array[Any]] = []
        self._try(lambda: column.append(self._labeller.column(table)) if self._labeller else None)
        return column[0] if column else None

    def finish(self) -> None:
        """There are no more rows."""
        self._try(lambda: self._labeller.finish() if self._labeller else None)

    def problems(self) -> Iterator[Problem]:
        """What was found since the last call."""
        while self._found:
            yield self._found.pop(0)

    def miscounts(self) -> Iterator[Problem]:
        """The manifest's counts against those of the lines and the labels; call it at the end."""
        if self._labeller is None:
            return
        labelled, frames = self._labeller.labelled, self._labeller.counts.total()
        right = {
            "counts": {"answered": self._outcomes[True], "samples": self._outcomes.total()},
            "labels": {"frames": frames, "frames_labelled": labelled, "frames_unlabelled": frames - labelled},
        }
        right["labels"]["dialogues"] = len(self.used)
        for part, numbers in right.items():
            content = self._manifest.get(part)
            told: dict[str, Any] = content if isinstance(content, dict) else numbers
            for key, number in numbers.items():
                if told.get(key) != number:
                    yield Problem(MANIFEST, f"{part}.{key} is {told.get(key)}, there are {number}")

    def annotated(self) -> Iterator[tuple[Episode, list[Annotation]]]:
        """The episodes with the annotations that fit them, anew. Raises PgenError."""
        source = LeRobotSource(**source_options(self._dataset.root, self._manifest))
        source.open()
        return self._annotated(source, self._dataset.root / LINES)

    def _start(self) -> None:
        self._labeller = Labeller(self.annotated(), self._row, self.least or None, self._dataset.layout.stats.names())

    def _row(self, annotation: Annotation) -> int:
        dialogue = annotation.dialogue
        row = NO_ROW if dialogue is None else self._rows.get(dialogue.task, NO_ROW)
        if row != NO_ROW:
            said = TaskRow.of(annotation)
            self.used[row] = self.used[row].agreeing(said) if row in self.used else said
        return row

    def _annotated(self, source: LeRobotSource, path: Path) -> Iterator[tuple[Episode, list[Annotation]]]:
        numbered = ((row, from_line(line)) for row, line in enumerate(read_lines(path)))
        groups = groupby(numbered, key=lambda item: item[1].sample.span.episode_index)
        upcoming = next(groups, None)
        for episode in source.episodes():
            annotations: list[Annotation] = []
            if upcoming is not None and upcoming[0] == episode.index:
                annotations = self._checked(episode, list(upcoming[1]))
                upcoming = next(groups, None)
            yield episode, annotations
        if upcoming is not None:
            row = next(upcoming[1])[0]
            what = f"episode {upcoming[0]} is not among the annotated ones, or comes out of order"
            self._found.append(Problem(LINES, what, row))

    def _checked(self, episode: Episode, lines: list[tuple[int, Annotation]]) -> list[Annotation]:
        """Those of the lines that fit the episode; the others are problems."""
        ranges = frame_ranges(episode)
        good: list[Annotation] = []
        before = (-1, 0)
        for row, annotation in lines:
            self._outcomes[annotation.dialogue is not None] += 1
            what = misfit(episode, ranges, annotation)
            if (
                what is None
                and (at := (annotation.sample.moment.frame_index, annotation.sample.question.variant)) <= before
            ):
                what = "its frame comes twice, or out of order"
            if what is None:
                good.append(annotation)
                before = at
            else:
                self._found.append(Problem(LINES, what, row))
        return good

    def _try(self, step: Any) -> None:
        try:
            step()
        except (PgenError, OSError) as error:
            self._labeller = None
            self._found.append(Problem(LINES, f"the labels cannot be made again: {error}"))


def source_options(root: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """The options of the run's source, for the dataset where it is now: labels and skills need no pictures."""
    told = manifest.get("source")
    source = told if isinstance(told, dict) else {}
    kept = root / KEPT_SKILLS
    skills = str(kept) if kept.is_file() else source.get("skills", "auto")
    return {"root": root, "episodes": source.get("episodes"), "skills": skills, "views": 0}


def misfit(episode: Episode, ranges: list[range], annotation: Annotation) -> str | None:
    """What of the annotation is not so in the episode, whose spans have the frames `ranges`; None where all is."""
    sample = annotation.sample
    index, frame, timestamp = sample.span.skill_index, sample.moment.frame_index, sample.moment.timestamp
    if index >= len(ranges) or episode.skills[index].name != sample.span.skill:
        return f"skill {index} of episode {episode.index} is not {sample.span.skill!r}"
    if frame not in ranges[index]:
        return f"frame {frame} of episode {episode.index} is not in the span of {sample.span.skill!r}"
    if timestamp is None or abs(timestamp - episode.timestamps[frame]) > 1e-6:
        return f"frame {frame} of episode {episode.index} is at {episode.timestamps[frame]} s, not {timestamp}"
    return None
