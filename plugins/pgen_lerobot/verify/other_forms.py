"""The further forms of the output: what the sinks that add to `lerobot` wrote, made again and compared.

`meta/lerobot_annotations.json` is there to be edited: its form is checked, its words are not.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pgen.errors import PgenError
from pgen_lerobot.format import COLUMN, TASK_ROWS, Dataset, read_task_rows
from pgen_lerobot.skills import load_json
from pgen_lerobot.verify.expected_labels import Expected
from pgen_lerobot.verify.problems import Problem
from pgen_lerobot.write.other_forms import ANNOTATIONS, COLUMNS, OWN, Stepper, arrow_type, groups, overridden, targets


def problems(
    dataset: Dataset, shards: list[tuple[str, bool]], manifest: dict[str, Any], notes: list[str]
) -> Iterator[Problem]:
    """Everything wrong with the forms that the manifest names."""
    sinks = manifest.get("sinks")
    for sink in sinks if isinstance(sinks, list) else ():
        try:
            if sink["name"] == "language-columns":
                yield from _language(dataset, shards, manifest)
            elif sink["name"] == "task-override":
                yield from _own_tasks(dataset, shards, str(sink.get("text")))
            elif sink["name"] == "lerobot-annotations":
                yield from _annotations(dataset, notes)
        except (PgenError, OSError, KeyError, TypeError, pa.ArrowException) as error:
            yield Problem("", f"the further forms of the output cannot be checked: {error}")


def _language(dataset: Dataset, shards: list[tuple[str, bool]], manifest: dict[str, Any]) -> Iterator[Problem]:
    stepper = Stepper(Expected(dataset, manifest).annotated())
    for name, listed in shards:
        if not listed:
            continue
        for first, table in groups(dataset, name, ["episode_index", *COLUMNS]):
            for start, stop, expected in stepper.columns(table):
                for column, right in zip(COLUMNS, expected, strict=True):
                    found = table.column(column).slice(start, stop - start).cast(arrow_type(column, pa.string()))
                    if not found.equals(pa.chunked_array([right])):
                        row = next(i for i in range(stop - start) if found[i].as_py() != right[i].as_py())
                        what = "the cell is not what the annotations give (and others may follow)"
                        yield Problem(name, what, first + start + row, column)


def _own_tasks(dataset: Dataset, shards: list[tuple[str, bool]], text: str) -> Iterator[Problem]:
    target = targets(dataset.tasks, read_task_rows(dataset.root / TASK_ROWS), text)
    for name, _ in shards:
        for first, table in groups(dataset, name, [OWN, COLUMN]):
            labels = table.column(COLUMN)
            if pc.max(labels).as_py() is None or pc.max(labels).as_py() >= len(target):
                continue  # told by the check of the labels themselves
            right = overridden(table, target)
            wrong = pc.not_equal(table.column(OWN).cast(pa.int64()).combine_chunks(), right)
            row = pc.index(wrong, pa.scalar(True)).as_py()
            if row >= 0:
                what = f"found {table.column(OWN)[row]}, expected {right[row]}, the {text} of the label {labels[row]}"
                yield Problem(name, what, first + row, OWN)


def _annotations(dataset: Dataset, notes: list[str]) -> Iterator[Problem]:
    if not (dataset.root / ANNOTATIONS).is_file():
        yield Problem(ANNOTATIONS, "the file is missing; meta/pgen/manifest.json says that it was written")
        return
    load_json(dataset.root / ANNOTATIONS, "lerobot_annotations")
    notes.append(f"{ANNOTATIONS} is there to be edited: its form was checked, its words were not")
