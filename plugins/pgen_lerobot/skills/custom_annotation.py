"""`meta/custom_annotation.json` (schema `custom_annotation`), as Physical Intelligence asks for shared data.

Episodes have ids there; `meta/custom_metadata.csv` says which is which. A span with the label
`human_intervention` says who held the robot, not what it did. https://github.com/Physical-Intelligence/pi-data-sharing
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
        known = _indices(path.with_name(METADATA))
        self._episodes: dict[int, list[dict[str, Any]]] = {}
        for episode in content["episodes"]:
            index = _index(episode["episode_id"], known, path)
            if index in self._episodes:
                raise InputError(
                    f"{path}: episode {index} stands there twice, the second time as {episode['episode_id']!r}."
                )
            self._episodes[index] = episode.get("spans") or []

    @property
    def empty(self) -> bool:
        return not any(span["label"] != _NO_SKILL for spans in self._episodes.values() for span in spans)

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        found = self._episodes.get(frames.episode_index)
        if not found:
            return None
        skills = [span for span in found if span["label"] != _NO_SKILL]
        notes = (f"spans labelled {_NO_SKILL}: no skill, left out",) * (len(found) - len(skills))
        spans = (Skill(span["label"], float(span["start_time"]), float(span["end_time"])) for span in skills)
        return EpisodeSkills(tuple(spans), notes=notes)


def _index(name: str, known: dict[str, int] | None, path: Path) -> int:
    if known is not None:
        if name not in known:
            raise InputError(f"{path}: the episode {name!r} is not in {path.with_name(METADATA)}; add its row there.")
        return known[name]
    ending = name.removeprefix("episode").removeprefix("ep").removeprefix("_")
    if not (ending.isascii() and ending.isdecimal() and len(ending) <= 12):
        raise InputError(
            f"{path}: which episode is {name!r}? Put {METADATA} with episode_index and episode_id beside it."
        )
    return int(ending)


def _indices(path: Path) -> dict[str, int] | None:
    """The episodes' indices by id; None where there is no such file."""
    if not path.is_file():
        return None
    indices: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    name, index = row["episode_id"], int(row["episode_index"])
                except (KeyError, TypeError, ValueError):
                    raise InputError(f"{path}, line {number}: it needs episode_id and a whole episode_index.") from None
                if name in indices:
                    raise InputError(f"{path}, line {number}: the episode_id {name!r} stands there twice.")
                indices[name] = index
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV: {error}.") from None
    return indices
