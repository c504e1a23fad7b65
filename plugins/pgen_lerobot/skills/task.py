"""The task itself, for datasets without skills. `--skills auto` never chooses it."""

from itertools import groupby

from pgen_lerobot.format import Dataset, EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, Place, SkillReader, span_of_frames


class TaskAsSkill(SkillReader):
    """A span for each stretch of frames with one task, named as the task."""

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
            spans.append(span_of_frames(self._texts[task], frames, start, stop, self._fps))
            start = stop
        return EpisodeSkills(tuple(spans))
