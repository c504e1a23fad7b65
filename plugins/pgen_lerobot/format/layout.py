"""The layout of a dataset's metadata: tasks, episodes, the places of their data and videos, and their statistics.

A layout reads the metadata once and then answers from memory. Every path is relative to the dataset's folder. The
path templates of info.json (`data_path`, `video_path`) are untrusted data: their fields are substituted,
`str.format` is never called on them.
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from pgen.errors import InputError
from pgen.safety.paths import inside
from pgen_lerobot.format.episode_stats import EpisodeStats
from pgen_lerobot.format.task_table import TaskTable

_FIELD = re.compile(r"\{(\w+)(?::(\d*)d?)?\}")
_MISPLACED = "{} of info.json is not where the files are: found where the format puts them"


class PathTemplate:
    """A template of info.json. `others` are tried in order where `has` has no file at the template's own path."""

    def __init__(
        self, root: Path, info: dict[str, Any], key: str, has: Callable[[str], bool], others: tuple[str, ...]
    ) -> None:
        self._root, self.key, self._has, self._others = root, key, has, others
        self._origin = f"{root / 'meta' / 'info.json'}, {key}"
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
        if not isinstance(template, str):
            raise InputError(f"{self._origin}: expected a path template, found {template!r}.")
        return _expand(template, self._root, self._origin, tuple(fields.items()))


@lru_cache(1024)
def _expand(template: str, root: Path, origin: str, fields: tuple[tuple[str, str | int], ...]) -> str:
    """Return the path of a template, which is inside `root`. Cached, because many episodes share a file."""
    values = dict(fields)

    def fill(match: re.Match[str]) -> str:
        name, width = match.groups()
        if name not in values:
            raise InputError(f"{origin}: unknown field {{{name}}}; it may use {', '.join(values)}.")
        return str(values[name]).zfill(int(width or 0))

    path = _FIELD.sub(fill, template)
    inside(root, path, origin)
    return path


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


class Layout(ABC):
    """The layout of one version. Raises InputError for metadata that are missing or malformed.

    `videos` are the keys of the video cameras; `has` returns whether the dataset has a file, fetched or not.
    """

    tasks_file: ClassVar[str]
    task_table: ClassVar[type[TaskTable]]
    episodes_name: ClassVar[str]
    """The file or folder that lists the episodes, for messages."""
    text_of: ClassVar[str]
    """Python code that reads a row's text from the task table: a pattern with `{}` for the row."""
    opened_by_lerobot: ClassVar[bool]
    """Whether current lerobot opens this version."""
    one_episode_a_file: ClassVar[bool]
    data_paths: ClassVar[tuple[str, ...]]
    """Templates of data files to try where that of info.json leads to none."""
    video_path_default: ClassVar[str]
    stats: EpisodeStats
    """The episodes' statistics."""

    def __init__(self, root: Path, info: dict[str, Any], videos: list[str], has: Callable[[str], bool]) -> None:
        self.root, self.info, self.videos = root, info, videos
        self.data_path = PathTemplate(root, info, "data_path", has, self.data_paths)
        # Some recorders write the folder `video/`.
        default = self.video_path_default
        self.video_path = PathTemplate(root, info, "video_path", has, (default, default.replace("videos/", "video/")))
        self.tolerated: Counter[str] = Counter()
        self._episodes = self._read_episodes()
        if not len(self._episodes):
            raise InputError(f"{root / self.episodes_name} lists no episode; there is nothing to annotate.")
        self.episode_indices: list[int] = self._episodes.column("episode_index").to_pylist()
        """The indices of all episodes, ascending."""
        self._positions = {index: position for position, index in enumerate(self.episode_indices)}

    @abstractmethod
    def _read_episodes(self) -> pa.Table:
        """Read a row for each episode, in order, with at least `episode_index` and `length`; set `stats`."""

    @abstractmethod
    def _data_fields(self, row: dict[str, Any]) -> dict[str, int]:
        """Return the fields of the data file's path."""

    @abstractmethod
    def _clip(self, row: dict[str, Any], camera: str) -> Clip | None:
        """Return the episode's clip of a camera."""

    def read_tasks(self) -> TaskTable:
        """Read the task table."""
        return self.task_table.read(self.root / self.tasks_file)

    @property
    def misplaced(self) -> bool:
        """Whether a file was found at the format's default path, not at the path in info.json."""
        return self.data_path.broken or self.video_path.broken

    def notes(self) -> Counter[str]:
        """Return the deviations from the format that were tolerated, counted."""
        broken = [path.key for path in (self.data_path, self.video_path) if path.broken]
        return self.tolerated + Counter(map(_MISPLACED.format, broken))

    @property
    def frames(self) -> int:
        """The number of frames of all episodes."""
        return int(pc.sum(self._episodes.column("length")).as_py())

    def entries(self) -> Iterator[EpisodeEntry]:
        """Return all episodes, in order."""
        for batch in self._episodes.to_batches(max_chunksize=1024):
            yield from map(self._entry, batch.to_pylist())

    def lists(self, episode_index: int) -> bool:
        """Return whether the metadata list the episode."""
        return episode_index in self._positions

    def entry(self, episode_index: int) -> EpisodeEntry:
        """Return an episode's entry. Raises InputError for an episode that is not listed."""
        if not self.lists(episode_index):
            raise InputError(f"{self.root / self.episodes_name} does not list episode {episode_index}.")
        return self._entry(self._episodes.slice(self._positions[episode_index], 1).to_pylist()[0])

    def data_files(self) -> Iterator[str]:
        """Return the data file of each episode, in the order of the episodes."""
        columns = [name for name in self._episodes.column_names if not name.startswith(("videos/", "tasks"))]
        return (self.data_path.path(**self._data_fields(row)) for row in self._episodes.select(columns).to_pylist())

    def _entry(self, row: dict[str, Any]) -> EpisodeEntry:
        clips = {camera: clip for camera in self.videos if (clip := self._clip(row, camera)) is not None}
        data_file = self.data_path.path(**self._data_fields(row))
        tasks = row.get("tasks")
        texts = tuple(text for text in tasks if isinstance(text, str)) if isinstance(tasks, list) else ()
        return EpisodeEntry(row["episode_index"], row["length"], data_file, clips, texts)
