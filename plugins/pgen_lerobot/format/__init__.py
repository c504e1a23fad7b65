"""The LeRobot dataset format, versions 2.0, 2.1 and 3.0."""

from pgen_lerobot.format.cameras import NO_FILES, NO_VIDEO, NO_VIDEO_UNSEEN, Cameras
from pgen_lerobot.format.dataset import Dataset
from pgen_lerobot.format.files import EDITED, KEPT, VIDEOS, Hashed, check_readable, digest, read_text, walk
from pgen_lerobot.format.frames import (
    OTHER_TASKS,
    EpisodeFrames,
    episode_column,
    episode_tables,
    frame_columns,
    runs,
    stream,
    tasks_differ,
    to_array,
)
from pgen_lerobot.format.hub import first_line, locate
from pgen_lerobot.format.json_text import dumped, in_form, placed_behind
from pgen_lerobot.format.layout import COLUMN, Clip, EpisodeEntry, Layout
from pgen_lerobot.format.parquet import (
    finish,
    in_pieces,
    pandas_index,
    rewrite_in_place,
    with_feature,
    write_group,
    writer_like,
)
from pgen_lerobot.format.statistics import summarize
from pgen_lerobot.format.task_rows import ANNOTATED_COLUMNS, TASK_ROW_COLUMNS, TASK_ROWS, TaskRow, read_task_rows
from pgen_lerobot.format.task_table import TaskTable
from pgen_lerobot.format.unlisted_rows import UNLISTED, stray_files, unlisted_notes

__all__ = [
    "ANNOTATED_COLUMNS",
    "COLUMN",
    "EDITED",
    "KEPT",
    "NO_FILES",
    "NO_VIDEO",
    "NO_VIDEO_UNSEEN",
    "OTHER_TASKS",
    "TASK_ROWS",
    "TASK_ROW_COLUMNS",
    "UNLISTED",
    "VIDEOS",
    "Cameras",
    "Clip",
    "Dataset",
    "EpisodeEntry",
    "EpisodeFrames",
    "Hashed",
    "Layout",
    "TaskRow",
    "TaskTable",
    "check_readable",
    "digest",
    "dumped",
    "episode_column",
    "episode_tables",
    "finish",
    "first_line",
    "frame_columns",
    "in_form",
    "in_pieces",
    "locate",
    "pandas_index",
    "placed_behind",
    "read_task_rows",
    "read_text",
    "rewrite_in_place",
    "runs",
    "stray_files",
    "stream",
    "summarize",
    "tasks_differ",
    "to_array",
    "unlisted_notes",
    "walk",
    "with_feature",
    "write_group",
    "writer_like",
]
