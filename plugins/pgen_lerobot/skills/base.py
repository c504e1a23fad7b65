"""What a reader of skills is: spans by episode, as written; `pgen.labels.spans` sorts them and makes them disjoint.

A reader is built once, when the source is opened, and checks then what it reads: whatever it refuses is
refused before anything is paid for. It holds spans, never a value per frame.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pgen.errors import InputError
from pgen.formats.schemas import first_error, validator
from pgen.records import Skill
from pgen.safety.bounded_json import read_json
from pgen_lerobot.format import Dataset, EpisodeFrames


@dataclass(frozen=True, slots=True)
class EpisodeSkills:
    """The spans of an episode as written, and its task; None where the reader knows none.

    `notes` say what was left out of them, one note for each.
    """

    spans: tuple[Skill, ...]
    task: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader looks: the dataset, its wanted episodes (None: all), and a file outside it, if one was named."""

    dataset: Dataset
    wanted: set[int] | None = None
    file: Path | None = None


class SkillReader(ABC):
    """Spans by episode. Building one raises InputError for what cannot be used."""

    name: ClassVar[str]
    """What `--skills` calls it."""
    reads: ClassVar[str]
    """What it reads, for messages."""
    in_place: bool = False
    """Whether the spans stay readable in the output as they are."""

    @classmethod
    @abstractmethod
    def has(cls, dataset: Dataset) -> bool:
        """Whether the dataset has what this reader reads."""

    @abstractmethod
    def __init__(self, place: Place) -> None: ...

    @property
    @abstractmethod
    def empty(self) -> bool:
        """Whether there is no span in it at all."""

    @abstractmethod
    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        """The episode's spans, or None where it has none. `own_task` is the text of the frames' task_index."""


class FileReader(SkillReader):
    """A reader of one file: `reads` in the dataset, or the one that was named."""

    @classmethod
    def has(cls, dataset: Dataset) -> bool:
        return (dataset.root / cls.reads).is_file()

    @classmethod
    def path(cls, place: Place) -> Path:
        """The file to read. Raises InputError where it is missing."""
        path = place.file or place.dataset.root / cls.reads
        if not path.is_file():
            raise InputError(f"{path} is missing; --skills {cls.name} reads it.")
        return path


def load_json(path: Path, schema: str) -> dict[str, Any]:
    """A JSON file that fits the schema. Raises InputError naming the file and the place in it."""
    content = read_json(path)
    if problem := first_error(validator(schema), content):
        raise InputError(f"{path} does not fit the schema `{schema}` at {problem}. See `pgen schema {schema}`.")
    return dict(content)


def until_the_next(starts: Iterable[tuple[float, str]], frames: EpisodeFrames, fps: float) -> tuple[Skill, ...]:
    """Spans out of starts: each lasts until the next one, the last one to the episode's end.

    An empty name starts nothing: it only ends the span before.
    """
    ordered = sorted(starts, key=lambda start: start[0])
    ends = [time for time, _ in ordered[1:]] + [end_of(frames, fps)]
    return tuple(
        Skill(name, time, max(end, time)) for (time, name), end in zip(ordered, ends, strict=True) if name.strip()
    )


def end_of(frames: EpisodeFrames, fps: float) -> float:
    """When the episode's last frame is over, in seconds."""
    return (frames.timestamps[-1] if frames.timestamps else 0.0) + 1.0 / fps
