"""What a dataset that pgen wrote says about its frames: the spans of its run, and the exchanges in force."""

import json
from array import array
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.labels import frame_ranges
from pgen_lerobot.format import (
    EXCHANGES,
    KEPT_SKILLS,
    MANIFEST,
    Dataset,
    ExchangeRow,
    read_exchanges,
    read_text,
)
from pgen_lerobot.read.source import LeRobotSource

_CODED = tuple(map(ExchangeRow._fields.index, ("scope", "skills", "scenario_type", "response_type")))
"""The positions of the columns that hold no numbers."""


def read_manifest(root: Path) -> dict[str, Any]:
    """Read the manifest. Raises InputError where it is missing or no JSON object."""
    try:
        return dict(json.loads(read_text(root / MANIFEST)))
    except (OSError, ValueError, TypeError):
        raise InputError(f"{root / MANIFEST} is missing or no JSON; run `pgen annotate` on the dataset.") from None


def source_options(root: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the run's source, for the dataset in its present folder, without images."""
    recorded = manifest.get("source")
    source = recorded if isinstance(recorded, dict) else {}
    path = root / KEPT_SKILLS
    skills = str(path) if path.is_file() else source.get("skills", "auto")
    return {"root": root, "episodes": source.get("episodes"), "skills": skills, "views": 0}


class Exchanges:
    """The rows of the table of exchanges by frame. Held as numbers, since a dataset may have millions of them."""

    def __init__(self, root: Path) -> None:
        self._columns = tuple(array("q") for _ in ExchangeRow._fields)
        self._values: list[Any] = []
        """The distinct cells of the columns that hold no numbers; these columns have positions here."""
        self._episodes: dict[int, range] = {}
        """The rows of each episode, by their first frames, as the table has them."""
        codes: dict[str, int] = {}
        for number, row in enumerate(read_exchanges(root / EXCHANGES)):
            self._add(row, codes)
            first = self._episodes.get(row.episode_index, range(number, number)).start
            self._episodes[row.episode_index] = range(first, number + 1)

    def _add(self, row: ExchangeRow, codes: dict[str, int]) -> None:
        cells: list[Any] = list(row)
        for position in _CODED:
            code = codes.setdefault(repr(cells[position]), len(codes))
            self._values += [cells[position]] if code == len(self._values) else []
            cells[position] = code
        for column, cell in zip(self._columns, cells, strict=True):
            column.append(cell)

    def in_force(self, episode_index: int, frame_index: int) -> list[ExchangeRow]:
        """Return the exchanges in force at a frame, by their first frames."""
        rows = self._episodes.get(episode_index, range(0))
        _, starts, stops, *_ = self._columns
        begun = bisect_right(starts, frame_index, rows.start, rows.stop)
        return [self._row(number) for number in range(rows.start, begun) if frame_index < stops[number]]

    def _row(self, number: int) -> ExchangeRow:
        cells: list[Any] = [column[number] for column in self._columns]
        for position in _CODED:
            cells[position] = self._values[cells[position]]
        return ExchangeRow._make(cells)


class Recorded:
    """The skill of each frame, and the exchanges in force at it; none of either where the dataset has lost them."""

    def __init__(self, dataset: Dataset) -> None:
        self._spans: dict[int, list[tuple[range, str]]] = {}
        self._knows_spans = False
        with suppress(InputError):  # lerobot's tools keep no skills; the dialogue of each frame is there all the same
            self._read_spans(dataset)
        self._exchanges = Exchanges(dataset.root)

    def _read_spans(self, dataset: Dataset) -> None:
        source = LeRobotSource(**source_options(dataset.root, read_manifest(dataset.root)))
        source.open()
        for episode in source.episodes():
            names = (skill.name for skill in episode.skills)
            spans = zip(frame_ranges(episode), names, strict=True)
            self._spans[episode.index] = [(frames, name) for frames, name in spans if frames]
        self._knows_spans = True

    def skill(self, episode_index: int, frame_index: int) -> str | None:
        """Return the skill of a frame, by its position in the episode; None outside every span."""
        spans = self._spans.get(episode_index, [])
        position = bisect_right(spans, frame_index, key=lambda span: span[0].start) - 1
        frames, name = spans[position] if position >= 0 else (range(0), "")
        return name if frame_index in frames else None

    def in_force(self, episode_index: int, frame_index: int) -> list[ExchangeRow]:
        """Return the exchanges in force at a frame, by their first frames; none where no skill goes on."""
        if self._knows_spans and self.skill(episode_index, frame_index) is None:
            return []
        return self._exchanges.in_force(episode_index, frame_index)
