"""The metadata of an output: info.json and stats.json with the new column, and the spans that the run used.

JSON is edited as JSON: unknown keys, their order and the indentation are preserved. The spans are stored, so that
the labels can be computed again; those segmented for the run become the dataset's own.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.records import Skill
from pgen.run import manifest
from pgen.storage.durable import new_text, write_text
from pgen_lerobot.format import (
    COLUMN,
    MANIFEST,
    UNDECODED,
    Dataset,
    digest,
    dump_like,
    insert_after,
    read_text,
    stats_in_form,
)
from pgen_lerobot.skills import PHASES, SkillsJson
from pgen_lerobot.write.labelling import Annotated

INFO = "meta/info.json"
STATS = "meta/stats.json"
MODALITY = "meta/modality.json"
"""GR00T's file, which names the columns whose texts it trains on, as `annotation.human.*`."""
SEGMENTATION_FILES = {"skills.json": SkillsJson.reads, "segmentation.json": "meta/pgen/segmentation.json"}
"""The files of `pgen segment --skills-only`, and their places in a dataset."""


def check_metadata(dataset: Dataset) -> None:
    """Raise InputError for metadata that cannot be rewritten."""
    path = dataset.root / STATS
    try:
        if path.is_file() and not isinstance(json.loads(read_text(path)), dict):
            raise ValueError("it is no object")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from None


def write_info(dataset: Dataset, target: Path, total_tasks: int, column: str = COLUMN) -> None:
    """Write info.json with the feature declared and correct totals."""
    text = read_text(dataset.root / INFO)
    info = json.loads(text)
    like = info["features"].get("task_index") or {}
    info["features"][column] = {**like, "dtype": "int64", "shape": [1], "names": None}
    info |= {**dataset.totals, "total_tasks": total_tasks}
    write_text(target, [dump_like(text, info)], UNDECODED)


def write_totals(dataset: Dataset, target: Path) -> bool:
    """Write info.json with correct totals; return False, without writing, where they are correct already."""
    if dataset.totals.items() <= dataset.info.items():
        return False
    text = read_text(dataset.root / INFO)
    write_text(target, [dump_like(text, json.loads(text) | dataset.totals)], UNDECODED)
    return True


def write_stats(dataset: Dataset, target: Path, counts: Mapping[int, int], column: str = COLUMN) -> bool:
    """Write stats.json with the new column; return False, without writing, where task_index has no statistics."""
    path = dataset.root / STATS
    if not path.is_file():
        return False
    text = read_text(path)
    stats = json.loads(text)
    like = stats.get("task_index", stats.get(column))
    if not isinstance(like, dict):
        return False
    changed = insert_after("task_index", stats, column, stats_in_form(counts, like))
    write_text(target, [dump_like(text, changed)], UNDECODED)
    return True


def write_modality(root: Path, out: Path, key: str, column: str) -> list[str]:
    """Name the column as the annotation `key` in GR00T's file, where the dataset has one; return the written file."""
    path = root / MODALITY
    if not path.is_file():
        return []
    text = read_text(path)
    try:
        modality = json.loads(text)
        modality["annotation"] = {**modality.get("annotation", {}), key: {"original_key": column}}
    except (ValueError, TypeError, AttributeError, RecursionError):  # another form, which is carried over as it is
        return []
    write_text(out / MODALITY, [dump_like(text, modality)], UNDECODED)
    return [MODALITY]


def check_segmented(root: Path, overwrite: bool) -> None:
    """Raise InputError where segmentation would replace the dataset's own skills and `overwrite` is False."""
    if (root / SkillsJson.reads).exists() and not overwrite:
        raise InputError(
            f"{root / SkillsJson.reads} exists already; replace it in the output with --overwrite, or leave --segment "
            "out to annotate the skills that the dataset has."
        )


def write_segmented(folder: Path, out: Path) -> list[str]:
    """Copy the segmentation in `folder` into the output; return the files' names."""
    for name, place in SEGMENTATION_FILES.items():
        write_text(out / place, [read_text(folder / name)])
    return list(SEGMENTATION_FILES.values())


def write_phases(file: Path | None, out: Path) -> list[str]:
    """Copy the record of phases that the run used into the output, if it is not the input's; return its name."""
    if file is None:
        return []
    write_text(out / PHASES, [read_text(file)])
    return [PHASES]


def with_skills(target: Path, annotated: Iterable[Annotated]) -> Iterator[Annotated]:
    """Return the same episodes and write the spans of each as it is taken, in the form of skills.json.

    The file is complete, and synced, after the last episode.
    """
    with new_text(target) as file:
        file.write('{"episodes": {')
        separator = "\n"
        for episode, annotations in annotated:
            spans = skills_entry(episode.index, episode.task, episode.skills)
            file.write(f'{separator}"{episode.index}": {json.dumps(spans, ensure_ascii=False)}')
            separator = ",\n"
            yield episode, annotations
        file.write("\n}}\n")


def skills_entry(index: int, task: str, skills: Iterable[Skill]) -> dict[str, object]:
    """Return an episode's entry of a skills.json."""
    spans = [
        {"name": it.name, "start": it.start, "end": it.end, **({"failed": True} if it.failed else {})} for it in skills
    ]
    return {"episode_index": index, "description": task, "skills": spans}


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON object in its file and preserve its form."""
    text = read_text(path)
    content = json.loads(text)
    change(content)
    write_text(path, [dump_like(text, content)], UNDECODED)


def rehash(out: Path, names: Iterable[str]) -> None:
    """Update the manifest's hashes of files that were rewritten."""
    content = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    hashes = content["labels"]["files"] | {name: digest(out / name) for name in names}
    content["labels"]["files"] = dict(sorted(hashes.items()))
    manifest.write(out / MANIFEST, content)
