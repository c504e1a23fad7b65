"""The metadata: the feature, the totals, the task table, the task rows, the videos and the files' hashes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen_lerobot.format import COLUMN, Dataset, digest
from pgen_lerobot.verify import task_rows, videos
from pgen_lerobot.verify.problems import Problem
from pgen_lerobot.write import INFO


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
    yield from task_rows.problems(dataset)
    yield from videos.problems(dataset, manifest, notes)
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
