"""`meta/skills.json` (schema `skills`): with either spelling of its index, and episodes by text or number."""

from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.records import Skill
from pgen_lerobot.frames import EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, FileReader, Place, load_json


class SkillsJson(FileReader):
    """The spans of `meta/skills.json`."""

    name = "skills-json"
    reads = "meta/skills.json"

    def __init__(self, place: Place) -> None:
        path = self.path(place)
        self.in_place = place.file is None
        content = load_json(path, "skills")
        self._coarse = content.get("coarse_description")
        self._episodes = _episodes(path, content)

    @property
    def empty(self) -> bool:
        return not any(episode["skills"] for episode in self._episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        episode = self._episodes.get(frames.episode_index)
        if episode is None:
            return None
        return EpisodeSkills(_spans(episode), self._task(episode.get("description"), own_task))

    def _task(self, description: str | None, own_task: str) -> str | None:
        """The tool that writes the file puts the dataset's first task into every description."""
        return own_task if description == self._coarse and own_task else description


def spans_of(path: Path) -> dict[int, tuple[Skill, ...]]:
    """The spans of every episode of a skills file, as they are written there. Raises InputError."""
    return {index: _spans(episode) for index, episode in _episodes(path, load_json(path, "skills")).items()}


def _episodes(path: Path, content: dict[str, Any]) -> dict[int, dict[str, Any]]:
    episodes: dict[int, dict[str, Any]] = {}
    for key, episode in content["episodes"].items():
        said = int(episode.get("episode_index", key))
        if said != int(key):
            raise InputError(f"{path}: $.episodes.{key} says episode_index {said}; the two must agree.")
        if said in episodes:
            raise InputError(f"{path}: episode {said} stands there twice.")
        episodes[said] = episode
    return episodes


def _spans(episode: dict[str, Any]) -> tuple[Skill, ...]:
    return tuple(Skill(s["name"], float(s["start"]), float(s["end"])) for s in episode["skills"])
