"""`meta/lerobot_annotations.json` (schema `lerobot_annotations`), the file of the LeRobot annotate page.

Version 2 has atoms: one of style `subtask` lasts until the next one. Version 1 has `subtasks` with start and
end. https://huggingface.co/spaces/lerobot/annotate
"""

from typing import Any

from pgen_lerobot.format import EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, FileReader, Place, load_json, spans_between, spans_of


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
            return EpisodeSkills(spans_between(starts, frames, self._fps))
        spans = spans_of(episode.get("subtasks") or (), "label")
        return EpisodeSkills(spans) if spans else None


def _starts(episode: dict[str, Any]) -> list[tuple[float, str]]:
    atoms = episode.get("atoms") or []
    return [(float(atom["timestamp"]), atom["content"] or "") for atom in atoms if atom.get("style") == "subtask"]
