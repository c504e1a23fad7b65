"""v2.0 and v2.1: one data file and one video a camera for each episode, metadata as JSON lines.

The template in info.json of a v2.0 dataset often names paths where no file is; the format's default path is
tried then. An episode's chunk is its index divided by `chunks_size`.
"""

from typing import Any

import pyarrow as pa

from pgen.errors import InputError
from pgen_lerobot.format.episode_stats import LineStats
from pgen_lerobot.format.files import integer, read_lines
from pgen_lerobot.format.layout import Clip, Layout
from pgen_lerobot.format.task_table import LineTasks

_SCHEMA = pa.schema({"episode_index": pa.int64(), "length": pa.int64(), "tasks": pa.list_(pa.string())})


class LayoutV2(Layout):
    """One episode a file."""

    tasks_file = "meta/tasks.jsonl"
    task_table = LineTasks
    episodes_name = "meta/episodes.jsonl"
    text_of = "dataset.meta.tasks[{}]"
    opened_by_lerobot = False
    one_episode_a_file = True
    data_paths = ("data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",)
    video_path_default = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"

    def _read_episodes(self) -> pa.Table:
        self.stats = LineStats(self.root)
        path = self.root / self.episodes_name
        episodes: dict[int, tuple[int, list[str]]] = {}
        for number, line in read_lines(path):
            index, length = (integer(path, number, line, key) for key in ("episode_index", "length"))
            if index in episodes:
                raise InputError(f"{path}, line {number}: episode {index} occurs twice.")
            tasks = line.get("tasks")
            texts = [text for text in tasks if isinstance(text, str)] if isinstance(tasks, list) else []
            episodes[index] = length, texts
        rows = sorted(episodes.items())
        columns = [[index for index, _ in rows], *([row[part] for _, row in rows] for part in (0, 1))]
        return pa.table(columns, schema=_SCHEMA)

    def _data_fields(self, row: dict[str, Any]) -> dict[str, int]:
        size = self.info.get("chunks_size")
        index = row["episode_index"]
        chunk = index // (size if isinstance(size, int) and size > 0 else 1000)
        return {"episode_chunk": chunk, "episode_index": index, "chunk_index": chunk, "file_index": index}

    def _clip(self, row: dict[str, Any], camera: str) -> Clip:
        return Clip(self.video_path.path(video_key=camera, **self._data_fields(row)), 0.0)
