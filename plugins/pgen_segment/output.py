"""The dataset again, with meta/skills.json and, where wanted, its skills as subtasks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from pgen.components import Phase
from pgen.errors import InputError
from pgen.run import manifest
from pgen_lerobot.format import COLUMN as LEROBOT_COLUMN
from pgen_lerobot.format import Dataset, check_readable
from pgen_lerobot.write import (
    INFO,
    REPORT,
    CarriedVideos,
    carry_over,
    check_metadata,
    check_shards,
    copied_bytes,
    shard_names,
    write_totals,
)
from pgen_segment import skillsfile, subtasks
from pgen_segment.skillsfile import Segmented

SKILLS = "meta/skills.json"
MANIFEST = "meta/pgen/segmentation.json"
_ROOM_AT_LEAST = 16_000_000
_ROOM_PER_FRAME = 16


class OutputOptions(Protocol):
    """What the options of a run say of its output."""

    @property
    def write_subtasks(self) -> bool: ...

    @property
    def copy_videos(self) -> bool: ...


def check(dataset: Dataset, overwrite: bool, with_subtasks: bool) -> None:
    """Raises InputError for a dataset that cannot be written again, or has already what is to be written."""
    root = dataset.root
    if LEROBOT_COLUMN in dataset.features:
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
            path = root / INFO
            raise InputError(f"{path} has the feature {subtasks.COLUMN} already; replace it with --overwrite.")
        check_shards(dataset, overwrite)
        check_metadata(dataset)
        dataset.layout.stats.names(subtasks.COLUMN)
    check_readable(root)


def needs_bytes(dataset: Dataset, options: OutputOptions, shared: bool) -> int:
    """An upper estimate; without the videos where they are `shared` with the input."""
    made = {name for name, _ in shard_names(dataset)} if options.write_subtasks else set()
    size = sum((dataset.root / name).stat().st_size for name in made)
    size += 2 * sum(path.stat().st_size for path in dataset.layout.stats.files())
    frames = dataset.layout.frames * _ROOM_PER_FRAME
    copied = copied_bytes(dataset.root, made, copy_videos=options.copy_videos or not shared)
    return size + frames + copied + _ROOM_AT_LEAST


def write(
    dataset: Dataset,
    episodes: Mapping[int, Segmented],
    out: Path,
    provenance: dict[str, Any],
    options: OutputOptions,
    phase: Phase,
) -> CarriedVideos:
    """Write all of it into the empty folder `out`."""
    written = [SKILLS, MANIFEST]
    skillsfile.write(out / SKILLS, episodes)
    if options.write_subtasks:
        written += subtasks.write(dataset, episodes, out)
    elif write_totals(dataset, out / INFO):
        written.append(INFO)
    carried = carry_over(dataset.files, out, {*written, REPORT}, copy_videos=options.copy_videos, phase=phase)
    manifest.write(out / MANIFEST, {**provenance, "videos": carried.as_json()})
    return carried
