"""Skills in files: `meta/skills.json` (schema `skills`), lines of spans (`skill_span`), and two other formats.

`meta/lerobot_annotations.json` (schema `lerobot_annotations`) is the file of the LeRobot annotate page,
https://huggingface.co/spaces/lerobot/annotate; in version 2 an atom of style `subtask` lasts until the next one.
`meta/custom_annotation.json` (schema `custom_annotation`) is what Physical Intelligence requests,
https://github.com/Physical-Intelligence/pi-data-sharing; `meta/custom_metadata.csv` maps its ids to indices.
"""

import csv
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.formats.schemas import validator
from pgen.records import Skill
from pgen.safety.bounded_json import check_text, json_lines
from pgen_lerobot.format import Dataset, EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, Place, SkillReader, spans_between
from pgen_lerobot.skills.levels import OTHER_SKILLS, PHASE, load_json, recorded_levels, spans_of

METADATA = "custom_metadata.csv"
_NO_SKILL = "human_intervention"


class FileReader(SkillReader):
    """A reader of one file: `reads` in the dataset, or the file that the user named."""

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return (dataset.root / cls.reads).is_file()

    @classmethod
    def path(cls, place: Place) -> Path:
        """Return the file to read. Raises InputError where it is missing."""
        path = place.file or place.dataset.root / cls.reads
        if not path.is_file():
            raise InputError(f"{path} is missing; --skills {cls.name} reads it.")
        return path


def read_spans(path: Path) -> dict[int, tuple[Skill, ...]]:
    """Read the spans of every episode as written. Raises InputError."""
    return {index: spans_of(episode["skills"]) for index, episode in _episodes(load_json(path, "skills"), path).items()}


class SkillsJson(FileReader):
    """The spans of `meta/skills.json`."""

    name = "skills-json"
    reads = "meta/skills.json"

    def __init__(self, place: Place) -> None:
        self.in_place = place.file is None
        path = self.path(place)
        content = load_json(path, "skills")
        self._dataset_task: str | None = content.get("coarse_description")
        self._episodes = _episodes(content, path)
        self._levels = recorded_levels(path)

    @property
    def empty(self) -> bool:
        return not any(episode["skills"] for episode in self._episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        episode = self._episodes.get(frames.episode_index)
        if episode is None:
            return None
        task = episode.get("description")
        # The tool that writes this file puts the dataset's first task into every description.
        own = task == self._dataset_task and own_task
        spans = self.spans(episode, frames)
        levels = self._levels.get(frames.episode_index, {})
        recorded = spans in levels.values()
        return EpisodeSkills(
            spans,
            own_task if own else task,
            (OTHER_SKILLS,) if levels and not recorded else (),
            levels.get(PHASE, ()) if recorded else (),
        )

    def names(self) -> tuple[str, ...]:
        names = (skill["name"].strip() for episode in self._episodes.values() for skill in episode["skills"])
        return tuple(dict.fromkeys(names))

    def spans(self, content: dict[str, Any], frames: EpisodeFrames) -> tuple[Skill, ...]:
        return spans_of(content["skills"])


def _episodes(content: dict[str, Any], path: Path) -> dict[int, dict[str, Any]]:
    episodes: dict[int, dict[str, Any]] = {}
    for key, episode in content["episodes"].items():
        index = int(episode.get("episode_index", key))
        if index != int(key):
            raise InputError(f"{path}: $.episodes.{key} says episode_index {index}; the two must agree.")
        if index in episodes:
            raise InputError(f"{path}: episode {index} occurs twice.")
        episodes[index] = episode
    return episodes


class SpanLines(FileReader):
    """The spans of a file of lines."""

    name = "jsonl"
    reads = "meta/skills.jsonl"

    def __init__(self, place: Place) -> None:
        self._episodes: dict[int, list[Skill]] = {}
        path, schema = self.path(place), validator("skill_span")
        for number, line in json_lines(path):
            if problem := schema.first_error(line):
                raise InputError(f"{path}, line {number}: {problem}. See `pgen schema skill_span`.")
            check_text(line, f"{path}, line {number}")
            skill = Skill(line.get("skill") or line.get("name", ""), float(line["start"]), float(line["end"]))
            self._episodes.setdefault(line["episode_index"], []).append(skill)

    def spans(self, content: list[Skill], frames: EpisodeFrames) -> tuple[Skill, ...]:
        return tuple(content)


class LeRobotAnnotations(FileReader):
    """The subtasks of `meta/lerobot_annotations.json`."""

    name = "lerobot-annotations"
    reads = "meta/lerobot_annotations.json"

    def __init__(self, place: Place) -> None:
        self._fps = place.dataset.fps
        content = load_json(self.path(place), "lerobot_annotations")
        starts = {int(key): (episode, _starts(episode)) for key, episode in content["episodes"].items()}
        self._episodes = {
            index: of_version_2 or spans_of(episode.get("subtasks") or (), "label")
            for index, (episode, of_version_2) in starts.items()
        }

    def spans(self, content: Any, frames: EpisodeFrames) -> tuple[Skill, ...]:
        return spans_between(content, frames, self._fps) if isinstance(content, list) else content


def _starts(episode: dict[str, Any]) -> list[tuple[float, str]]:
    atoms = episode.get("atoms") or []
    return [(float(atom["timestamp"]), atom["content"] or "") for atom in atoms if atom.get("style") == "subtask"]


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
        return not any(self.spans(spans) for spans in self._episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        content = self._episodes.get(frames.episode_index)
        if not content:
            return None
        spans = self.spans(content)
        notes = (f"spans labelled {_NO_SKILL}: no skill, left out",) * (len(content) - len(spans))
        return EpisodeSkills(spans, notes=notes)

    def spans(self, content: list[dict[str, Any]], frames: EpisodeFrames | None = None) -> tuple[Skill, ...]:
        named = (span for span in content if span["label"] != _NO_SKILL)
        return tuple(Skill(span["label"], float(span["start_time"]), float(span["end_time"])) for span in named)


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
