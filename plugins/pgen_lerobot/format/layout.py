"""The contract of a layout: tasks, episodes, the places of their data and videos, and their statistics.

A layout reads the metadata once and then answers from memory. Every path is relative to the dataset's folder. The
path templates of info.json (`data_path`, `video_path`) are untrusted data: their fields are substituted,
`str.format` is never called on them.
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pgen.errors import InputError
from pgen.safety.paths import inside
from pgen_lerobot.format.task_table import TaskTable

_FIELD = re.compile(r"\{(\w+)(?::(\d*)d?)?\}")
_MISPLACED = "{} of info.json is not where the files are: found where the format puts them"


def singular(template: str) -> str:
    """Return a template of `videos/` for the folder `video/`, which some recorders write."""
    return template.replace("videos/", "video/", 1)


def misplaced_notes(*templates: "PathTemplate") -> Counter[str]:
    """Return a note for each template of info.json that does not lead to the files."""
    return Counter(_MISPLACED.format(template.key) for template in templates if template.broken)


class PathTemplate:
    """A template of info.json. `others` are tried in order where `has` has no file at the template's own path."""

    def __init__(
        self, root: Path, info: dict[str, Any], key: str, has: Callable[[str], bool], others: tuple[str, ...] = ()
    ) -> None:
        self._root, self.key, self._has, self._others = root, key, has, others
        self._template = info.get(key)
        self.broken = False
        """Whether a file was found by another template than info.json's."""

    def path(self, **fields: str | int) -> str:
        """Return a path inside the root, relative to it. Raises InputError."""
        own = self._expand(self._template, fields)
        if not self._others or self._has(own):
            return own
        for other in self._others:
            path = self._expand(other, fields)
            if self._has(path):
                self.broken = self.broken or path != own
                return path
        return own

    def _expand(self, template: Any, fields: dict[str, str | int]) -> str:
        origin = f"{self._root / 'meta' / 'info.json'}, {self.key}"
        if not isinstance(template, str):
            raise InputError(f"{origin}: expected a path template, found {template!r}.")

        def fill(match: re.Match[str]) -> str:
            name, width = match.groups()
            if name not in fields:
                raise InputError(f"{origin}: unknown field {{{name}}}; it may use {', '.join(fields)}.")
            return str(fields[name]).zfill(int(width or 0))

        path = _FIELD.sub(fill, template)
        inside(self._root, path, origin)
        return path


COLUMN = "task_index_high_level"
"""The column that pgen adds: for each frame, the row of the task table that holds its dialogue."""


@dataclass(frozen=True, slots=True)
class Clip:
    """An episode's part of a video file: it begins `start` seconds into `path`."""

    path: str
    start: float


@dataclass(frozen=True, slots=True)
class EpisodeEntry:
    """An episode's metadata: length in frames, data file, clip by camera key, and task texts.

    A camera without a clip has no video of this episode. `tasks` is empty where the metadata name none.
    """

    index: int
    length: int
    data_file: str
    clips: Mapping[str, Clip]
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatsRow:
    """An episode's statistics in row `row` of `file`: the names that task_index has, and the values of COLUMN."""

    file: str
    row: int
    episode: int
    names: frozenset[str]
    values: Mapping[str, Any]


class EpisodeStats(ABC):
    """The statistics of each episode, in the files of a layout."""

    column: ClassVar[str]
    """The name under which a statistic of COLUMN is stored: a pattern with `{}`."""

    @abstractmethod
    def files(self) -> list[Path]:
        """Return the files that `write` may rewrite."""

    @abstractmethod
    def names(self, column: str = COLUMN) -> list[str]:
        """Return the statistics of task_index, or of the column itself. Raises InputError for a broken file."""

    @abstractmethod
    def write(self, out: Path, stats: Mapping[int, Mapping[str, float]], column: str = COLUMN) -> list[str]:
        """Write the files with the column's statistics by episode; return the names of the changed files."""

    @abstractmethod
    def replace_tasks(self, counts: Mapping[int, Counter[int]], texts: Sequence[str]) -> list[str]:
        """Rewrite the files in place for a new task_index; return the names of the changed files.

        `counts` has the frames of each task by episode, `texts` the task texts by index.
        """

    @abstractmethod
    def rows(self) -> Iterator[StatsRow]:
        """Read the statistics of every episode."""


class Layout(ABC):
    """The layout of one version. Raises InputError for metadata that are missing or malformed.

    `videos` are the keys of the video cameras; `has` returns whether the dataset has a file, fetched or not.
    """

    tasks_file: ClassVar[str]
    episodes_name: ClassVar[str]
    """The file or folder that lists the episodes, for messages."""
    text_of: ClassVar[str]
    """Python code that reads a row's text from the task table: a pattern with `{}` for the row."""
    opened_by_lerobot: ClassVar[bool]
    """Whether current lerobot opens this version."""
    one_episode_a_file: ClassVar[bool]

    def __init__(self, root: Path, info: dict[str, Any], videos: list[str], has: Callable[[str], bool]) -> None:
        self.root, self.info, self.videos, self.has = root, info, videos, has
        self.data_path, self.video_path = self.path_templates()

    @cached_property
    def tasks(self) -> TaskTable:
        return self.read_tasks()

    @property
    def misplaced(self) -> bool:
        """Whether a file was found at the format's default path, not at the path in info.json."""
        return self.data_path.broken or self.video_path.broken

    def notes(self) -> Counter[str]:
        """Return the deviations from the format that were tolerated, counted."""
        return misplaced_notes(self.data_path, self.video_path)

    @abstractmethod
    def path_templates(self) -> tuple[PathTemplate, PathTemplate]:
        """Return the templates of the data files and of the videos."""

    @abstractmethod
    def read_tasks(self) -> TaskTable:
        """Read the task table."""

    @property
    @abstractmethod
    def episode_indices(self) -> list[int]:
        """The indices of all episodes, ascending."""

    @property
    @abstractmethod
    def frames(self) -> int:
        """The number of frames of all episodes."""

    @abstractmethod
    def entry_at(self, position: int) -> EpisodeEntry:
        """Return the episode at a position in `episode_indices`."""

    def entries(self) -> Iterator[EpisodeEntry]:
        """Return all episodes, in order."""
        return map(self.entry_at, range(len(self.episode_indices)))

    @abstractmethod
    def data_files(self) -> Iterator[str]:
        """Return the data file of each episode, in the order of the episodes."""

    @property
    @abstractmethod
    def stats(self) -> EpisodeStats:
        """The episodes' statistics."""


def task_texts(tasks: Any) -> tuple[str, ...]:
    """Return the texts of an episode's `tasks` cell; empty where it is no list."""
    return tuple(text for text in tasks if isinstance(text, str)) if isinstance(tasks, list) else ()
