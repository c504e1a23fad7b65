"""Compare the two files of skills of a dataset: the one that users edit, and the spans that the labels follow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen.errors import PgenError
from pgen.labels import frame_ranges
from pgen.records import Episode
from pgen_lerobot.format import KEPT_SKILLS
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import SkillsJson
from pgen_lerobot.verify.problems import Problem

_EDITABLE = ("auto", SkillsJson.name)
"""Skills that a run reads from meta/skills.json."""


def problems(root: Path, manifest: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """Return a problem where the files differ; a note where the run was told to read its skills elsewhere."""
    try:
        differing = differing_episodes(root)
    except PgenError as error:
        yield Problem(SkillsJson.reads, f"cannot be read beside {KEPT_SKILLS}: {error}")
        return
    if not differing:
        return
    what = (
        f"differs from {KEPT_SKILLS}, which the labels follow, in {len(differing)} episodes, first in {differing[0]}; "
        "run `pgen annotate` again to use it"
    )
    if reads_own(manifest):
        yield Problem(SkillsJson.reads, what)
    else:
        notes.append(f"{SkillsJson.reads} {what}")


def reads_own(manifest: dict[str, Any]) -> bool:
    """Return whether the run took its skills from `meta/skills.json`."""
    recorded = manifest.get("source")
    source = recorded if isinstance(recorded, dict) else {}
    return source.get("skills", "auto") in _EDITABLE


def differing_episodes(root: Path) -> list[int]:
    """Return the episodes with other spans in `meta/skills.json` than in `meta/pgen/skills.json`, if both exist."""
    files = [root / SkillsJson.reads, root / KEPT_SKILLS]
    if not all(path.is_file() for path in files):
        return []
    own, kept = ({episode.index: _spans(episode) for episode in _episodes(root, path)} for path in files)
    return sorted(index for index, spans in kept.items() if own.get(index, []) != spans)


def _episodes(root: Path, skills: Path) -> Iterator[Episode]:
    source = LeRobotSource(root=root, skills=str(skills), views=0)
    source.open()
    return source.episodes()


def _spans(episode: Episode) -> list[tuple[str, range]]:
    return [(skill.name, frames) for skill, frames in zip(episode.skills, frame_ranges(episode), strict=True)]
