"""v2.0 and v2.1: one data file and one video a camera for each episode, metadata as JSON lines.

Files of v2.0 are often not where the template of info.json puts them; they are then looked for where the
format does. A chunk is the episode's index divided by `chunks_size`.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen_lerobot.format.episode_stats_v2 import LineStats
from pgen_lerobot.format.jsonl import read_lines, whole
from pgen_lerobot.format.layout import Clip, EpisodeEntry, EpisodeStats, Layout
from pgen_lerobot.format.path_templates import PathTemplate, misplaced_notes, singular
from pgen_lerobot.format.task_table import LineTasks, TaskTable

DATA_PATH = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO_PATH = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
CHUNKS_SIZE = 1000


class LayoutV2(Layout):
    """One episode a file."""

    tasks_file = "meta/tasks.jsonl"
    episodes_name = "meta/episodes.jsonl"
    text_of = "dataset.meta.tasks[{}]"
    opened_by_lerobot = False
    one_episode_a_file = True

    def __init__(self, root: Path, info: dict[str, Any], videos: list[str], has: Callable[[str], bool]) -> None:
        super().__init__(root, info, videos, has)
        self._data = PathTemplate(root, info, "data_path", has, (DATA_PATH,))
        self._video = PathTemplate(root, info, "video_path", has, (VIDEO_PATH, singular(VIDEO_PATH)))
        size = info.get("chunks_size")
        self._chunks_size = size if isinstance(size, int) and size > 0 else CHUNKS_SIZE
        self._stats = LineStats(root)
        self._indices, self._lengths, self._tasks = self._read_episodes()

    def read_tasks(self) -> TaskTable:
        return LineTasks.read(self.root / self.tasks_file)

    @cached_property
    def episode_indices(self) -> list[int]:
        return self._indices.tolist()

    @property
    def frames(self) -> int:
        return sum(self._lengths)

    def entries(self) -> Iterator[EpisodeEntry]:
        return map(self.entry_at, range(len(self._indices)))

    def entry_at(self, position: int) -> EpisodeEntry:
        index = self._indices[position]
        clips = {key: Clip(self._video.path(video_key=key, **self._fields(index)), 0.0) for key in self.videos}
        return EpisodeEntry(index, self._lengths[position], self._data_file(index), clips, self._tasks[position])

    def data_files(self) -> Iterator[str]:
        return map(self._data_file, self._indices)

    @property
    def stats(self) -> EpisodeStats:
        return self._stats

    @property
    def misplaced(self) -> bool:
        return self._data.broken or self._video.broken

    def notes(self) -> Counter[str]:
        return misplaced_notes(self._data, self._video)

    def _data_file(self, index: int) -> str:
        return self._data.path(**self._fields(index))

    def _fields(self, index: int) -> dict[str, int]:
        chunk = index // self._chunks_size
        return {"episode_chunk": chunk, "episode_index": index, "chunk_index": chunk, "file_index": index}

    def _read_episodes(self) -> tuple["array[int]", "array[int]", list[tuple[str, ...]]]:
        """Index, length and tasks of each episode, sorted by index."""
        path = self.root / self.episodes_name
        indices, lengths = array("q"), array("q")
        tasks: list[tuple[str, ...]] = []
        known: dict[tuple[str, ...], tuple[str, ...]] = {}
        for number, line in read_lines(path):
            index, length = (whole(path, number, line, key) for key in ("episode_index", "length"))
            position = bisect_left(indices, index)
            if position < len(indices) and indices[position] == index:
                raise InputError(f"{path}, line {number}: episode {index} stands there twice.")
            indices.insert(position, index)
            lengths.insert(position, length)
            told = line.get("tasks")
            texts = tuple(text for text in told if isinstance(text, str)) if isinstance(told, list) else ()
            tasks.insert(position, known.setdefault(texts, texts))
        if not indices:
            raise InputError(f"{path} lists no episode; there is nothing to annotate.")
        return indices, lengths, tasks
