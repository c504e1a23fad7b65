"""`meta/skills.json` (schema `skills`): with either spelling of its index, and episodes by text or number."""

from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.records import Skill
from pgen_lerobot.format import EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, FileReader, Place, load_json


class SkillsFile:
    """The content of such a file, wherever it lies. Raises InputError."""

    def __init__(self, path: Path) -> None:
        content = load_json(path, "skills")
        self.coarse: str | None = content.get("coarse_description")
        self.episodes: dict[int, dict[str, Any]] = {}
        for key, episode in content["episodes"].items():
            said = int(episode.get("episode_index", key))
            if said != int(key):
                raise InputError(f"{path}: $.episodes.{key} says episode_index {said}; the two must agree.")
            if said in self.episodes:
                raise InputError(f"{path}: episode {said} stands there twice.")
            self.episodes[said] = episode

    def spans(self, episode: int) -> tuple[Skill, ...]:
        """The spans of an episode as they were written."""
        return tuple(Skill(s["name"], float(s["start"]), float(s["end"])) for s in self.episodes[episode]["skills"])


def read_spans(path: Path) -> dict[int, tuple[Skill, ...]]:
    """The spans of every episode as they were written. Raises InputError."""
    file = SkillsFile(path)
    return {episode: file.spans(episode) for episode in file.episodes}


class SkillsJson(FileReader):
    """The spans of `meta/skills.json`."""

    name = "skills-json"
    reads = "meta/skills.json"

    def __init__(self, place: Place) -> None:
        self.in_place = place.file is None
        self._file = SkillsFile(self.path(place))

    @property
    def empty(self) -> bool:
        return not any(episode["skills"] for episode in self._file.episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        episode = self._file.episodes.get(frames.episode_index)
        if episode is None:
            return None
        return EpisodeSkills(self._file.spans(frames.episode_index), self._task(episode.get("description"), own_task))

    def _task(self, description: str | None, own_task: str) -> str | None:
        """The tool that writes the file puts the dataset's first task into every description."""
        return own_task if description == self._file.coarse and own_task else description
