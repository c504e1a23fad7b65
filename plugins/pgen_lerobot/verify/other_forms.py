"""The other forms of the output: what their sinks wrote is computed again and compared.

`meta/lerobot_annotations.json` may be edited: it is validated against its schema, its texts are not compared.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pgen.errors import PgenError
from pgen.labels import Labelling
from pgen_lerobot.format import COLUMN, TASK_ROWS, Dataset, read_task_rows, row_batches
from pgen_lerobot.skills import load_json
from pgen_lerobot.verify.expected_labels import ExpectedLabels
from pgen_lerobot.verify.problems import Problem
from pgen_lerobot.write.other_forms import ANNOTATIONS, COLUMNS, TASK, LanguageColumns, arrow_type, overridden, targets


def problems(
    dataset: Dataset, shards: list[tuple[str, bool]], manifest: dict[str, Any], notes: list[str]
) -> Iterator[Problem]:
    """Return the problems of each form that the manifest names."""
    sinks = manifest.get("sinks")
    for sink in sinks if isinstance(sinks, list) else ():
        try:
            if sink["name"] in ("language-columns", "high-level-policy"):
                yield from _language_columns(dataset, shards, manifest)
            if sink["name"] in ("task-override", "high-level-policy"):
                yield from _task_override(dataset, shards, str(sink.get("text", "prompt")))
            if sink["name"] == "lerobot-annotations":
                yield from _annotations(dataset, notes)
        except (PgenError, OSError, KeyError, TypeError, pa.ArrowException) as error:
            yield Problem("", f"the further forms of the output cannot be checked: {error}")


def _language_columns(dataset: Dataset, shards: list[tuple[str, bool]], manifest: dict[str, Any]) -> Iterator[Problem]:
    expected = LanguageColumns(
        ExpectedLabels(dataset, manifest).annotated(), Labelling.of_run(manifest.get("run") or {})
    )
    for name in (name for name, listed in shards if listed):
        for first, table in row_batches(dataset, name, ["episode_index", *COLUMNS]):
            for start, stop, pair in expected.cells(table):
                for column, cells in zip(COLUMNS, pair, strict=True):
                    actual = table.column(column).slice(start, stop - start).cast(arrow_type(column, pa.string()))
                    if not actual.equals(pa.chunked_array([cells])):
                        row = next(i for i in range(stop - start) if actual[i].as_py() != cells[i].as_py())
                        what = "the cell is not what the annotations give (and others may follow)"
                        yield Problem(name, what, first + start + row, column)


def _task_override(dataset: Dataset, shards: list[tuple[str, bool]], text: str) -> Iterator[Problem]:
    target = targets(dataset.tasks, read_task_rows(dataset.root / TASK_ROWS), text)
    for name, _ in shards:
        for first, table in row_batches(dataset, name, [TASK, COLUMN]):
            labels = table.column(COLUMN)
            if pc.max(labels).as_py() is None or pc.max(labels).as_py() >= len(target):
                continue  # the check of the labels reports it
            expected = overridden(table, target)
            differs = pc.not_equal(table.column(TASK).cast(pa.int64()).combine_chunks(), expected)
            row = pc.index(differs, pa.scalar(True)).as_py()
            if row >= 0:
                actual = table.column(TASK)[row]
                what = f"found {actual}, expected {expected[row]}, the {text} of the label {labels[row]}"
                yield Problem(name, what, first + row, TASK)


def _annotations(dataset: Dataset, notes: list[str]) -> Iterator[Problem]:
    if not (dataset.root / ANNOTATIONS).is_file():
        yield Problem(ANNOTATIONS, "the file is missing; meta/pgen/manifest.json says that it was written")
        return
    load_json(dataset.root / ANNOTATIONS, "lerobot_annotations")
    notes.append(f"{ANNOTATIONS} is there to be edited: its form was checked, its words were not")
