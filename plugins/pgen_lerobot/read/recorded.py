"""What a dataset that pgen wrote says about its frames: the spans of its run, and the exchanges in force."""

import json
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


class Recorded:
    """The skill of each frame, and the exchanges in force at it; none of either where the dataset has lost them."""

    def __init__(self, dataset: Dataset) -> None:
        self._spans: dict[int, list[tuple[range, str]]] = {}
        with suppress(InputError):  # lerobot's tools keep no skills; the dialogue of each frame is there all the same
            self._read_spans(dataset)
        self._exchanges: dict[int, list[ExchangeRow]] = {}
        for row in read_exchanges(dataset.root / EXCHANGES):
            self._exchanges.setdefault(row.episode_index, []).append(row)

    def _read_spans(self, dataset: Dataset) -> None:
        source = LeRobotSource(**source_options(dataset.root, read_manifest(dataset.root)))
        source.open()
        for episode in source.episodes():
            names = (skill.name for skill in episode.skills)
            self._spans[episode.index] = list(zip(frame_ranges(episode), names, strict=True))

    def skill(self, episode_index: int, frame_index: int) -> str | None:
        """Return the skill of a frame, by its position in the episode; None outside every span."""
        spans = self._spans.get(episode_index, ())
        return next((name for frames, name in spans if frame_index in frames), None)

    def in_force(self, episode_index: int, frame_index: int) -> list[ExchangeRow]:
        """Return the exchanges in force at a frame, by their first frames."""
        rows = self._exchanges.get(episode_index, ())
        return [row for row in rows if row.start <= frame_index < row.stop]
