"""v2.0 and v2.1: one data file and one video a camera for each episode, metadata as JSON lines.

The template in info.json of a v2.0 dataset often names paths where no file is; the format's default path is
tried then. An episode's chunk is its index divided by `chunks_size`.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen_lerobot.format.episode_stats import LineStats
from pgen_lerobot.format.json_text import integer, read_lines
from pgen_lerobot.format.layout import Clip, EpisodeEntry, EpisodeStats, Layout, PathTemplate, singular, task_texts
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
        size = info.get("chunks_size")
        self._chunks_size = size if isinstance(size, int) and size > 0 else CHUNKS_SIZE
        self._stats = LineStats(root)
        self._indices, self._lengths, self._tasks = self._read_episodes()

    def path_templates(self) -> tuple[PathTemplate, PathTemplate]:
        data = PathTemplate(self.root, self.info, "data_path", self.has, (DATA_PATH,))
        return data, PathTemplate(self.root, self.info, "video_path", self.has, (VIDEO_PATH, singular(VIDEO_PATH)))

    def read_tasks(self) -> TaskTable:
        return LineTasks.read(self.root / self.tasks_file)

    @cached_property
    def episode_indices(self) -> list[int]:
        return self._indices.tolist()

    @property
    def frames(self) -> int:
        return sum(self._lengths)

    def entry_at(self, position: int) -> EpisodeEntry:
        index = self._indices[position]
        clips = {key: Clip(self.video_path.path(video_key=key, **self._fields(index)), 0.0) for key in self.videos}
        return EpisodeEntry(index, self._lengths[position], self._data_file(index), clips, self._tasks[position])

    def data_files(self) -> Iterator[str]:
        return map(self._data_file, self._indices)

    @property
    def stats(self) -> EpisodeStats:
        return self._stats

    def _data_file(self, index: int) -> str:
        return self.data_path.path(**self._fields(index))

    def _fields(self, index: int) -> dict[str, int]:
        chunk = index // self._chunks_size
        return {"episode_chunk": chunk, "episode_index": index, "chunk_index": chunk, "file_index": index}

    def _read_episodes(self) -> tuple["array[int]", "array[int]", list[tuple[str, ...]]]:
        """Return index, length and tasks of each episode, sorted by index."""
        path = self.root / self.episodes_name
        indices, lengths = array("q"), array("q")
        tasks: list[tuple[str, ...]] = []
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # most episodes have the same few tasks
        for number, line in read_lines(path):
            index, length = (integer(path, number, line, key) for key in ("episode_index", "length"))
            position = bisect_left(indices, index)
            if position < len(indices) and indices[position] == index:
                raise InputError(f"{path}, line {number}: episode {index} occurs twice.")
            indices.insert(position, index)
            lengths.insert(position, length)
            texts = task_texts(line.get("tasks"))
            tasks.insert(position, shared.setdefault(texts, texts))
        if not indices:
            raise InputError(f"{path} lists no episode; there is nothing to annotate.")
        return indices, lengths, tasks
