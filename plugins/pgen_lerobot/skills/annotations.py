"""`meta/lerobot_annotations.json` (schema `lerobot_annotations`), the file of the LeRobot annotate page.

Its version 2 has atoms: one of style `subtask` lasts until the next one. Version 1 has `subtasks` with a
start and an end. https://huggingface.co/spaces/lerobot/annotate
"""

from typing import Any

from pgen.records import Skill
from pgen_lerobot.format import EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, FileReader, Place, load_json, until_the_next


class LeRobotAnnotations(FileReader):
    """The subtasks of `meta/lerobot_annotations.json`."""

    name = "lerobot-annotations"
    reads = "meta/lerobot_annotations.json"

    def __init__(self, place: Place) -> None:
        self._fps = place.dataset.fps
        content = load_json(self.path(place), "lerobot_annotations")
        self._episodes: dict[int, dict[str, Any]] = {int(key): episode for key, episode in content["episodes"].items()}

    @property
    def empty(self) -> bool:
        return not any(_starts(episode) or episode.get("subtasks") for episode in self._episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        episode = self._episodes.get(frames.episode_index, {})
        if starts := _starts(episode):
            return EpisodeSkills(until_the_next(starts, frames, self._fps))
        segments = episode.get("subtasks") or []
        if not segments:
            return None
        return EpisodeSkills(tuple(Skill(s["label"], float(s["start"]), float(s["end"])) for s in segments))


def _starts(episode: dict[str, Any]) -> list[tuple[float, str]]:
    atoms = episode.get("atoms") or []
    return [(float(atom["timestamp"]), atom["content"] or "") for atom in atoms if atom.get("style") == "subtask"]
