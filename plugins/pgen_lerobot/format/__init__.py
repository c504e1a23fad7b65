"""The LeRobot dataset format, versions 2.0, 2.1 and 3.0."""

from pgen_lerobot.format.cameras import NO_FILES, NO_VIDEO, NO_VIDEO_UNSEEN, Cameras
from pgen_lerobot.format.dataset import Dataset
from pgen_lerobot.format.files import (
    EDITED,
    UNDECODED,
    Files,
    check_readable,
    digest,
    first_line,
    locate,
    read_text,
    walk,
)
from pgen_lerobot.format.frames import (
    OTHER_TASKS,
    EpisodeFrames,
    episode_column,
    episode_tables,
    frame_columns,
    row_groups,
    runs,
    stream,
    tasks_differ,
    to_array,
)
from pgen_lerobot.format.json_text import dump_like, insert_after
from pgen_lerobot.format.layout import Clip, EpisodeEntry, Layout
from pgen_lerobot.format.layout_v3 import DATA_PATH, EPISODES_PATH, VIDEO_PATH
from pgen_lerobot.format.parquet import declare_like, pandas_index, read_table, rewrite, rewrite_in_place
from pgen_lerobot.format.statistics import stats_in_form, summarize
from pgen_lerobot.format.task_rows import (
    ANNOTATED_COLUMNS,
    TASK_ROW_COLUMNS,
    TASK_ROWS,
    TaskRow,
    TaskRows,
    read_task_rows,
)
from pgen_lerobot.format.task_table import COLUMN, TaskTable
from pgen_lerobot.format.unlisted_rows import UNLISTED, stray_files, unlisted_notes

__all__ = [
    "ANNOTATED_COLUMNS",
    "COLUMN",
    "DATA_PATH",
    "EDITED",
    "EPISODES_PATH",
    "NO_FILES",
    "NO_VIDEO",
    "NO_VIDEO_UNSEEN",
    "OTHER_TASKS",
    "TASK_ROWS",
    "TASK_ROW_COLUMNS",
    "UNDECODED",
    "UNLISTED",
    "VIDEO_PATH",
    "Cameras",
    "Clip",
    "Dataset",
    "EpisodeEntry",
    "EpisodeFrames",
    "Files",
    "Layout",
    "TaskRow",
    "TaskRows",
    "TaskTable",
    "check_readable",
    "declare_like",
    "digest",
    "dump_like",
    "episode_column",
    "episode_tables",
    "first_line",
    "frame_columns",
    "insert_after",
    "locate",
    "pandas_index",
    "read_table",
    "read_task_rows",
    "read_text",
    "rewrite",
    "rewrite_in_place",
    "row_groups",
    "runs",
    "stats_in_form",
    "stray_files",
    "stream",
    "summarize",
    "tasks_differ",
    "to_array",
    "unlisted_notes",
    "walk",
]
