"""The dataset again, with meta/skills.json and, where wanted, its skills as subtasks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pgen import manifest
from pgen.errors import InputError
from pgen_lerobot import dataset as lerobot
from pgen_lerobot.dataset import Dataset
from pgen_lerobot.sink import REPORT
from pgen_lerobot.writing import files, metadata, shards
from pgen_segment import skillsfile, subtasks
from pgen_segment.skillsfile import Segmented

SKILLS = "meta/skills.json"
MANIFEST = "meta/pgen/segmentation.json"
_ROOM_AT_LEAST = 16_000_000
_ROOM_PER_FRAME = 16


def check(dataset: Dataset, overwrite: bool, with_subtasks: bool) -> None:
    """Raises InputError for a dataset that cannot be written again, or has already what is to be written."""
    root = dataset.root
    if lerobot.COLUMN in dataset.features:
        raise InputError(
            f"{root} holds dialogue, which was made for the skills that it has; segment the dataset from before, "
            "or write a skills file alone with --skills-only."
        )
    if (root / SKILLS).exists() and not overwrite:
        raise InputError(
            f"{root / SKILLS} exists already; replace it in the copy with --overwrite, or write a skills file alone "
            "with --skills-only."
        )
    if with_subtasks:
        if subtasks.COLUMN in dataset.features and not overwrite:
            path = root / metadata.INFO
            raise InputError(f"{path} has the feature {subtasks.COLUMN} already; replace it with --overwrite.")
        shards.check(dataset, overwrite)
        metadata.check(dataset)
        dataset.layout.stats.names(subtasks.COLUMN)
    files.check_readable(root)


def needs_bytes(dataset: Dataset, with_subtasks: bool) -> int:
    """An upper estimate, without the videos, which are linked where OUT is on the same filesystem."""
    made = {name for name, _ in shards.shard_names(dataset)} if with_subtasks else set()
    size = sum((dataset.root / name).stat().st_size for name in made)
    size += 2 * sum(path.stat().st_size for path in dataset.layout.stats.files())
    frames = dataset.layout.frames * _ROOM_PER_FRAME
    return size + frames + files.carried_bytes(dataset.root, made) + _ROOM_AT_LEAST


def write(
    dataset: Dataset, episodes: Mapping[int, Segmented], out: Path, provenance: dict[str, Any], with_subtasks: bool
) -> None:
    """Write all of it into the empty folder `out`."""
    written = [SKILLS, MANIFEST]
    skillsfile.write(out / SKILLS, episodes)
    if with_subtasks:
        written += subtasks.write(dataset, episodes, out)
    elif metadata.write_totals(dataset, out / metadata.INFO):
        written.append(metadata.INFO)
    manifest.write(out / MANIFEST, provenance)
    files.carry_over(dataset.files, out, {*written, REPORT})
