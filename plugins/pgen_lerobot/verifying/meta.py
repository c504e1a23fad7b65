"""The metadata: the feature, the totals, the task table and its mirror, the files that should be there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen_lerobot.cameras import NO_FILES, NO_VIDEO, Cameras
from pgen_lerobot.dataset import COLUMN, Dataset
from pgen_lerobot.verifying.problems import Problem
from pgen_lerobot.writing import files
from pgen_lerobot.writing.dialogues import MIRROR, MIRROR_COLUMNS

INFO = "meta/info.json"


def problems(dataset: Dataset, manifest: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """Everything wrong with the metadata, and the files that are missing or not as they were written."""
    yield from _feature(dataset)
    yield from _totals(dataset)
    yield from _tasks(dataset)
    yield from _mirror(dataset)
    yield from _videos(dataset, manifest, notes)
    yield from _digests(dataset.root, manifest)


def _feature(dataset: Dataset) -> Iterator[Problem]:
    feature = dataset.features.get(COLUMN)
    if feature is None:
        yield Problem(INFO, "the feature is not declared", column=COLUMN)
        return
    for key, right in (("dtype", "int64"), ("shape", [1])):
        if feature.get(key) != right:
            what = f"{key} is {json.dumps(feature.get(key))}, it has to be {json.dumps(right)}"
            yield Problem(INFO, what, column=COLUMN)
    if "names" not in feature:
        yield Problem(INFO, "the key `names` is missing; LeRobot needs it, null for a plain number", column=COLUMN)


def _totals(dataset: Dataset) -> Iterator[Problem]:
    totals = {
        "total_tasks": len(dataset.tasks.texts),
        "total_episodes": len(dataset.episode_indices),
        "total_frames": dataset.layout.frames,
    }
    for key, right in totals.items():
        if dataset.info.get(key) != right:
            yield Problem(INFO, f"{key} is {dataset.info.get(key)}, there are {right}")


def _tasks(dataset: Dataset) -> Iterator[Problem]:
    """Order, gaps and repeated texts are refused when the table is read."""
    if told := dataset.tasks.problem():
        yield Problem(dataset.layout.tasks_file, told)


def _mirror(dataset: Dataset) -> Iterator[Problem]:
    path = dataset.root / MIRROR
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in MIRROR_COLUMNS if name not in file.schema_arrow.names]
            if missing:
                yield Problem(MIRROR, "the column is missing", column=missing[0])
                return
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        yield Problem(MIRROR, f"cannot be read: {error}")
        return
    texts = dataset.tasks.texts
    if len(table) != len(texts):
        yield Problem(MIRROR, f"has {len(table)} rows, {dataset.layout.tasks_file} has {len(texts)}")
    for row, (cells, text) in enumerate(zip(table.to_pylist(), texts, strict=False)):
        yield from _mirror_row(dataset, row, cells, text)


def _mirror_row(dataset: Dataset, row: int, cells: dict[str, Any], text: str) -> Iterator[Problem]:
    if cells["task_index"] != row:
        yield Problem(MIRROR, f"found {cells['task_index']}, expected {row}", row, "task_index")
    if cells["task"] != text:
        yield Problem(MIRROR, f"found {cells['task']!r}, {dataset.layout.tasks_file} has {text!r}", row, "task")
    user, robot = cells["user_prompt"], cells["robot_utterance"]
    if (user if robot == "" else f"{user} | {robot}") != text:
        yield Problem(MIRROR, f"{user!r} and {robot!r} do not make up {text!r}", row, "user_prompt")


def _videos(dataset: Dataset, manifest: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """A video that the input lacked too, by the notes of the run, is noted again; any other is a problem."""
    repairs = manifest.get("repairs")
    before: dict[str, Any] = repairs if isinstance(repairs, dict) else {}
    for camera, videos in Cameras(dataset).videos.items():
        known = NO_FILES.format(camera) in before or before.get(NO_VIDEO.format(camera), 0) >= videos.missing
        if videos.missing and known:
            notes.append(f"camera {camera} has no video for {videos.missing} episodes; nor had the input")
        elif videos.missing:
            first = min(videos.episodes)
            what = f"the file is missing; episode {first} of camera {camera} is in it"
            yield Problem(videos.first or INFO, what if videos.first else f"camera {camera} has no files")


def _digests(root: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    labels = manifest.get("labels")
    known = labels.get("files") if isinstance(labels, dict) else None
    for name, digest in (known or {}).items():
        path = root / name
        if not path.is_file():
            yield Problem(name, "the file is missing; meta/pgen/manifest.json lists it")
        elif files.digest(path) != digest:
            yield Problem(name, "the file was changed since it was written (its hash in meta/pgen/manifest.json)")
