"""The task itself: for datasets without skills. Never chosen by itself."""

from itertools import groupby

from pgen.records import Skill
from pgen_lerobot.format import Dataset, EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, Place, SkillReader, end_of


class TaskAsSkill(SkillReader):
    """Each stretch of frames with one task is a span that is named as the task."""

    name = "task"
    reads = "the column task_index"
    empty = False

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return True

    def __init__(self, place: Place) -> None:
        self._texts = place.dataset.tasks.texts
        self._fps = place.dataset.fps

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills:
        spans, start = [], 0
        for task, group in groupby(frames.task_indices):
            stop = start + sum(1 for _ in group)
            last = stop == len(frames.timestamps)
            end = end_of(frames, self._fps) if last else frames.timestamps[stop]
            spans.append(Skill(self._texts[task], frames.timestamps[start], end))
            start = stop
        return EpisodeSkills(tuple(spans))
