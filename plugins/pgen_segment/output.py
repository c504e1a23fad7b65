"""Write a copy of the dataset with meta/skills.json and, on request, its skills as subtasks."""

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
_MIN_BYTES = 16_000_000
_BYTES_PER_FRAME = 16


class OutputOptions(Protocol):
    """The options of a run that concern its output."""

    @property
    def write_subtasks(self) -> bool: ...

    @property
    def copy_videos(self) -> bool: ...


def check(dataset: Dataset, overwrite: bool, with_subtasks: bool) -> None:
    """Raise InputError for a dataset that cannot be copied, or already has what would be written."""
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
    """Return an upper estimate of the output's size; without the videos if they are `shared` with the input."""
    rewritten = {name for name, _ in shard_names(dataset)} if options.write_subtasks else set()
    size = sum((dataset.root / name).stat().st_size for name in rewritten)
    size += 2 * sum(path.stat().st_size for path in dataset.layout.stats.files)
    frames = dataset.layout.frames * _BYTES_PER_FRAME
    copied = copied_bytes(dataset.root, rewritten, copy_videos=options.copy_videos or not shared)
    return size + frames + copied + _MIN_BYTES


def write(
    dataset: Dataset,
    episodes: Mapping[int, Segmented],
    out: Path,
    provenance: dict[str, Any],
    options: OutputOptions,
    phase: Phase,
) -> CarriedVideos:
    """Write the output into the empty folder `out`."""
    written = [SKILLS, MANIFEST]
    skillsfile.write(out / SKILLS, episodes)
    if options.write_subtasks:
        written += subtasks.write(dataset, episodes, out)
    elif write_totals(dataset, out / INFO):
        written.append(INFO)
    carried = carry_over(dataset.files, out, {*written, REPORT}, copy_videos=options.copy_videos, phase=phase)
    manifest.write(out / MANIFEST, {**provenance, "videos": carried.as_json()})
    return carried
