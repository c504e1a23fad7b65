"""`meta/custom_annotation.json` (schema `custom_annotation`), as Physical Intelligence requests shared data.

Its episodes have ids; `meta/custom_metadata.csv` maps them to indices. A span with the label
`human_intervention` says who moved the robot, not what it did. https://github.com/Physical-Intelligence/pi-data-sharing
"""

import csv
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.records import Skill
from pgen_lerobot.format import EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, FileReader, Place, load_json

METADATA = "custom_metadata.csv"
_NO_SKILL = "human_intervention"


class CustomAnnotation(FileReader):
    """The spans of `meta/custom_annotation.json`."""

    name = "custom-annotation"
    reads = "meta/custom_annotation.json"

    def __init__(self, place: Place) -> None:
        path = self.path(place)
        content = load_json(path, "custom_annotation")
        indices = _read_indices(path.with_name(METADATA))
        self._episodes: dict[int, list[dict[str, Any]]] = {}
        for episode in content["episodes"]:
            index = _index(episode["episode_id"], indices, path)
            if index in self._episodes:
                raise InputError(f"{path}: episode {index} occurs twice, the second time as {episode['episode_id']!r}.")
            self._episodes[index] = episode.get("spans") or []

    @property
    def empty(self) -> bool:
        return not any(span["label"] != _NO_SKILL for spans in self._episodes.values() for span in spans)

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        spans = self._episodes.get(frames.episode_index)
        if not spans:
            return None
        named = [span for span in spans if span["label"] != _NO_SKILL]
        notes = (f"spans labelled {_NO_SKILL}: no skill, left out",) * (len(spans) - len(named))
        skills = (Skill(span["label"], float(span["start_time"]), float(span["end_time"])) for span in named)
        return EpisodeSkills(tuple(skills), notes=notes)


def _index(episode_id: str, indices: dict[str, int] | None, path: Path) -> int:
    if indices is not None:
        if episode_id not in indices:
            where = path.with_name(METADATA)
            raise InputError(f"{path}: the episode {episode_id!r} is not in {where}; add its row there.")
        return indices[episode_id]
    number = episode_id.removeprefix("episode").removeprefix("ep").removeprefix("_")
    if not (number.isascii() and number.isdecimal() and len(number) <= 12):
        raise InputError(
            f"{path}: which episode is {episode_id!r}? Put {METADATA} with episode_index and episode_id beside it."
        )
    return int(number)


def _read_indices(path: Path) -> dict[str, int] | None:
    """Read the episodes' indices by id; None where the file is missing."""
    if not path.is_file():
        return None
    indices: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    episode_id, index = row["episode_id"], int(row["episode_index"])
                except (KeyError, TypeError, ValueError):
                    raise InputError(f"{path}, line {number}: it needs episode_id and a whole episode_index.") from None
                if episode_id in indices:
                    raise InputError(f"{path}, line {number}: the episode_id {episode_id!r} occurs twice.")
                indices[episode_id] = index
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV: {error}.") from None
    return indices
