"""Write meta/skills.json, alone or in a copy of the dataset, on request with its skills as subtasks."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from math import floor
from pathlib import Path
from typing import Any

from pgen.components import Phase
from pgen.errors import InputError
from pgen.records import Skill
from pgen.run import manifest
from pgen.storage.durable import write_text
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
from pgen_segment import subtasks
from pgen_segment.segmentation import Segmented

SKILLS = "meta/skills.json"
MANIFEST = "meta/pgen/segmentation.json"
DIGITS = 6
"""Decimals of a time in seconds: enough to tell frames apart, and without most of the noise of float32."""
_MIN_BYTES = 16_000_000
_BYTES_PER_FRAME = 16


def skills_json(episodes: Mapping[int, Segmented]) -> dict[str, Any]:
    """Return meta/skills.json as a JSON value (schema `skills`); `coarse_description` is the task of most episodes."""
    tasks = Counter(episode.task for _, episode in sorted(episodes.items()))
    return {
        "coarse_description": tasks.most_common(1)[0][0] if tasks else "",
        "skill_to_task_index": subtasks.skill_indices(episodes),
        "episodes": {
            str(index): {
                "episode_index": index,
                "description": episode.task,
                "skills": spans_json(episode.skills),
            }
            for index, episode in sorted(episodes.items())
        },
    }


def spans_json(skills: Iterable[Skill]) -> list[dict[str, Any]]:
    """Return spans as they are written; `failed` only where it is true."""
    return [
        {"name": it.name, "start": rounded(it.start), "end": rounded(it.end), **({"failed": True} if it.failed else {})}
        for it in skills
    ]


def levels_json(episodes: Mapping[int, Segmented]) -> dict[str, Any]:
    """Return the spans of each level by episode, for those that have levels."""
    return {
        str(index): {level: spans_json(skills) for level, skills in episode.levels.items()}
        for index, episode in sorted(episodes.items())
        if episode.levels
    }


def rounded(time: float) -> float:
    """Round a time, never to more than the timestamp of its frame.

    A reader that compares `start <= timestamp < end` then finds the same span for each frame as this package does,
    which allows for the noise of float32.
    """
    near = round(time, DIGITS)
    return near if near <= time else round(floor(time * 10**DIGITS) / 10**DIGITS, DIGITS)


def write_skills(path: Path, episodes: Mapping[int, Segmented]) -> None:
    """Write the skills file; the same spans give the same file."""
    write_text(path, [json.dumps(skills_json(episodes), indent=2, ensure_ascii=False), "\n"])


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


def needs_bytes(dataset: Dataset, *, with_subtasks: bool, copy_videos: bool) -> int:
    """Return an upper estimate of the output's size; of its videos only if they are copied."""
    rewritten = {name for name, _ in shard_names(dataset)} if with_subtasks else set()
    size = sum((dataset.root / name).stat().st_size for name in rewritten)
    size += 2 * sum(path.stat().st_size for path in dataset.layout.stats.files)
    frames = dataset.layout.frames * _BYTES_PER_FRAME
    copied = copied_bytes(dataset.root, rewritten, copy_videos=copy_videos)
    return size + frames + copied + _MIN_BYTES


def write(
    dataset: Dataset,
    episodes: Mapping[int, Segmented],
    out: Path,
    provenance: dict[str, Any],
    phase: Phase,
    *,
    with_subtasks: bool,
    copy_videos: bool,
) -> CarriedVideos:
    """Write the output into the empty folder `out`."""
    written = [SKILLS, MANIFEST]
    write_skills(out / SKILLS, episodes)
    if with_subtasks:
        written += subtasks.write(dataset, episodes, out)
    elif write_totals(dataset, out / INFO):
        written.append(INFO)
    carried = carry_over(dataset.files, out, {*written, REPORT}, copy_videos=copy_videos, phase=phase)
    manifest.write(out / MANIFEST, {**provenance, "videos": carried.as_json()})
    return carried
