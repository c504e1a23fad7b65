"""Where an episode's skill spans come from: `meta/skills.json`, a file of that form, or the task itself.

A reader gives the spans as they were written; `pgen.spans` makes them sorted and disjoint.
"""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from pgen.errors import InputError
from pgen.records import Skill
from pgen.schema import first_error, validator
from pgen.sidefiles import read_json
from pgen_lerobot.frames import EpisodeFrames


@dataclass(frozen=True, slots=True)
class EpisodeSkills:
    """The spans of an episode as written, and its task; None where the reader knows none."""

    spans: tuple[Skill, ...]
    task: str | None = None


class SkillReader(Protocol):
    """Spans by episode. `own_task` is the text of the frames' task_index."""

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        """The episode's spans, or None where it has none."""


class SkillsFile:
    """A skills.json (schema `skills`), with either spelling of its index and keys as strings."""

    def __init__(self, path: Path) -> None:
        content = _load(path)
        self._coarse = content.get("coarse_description")
        self._episodes: dict[int, dict[str, Any]] = {}
        for key, episode in content["episodes"].items():
            said = int(episode.get("episode_index", key))
            if said != int(key):
                raise InputError(f"{path}: $.episodes.{key} says episode_index {said}; the two must agree.")
            if said in self._episodes:
                raise InputError(f"{path}: episode {said} stands there twice.")
            self._episodes[said] = episode

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        episode = self._episodes.get(frames.episode_index)
        if episode is None:
            return None
        spans = tuple(Skill(s["name"], float(s["start"]), float(s["end"])) for s in episode["skills"])
        return EpisodeSkills(spans, self._task(episode.get("description"), own_task))

    def _task(self, description: str | None, own_task: str) -> str | None:
        """The tool that writes the file puts the dataset's first task into every description."""
        return own_task if description == self._coarse and own_task else description


class TaskAsSkill:
    """Each stretch of frames with one task is a span that is named as the task."""

    def __init__(self, texts: tuple[str, ...], fps: float) -> None:
        self._texts = texts
        self._period = 1.0 / fps

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills:
        spans, start = [], 0
        for task, group in groupby(frames.task_indices):
            stop = start + sum(1 for _ in group)
            last = stop == len(frames.timestamps)
            end = frames.timestamps[-1] + self._period if last else frames.timestamps[stop]
            spans.append(Skill(self._texts[task], frames.timestamps[start], end))
            start = stop
        return EpisodeSkills(tuple(spans))


def reader(choice: str, root: Path, texts: tuple[str, ...], fps: float) -> SkillReader:
    """The reader for `--skills`: `auto` (meta/skills.json), `task`, or the path of a file."""
    if choice == "task":
        return TaskAsSkill(texts, fps)
    path = root / "meta" / "skills.json" if choice == "auto" else Path(choice)
    if not path.is_file():
        told = f"{path} is missing" if choice == "auto" else f"--skills: there is no file {choice}"
        raise InputError(
            f"{told}. Annotate the dataset with skills first, name a file with --skills FILE, or use "
            "--skills task to take each episode's task as its one skill."
        )
    return SkillsFile(path)


def _load(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if problem := first_error(validator("skills"), content):
        raise InputError(f"{path} does not fit the schema `skills` at {problem}. See `pgen schema skills`.")
    return dict(content)
