"""What a dataset is asked of its layout: tasks, episodes, where their data and videos are, and their stats.

A layout is read once and then answers from memory; nothing outside the dataset's folder is named.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pgen_lerobot.format.task_table import TaskTable

COLUMN = "task_index_high_level"
"""The column that this project adds: for each frame, the row of the task table with its dialogue."""


@dataclass(frozen=True, slots=True)
class Clip:
    """An episode's part of a video file: it begins `start` seconds into `path` (relative to the root)."""

    path: str
    start: float


@dataclass(frozen=True, slots=True)
class EpisodeEntry:
    """What the metadata say of an episode: its length in frames, data file, part of each video, and tasks.

    A camera without a clip has none in this episode. `tasks` is empty where the metadata name none.
    """

    index: int
    length: int
    data_file: str
    clips: Mapping[str, Clip]
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatsRow:
    """The stats of an episode as they stand in row `row` of `file`: of task_index, and of the new column."""

    file: str
    row: int
    episode: int
    like: frozenset[str]
    found: Mapping[str, Any]


class EpisodeStats(ABC):
    """The statistics of each episode, in the files of a layout."""

    column: ClassVar[str]
    """How a statistic of the new column is called there: a pattern with `{}`."""

    @abstractmethod
    def files(self) -> list[Path]:
        """The files that `write` may write again."""

    @abstractmethod
    def names(self, column: str = COLUMN) -> list[str]:
        """The statistics that task_index has, or the new column itself. Raises InputError for a broken file."""

    @abstractmethod
    def write(self, out: Path, stats: Mapping[int, Mapping[str, float]], column: str = COLUMN) -> list[str]:
        """Write the files with the new column's stats by episode; gives the names of those that changed."""

    @abstractmethod
    def retell(self, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> list[str]:
        """Write the files of an output under way again, for another task_index: each episode's tasks and stats of it.

        `counts` is how often each task occurs in an episode. Gives the names of the files that changed.
        """

    @abstractmethod
    def rows(self) -> Iterator[StatsRow]:
        """What stands in the files."""


class Layout(ABC):
    """One version's layout. Raises InputError for what is missing or of another form."""

    tasks_file: ClassVar[str]
    episodes_name: ClassVar[str]
    """What lists the episodes, as messages call it."""
    text_of: ClassVar[str]
    """Python that gives the text of a row of the task table: a pattern with `{}` for the row."""
    opened_by_lerobot: ClassVar[bool]
    """Whether the lerobot of today opens it."""
    one_episode_a_file: ClassVar[bool]

    def __init__(self, root: Path, info: dict[str, Any], videos: list[str], has: Callable[[str], bool]) -> None:
        self.root, self.info, self.videos, self.has = root, info, videos, has

    @cached_property
    def tasks(self) -> TaskTable:
        return self.read_tasks()

    @abstractmethod
    def read_tasks(self) -> TaskTable:
        """The task table."""

    @property
    @abstractmethod
    def episode_indices(self) -> list[int]:
        """The indices of all episodes, in order."""

    @property
    @abstractmethod
    def frames(self) -> int:
        """How many frames the episodes have."""

    @abstractmethod
    def entries(self) -> Iterator[EpisodeEntry]:
        """All episodes, in order."""

    @abstractmethod
    def entry_at(self, position: int) -> EpisodeEntry:
        """The episode at a position in `episode_indices`."""

    @abstractmethod
    def data_files(self) -> Iterator[str]:
        """The data files in the order of their episodes; one may come twice."""

    @property
    @abstractmethod
    def stats(self) -> EpisodeStats:
        """The episodes' statistics."""

    @property
    def misplaced(self) -> bool:
        """Whether files, as far as they were looked for, are not where info.json says, but where the format does."""
        return False

    def notes(self) -> Counter[str]:
        """What is not as the format has it, and was read all the same."""
        return Counter()
