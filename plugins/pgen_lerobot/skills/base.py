"""The contract of skill readers: spans by episode, as written; `pgen.labels.spans` sorts and separates them.

A reader is built when the source is opened and checks then what it reads, before anything is paid for. It
holds spans, never a value per frame.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pgen.records import Skill
from pgen_lerobot.format import Dataset, EpisodeFrames


@dataclass(frozen=True, slots=True)
class EpisodeSkills:
    """An episode's spans as written, and its task; None where the reader has none.

    `notes` has a note for each span that was left out, `phases` what the spans make up, where that is recorded.
    """

    spans: tuple[Skill, ...]
    task: str | None = None
    notes: tuple[str, ...] = ()
    phases: tuple[Skill, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What a reader reads: the dataset, its selected episodes (None: all), and a file that the user named."""

    dataset: Dataset
    selected: set[int] | None = None
    file: Path | None = None


class SkillReader(ABC):
    """Spans by episode. Raises InputError where they cannot be used."""

    name: ClassVar[str]
    """Its name for `--skills`."""
    reads: ClassVar[str]
    """What it reads, for messages."""
    in_place: bool = False
    """Whether the output carries the spans over as they are."""
    _episodes: dict[int, Any]
    """What the reader has of each episode, empty where that is no span."""

    @classmethod
    @abstractmethod
    def has(cls, dataset: Dataset) -> bool:
        """Return whether the dataset has what this reader reads."""

    @abstractmethod
    def __init__(self, place: Place) -> None: ...

    @property
    def empty(self) -> bool:
        """Whether there is no span at all."""
        return not any(self._episodes.values())

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        """Return the episode's spans; None where it has none. `own_task` is the text of its task_index."""
        content = self._episodes.get(frames.episode_index)
        return EpisodeSkills(self.spans(content, frames)) if content else None

    def names(self) -> tuple[str, ...]:
        """Return the names of the skills of all episodes, selected or not, where one file holds them all."""
        return ()

    @abstractmethod
    def spans(self, content: Any, frames: EpisodeFrames) -> tuple[Skill, ...]:
        """Return an episode's spans from its content."""


def spans_between(starts: Iterable[tuple[float, str]], frames: EpisodeFrames, fps: float) -> tuple[Skill, ...]:
    """Return spans that last until the next one starts, the last one to the episode's end.

    An empty name starts no span: it only ends the span before.
    """
    ordered = sorted(starts, key=lambda start: start[0])
    ends = [time for time, _ in ordered[1:]] + [end_of(frames, fps)]
    return tuple(
        Skill(name, time, max(end, time)) for (time, name), end in zip(ordered, ends, strict=True) if name.strip()
    )


def span_of_frames(name: str, frames: EpisodeFrames, start: int, stop: int, fps: float) -> Skill:
    """Return the span of the frames [start, stop)."""
    end = end_of(frames, fps) if stop >= len(frames.timestamps) else frames.timestamps[stop]
    return Skill(name, frames.timestamps[start], end)


def end_of(frames: EpisodeFrames, fps: float) -> float:
    """Return the end of the episode's last frame, in seconds."""
    return (frames.timestamps[-1] if frames.timestamps else 0.0) + 1.0 / fps
