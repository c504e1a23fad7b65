"""The metadata: the feature, the totals, the task table and rows, the statistics, the videos and the hashes."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from math import isclose
from pathlib import Path
from typing import Any

import av
import pyarrow as pa
import pyarrow.parquet as pq

from pgen_lerobot.format import (
    ANNOTATED_COLUMNS,
    COLUMN,
    NO_FILES,
    NO_VIDEO,
    NO_VIDEO_UNSEEN,
    TASK_ROW_COLUMNS,
    TASK_ROWS,
    Cameras,
    Dataset,
    TaskRow,
    digest,
    rows_problem,
    summarize,
)
from pgen_lerobot.verify.problems import Problem, in_input
from pgen_lerobot.write import INFO, STATS

_EXACT = ("min", "max", "mean", "std", "count")


def problems(dataset: Dataset, manifest: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """Return the problems of the metadata, and the files that are missing or changed."""
    yield from _feature(dataset)
    totals = {"total_tasks": len(dataset.tasks.texts), **dataset.totals}
    for key, total in totals.items():
        if dataset.info.get(key) != total:
            yield Problem(INFO, f"{key} is {dataset.info.get(key)}, there are {total}")
    # Order, gaps and duplicate texts are refused when the table is read.
    if problem := dataset.tasks.problem():
        yield Problem(dataset.layout.tasks_file, problem)
    yield from task_row_problems(dataset)
    yield from video_problems(dataset, manifest, notes)
    yield from _hashes(dataset.root, manifest)


def _feature(dataset: Dataset) -> Iterator[Problem]:
    feature = dataset.features.get(COLUMN)
    if feature is None:
        yield Problem(INFO, "the feature is not declared", column=COLUMN)
        return
    for key, value in (("dtype", "int64"), ("shape", [1])):
        if feature.get(key) != value:
            what = f"{key} is {json.dumps(feature.get(key))}, it has to be {json.dumps(value)}"
            yield Problem(INFO, what, column=COLUMN)
    if "names" not in feature:
        yield Problem(INFO, "the key `names` is missing; LeRobot needs it, null for a plain number", column=COLUMN)


def _hashes(root: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    labels = manifest.get("labels")
    hashes = labels.get("files") if isinstance(labels, dict) else None
    for name, recorded in (hashes or {}).items():
        path = root / name
        if not path.is_file():
            yield Problem(name, "the file is missing; meta/pgen/manifest.json lists it")
        elif digest(path) != recorded:
            yield Problem(name, "the file was changed since it was written (its hash in meta/pgen/manifest.json)")


def task_row_problems(dataset: Dataset) -> Iterator[Problem]:
    """Compare the task rows with the task table."""
    texts, rows = dataset.tasks.texts, _read(dataset)
    if isinstance(rows, Problem):
        yield rows
        return
    if len(rows) != len(texts):
        yield Problem(TASK_ROWS, f"has {len(rows)} rows, {dataset.layout.tasks_file} has {len(texts)}")
    for row, (cells, text) in enumerate(zip(rows, texts, strict=False)):
        yield from _compare(dataset, row, cells, text)


def task_row_differences(dataset: Dataset, used: Mapping[int, TaskRow]) -> Iterator[Problem]:
    """Compare the task rows with those that the annotations give; nothing where they cannot be read."""
    rows = _read(dataset)
    if isinstance(rows, Problem):
        return
    for row, expected in sorted(used.items()):
        for column in ANNOTATED_COLUMNS if row < len(rows) else ():
            if rows[row][column] != getattr(expected, column):
                what = f"found {rows[row][column]!r}, the annotations have {getattr(expected, column)!r}"
                yield Problem(TASK_ROWS, what, row, column)


def _read(dataset: Dataset) -> list[dict[str, Any]] | Problem:
    """Read the rows, or return why they cannot be used."""
    path = dataset.root / TASK_ROWS
    if not path.is_file():
        return Problem(TASK_ROWS, str(rows_problem(path, dataset.tasks)))
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        return Problem(TASK_ROWS, f"cannot be read: {error}")
    missing = [name for name in TASK_ROW_COLUMNS if name not in table.column_names]
    rows: list[dict[str, Any]] = table.to_pylist()
    return Problem(TASK_ROWS, "the column is missing", column=missing[0]) if missing else rows


def _compare(dataset: Dataset, row: int, cells: dict[str, Any], text: str) -> Iterator[Problem]:
    if cells["task_index"] != row:
        yield Problem(TASK_ROWS, f"found {cells['task_index']}, expected {row}", row, "task_index")
    if cells["task"] != text:
        yield Problem(TASK_ROWS, f"found {cells['task']!r}, {dataset.layout.tasks_file} has {text!r}", row, "task")
    user, robot = cells["user_prompt"], cells["robot_utterance"]
    if (user if robot == "" else f"{user} | {robot}") != text:
        yield Problem(TASK_ROWS, f"{user!r} and {robot!r} do not make up {text!r}", row, "user_prompt")


def global_stats(dataset: Dataset, counts: Counter[int]) -> Iterator[Problem]:
    """Compare stats.json with the column, whose values occur `counts` times."""
    path = dataset.root / STATS
    if not path.is_file():
        return
    try:
        stats = json.loads(path.read_text(encoding="utf-8"))
        of_tasks, of_labels = stats.get("task_index") or {}, stats.get(COLUMN) or {}
    except (ValueError, AttributeError) as error:
        yield Problem(STATS, f"cannot be read as JSON: {error}")
        return
    if set(of_tasks) != set(of_labels):
        own, like = (", ".join(sorted(names)) or "none" for names in (of_labels, of_tasks))
        yield Problem(STATS, f"has {own}; task_index has {like}", column=COLUMN)
    elif counts:
        for name, expected in summarize(counts, _EXACT).items():
            if name in of_labels and not _equal(of_labels[name], expected):
                yield Problem(STATS, f"{name} is {of_labels[name]}, the column has {expected}", column=COLUMN)


def episode_stats(dataset: Dataset, stats: dict[int, dict[str, float]]) -> Iterator[Problem]:
    """Compare the statistics of each episode with those of its labels; report a missing one once a file."""
    stored = dataset.layout.stats
    reported: set[tuple[str, str]] = set()
    for row in stored.rows():
        for name in sorted(row.names ^ set(row.values)):
            if (row.file, name) not in reported:
                what = "is missing; task_index has it" if name in row.names else "has no counterpart of task_index"
                yield Problem(row.file, what, row.row, stored.column.format(name))
            reported.add((row.file, name))
        expected = stats.get(row.episode, {})
        for name in _EXACT:
            both = name in row.names and name in row.values and name in expected
            if both and not _equal(row.values[name], expected[name]):
                what = f"is {row.values[name]}, the episode's labels have {expected[name]}"
                yield Problem(row.file, what, row.row, stored.column.format(name))


def _equal(actual: Any, expected: float) -> bool:
    while isinstance(actual, list) and len(actual) == 1:
        actual = actual[0]
    return isinstance(actual, int | float) and isclose(actual, expected, rel_tol=1e-6, abs_tol=1e-6)


def video_problems(dataset: Dataset, manifest: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """Report missing, truncated and short videos; add a note for videos longer than their episodes."""
    yield from missing_videos(dataset, manifest, notes)
    needed: Counter[str] = Counter()
    for entry in dataset.entries():
        needed.update({clip.path: entry.length for clip in entry.clips.values()})
    longer = 0
    for path, frames in needed.items():
        if dataset.files.has(path):
            actual = _frames(dataset.root / path)
            longer += isinstance(actual, int) and actual > frames
            if isinstance(actual, str):
                yield Problem(path, f"the video cannot be read to its end: {actual}")
            elif actual < frames:
                yield Problem(path, f"the video has {actual} frames, its episodes have {frames}")
    if longer:
        notes.append(f"videos with more frames than their episodes: {longer}")


def missing_videos(dataset: Dataset, record: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """Report missing videos; those that the run's input lacked, by its `record`, become notes."""
    for camera, videos in Cameras(dataset).videos.items():
        if not videos.missing:
            continue
        counted = [(NO_FILES, 1), (NO_VIDEO, videos.missing), (NO_VIDEO_UNSEEN, videos.missing)]
        if any(in_input(record, note.format(camera), count) for note, count in counted):
            notes.append(f"camera {camera} has no video for {videos.missing} episodes; nor had the input")
        elif videos.first_missing:
            first = min(videos.episodes_without)
            what = f"the file is missing; episode {first} of camera {camera} is in it"
            yield Problem(videos.first_missing, what)
        else:
            yield Problem(INFO, f"camera {camera} has no files")


def _frames(path: Path) -> int | str:
    """Return the number of frames of a video, or the error that reading it to its end raises."""
    try:
        with closing(av.open(str(path))) as container:
            stream = container.streams.video[0]
            if not stream.frames:
                return sum(packet.pts is not None for packet in container.demux(stream))
            # The header has the number of frames: decoding the last group shows that the file is complete.
            container.seek(max(stream.duration or 0, 1) + (stream.start_time or 0), stream=stream)
            last = list(container.decode(stream))
            return int(stream.frames) if last else "its last frames are missing"
    except (av.FFmpegError, OSError, IndexError) as error:
        return str(error)
