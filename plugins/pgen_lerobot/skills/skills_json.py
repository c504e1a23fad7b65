"""`meta/skills.json` (schema `skills`), with either spelling of its index, and episodes by text or number."""

from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.records import Skill
from pgen_lerobot.format import EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, FileReader, Place, load_json, spans_of


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

    @property
    def empty(self) -> bool:
        return not any(episode["skills"] for episode in self._episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        episode = self._episodes.get(frames.episode_index)
        if episode is None:
            return None
        task = episode.get("description")
        # The tool that writes this file puts the dataset's first task into every description.
        return EpisodeSkills(spans_of(episode["skills"]), own_task if task == self._dataset_task and own_task else task)


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
