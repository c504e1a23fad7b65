"""The metadata: the feature, the totals, the task table and its mirror, the files that should be there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen_lerobot.format import COLUMN, Dataset, files
from pgen_lerobot.verify import task_rows as mirror
from pgen_lerobot.verify import videos
from pgen_lerobot.verify.problems import Problem

INFO = "meta/info.json"


def problems(dataset: Dataset, manifest: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """Everything wrong with the metadata, and the files that are missing or not as they were written."""
    yield from _feature(dataset)
    yield from _totals(dataset)
    yield from _tasks(dataset)
    yield from mirror.problems(dataset)
    yield from videos.problems(dataset, manifest, notes)
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
    totals = {"total_tasks": len(dataset.tasks.texts), **dataset.totals}
    for key, right in totals.items():
        if dataset.info.get(key) != right:
            yield Problem(INFO, f"{key} is {dataset.info.get(key)}, there are {right}")


def _tasks(dataset: Dataset) -> Iterator[Problem]:
    """Order, gaps and repeated texts are refused when the table is read."""
    if told := dataset.tasks.problem():
        yield Problem(dataset.layout.tasks_file, told)


def _digests(root: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    labels = manifest.get("labels")
    known = labels.get("files") if isinstance(labels, dict) else None
    for name, digest in (known or {}).items():
        path = root / name
        if not path.is_file():
            yield Problem(name, "the file is missing; meta/pgen/manifest.json lists it")
        elif files.digest(path) != digest:
            yield Problem(name, "the file was changed since it was written (its hash in meta/pgen/manifest.json)")
