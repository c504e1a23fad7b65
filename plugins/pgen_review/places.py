"""Where a result has the files of a review: in `meta/` of a dataset, or beside a skills file alone."""

import json
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from pgen.safety.bounded_json import read_json
from pgen_lerobot.format import KEPT_SKILLS, MANIFEST, digest
from pgen_lerobot.read import read_manifest
from pgen_lerobot.skills import SkillsJson
from pgen_lerobot.write import SEGMENTATION_FILES
from pgen_results.reading import has_dialogue, is_segmentation
from pgen_review.event_file import Contents
from pgen_review.line_store import lines_of

SKILLS = SkillsJson.reads
SEGMENTATION = SEGMENTATION_FILES["segmentation.json"]


def is_alone(folder: Path) -> bool:
    """Return whether a folder is that of a skills file without a dataset."""
    return not (folder / "meta/info.json").is_file() and (folder / PurePath(SEGMENTATION).name).is_file()


def name_in(folder: Path, name: str) -> str:
    """Return the name that a file of a dataset has in a folder."""
    return PurePath(name).name if is_alone(folder) else name


def is_spans_alone(folder: Path) -> bool:
    """Return whether a folder is a segmentation without dialogue."""
    return is_segmentation(folder) and not has_dialogue(folder)


def reviewed_file(folder: Path) -> Path | None:
    """Return the file that a review is about: the lines of a result, or the skills of a segmentation."""
    return folder / name_in(folder, SKILLS) if is_spans_alone(folder) else lines_of(folder)


def spans_digest(folder: Path) -> str:
    """Return the hash of the spans in the skills file of dialogues; "" for a segmentation, and without such a file."""
    path = next((folder / name for name in (KEPT_SKILLS, SKILLS) if (folder / name).is_file()), None)
    if path is None or is_spans_alone(folder):
        return ""
    try:
        # As written: reading them as skills takes twice as long, at each opening.
        episodes = [
            (
                int(index),
                [(it["name"].strip(), float(it["start"]), float(it["end"]), bool(it.get("failed"))) for it in of],
            )
            for index, episode in read_json(path)["episodes"].items()
            if (of := episode["skills"])
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return digest(path)  # the spans are read from elsewhere
    return sha256(json.dumps(sorted(episodes)).encode()).hexdigest()


def contents_of(folder: Path) -> Contents:
    """Return the hashes of what a review of a folder is about."""
    path = reviewed_file(folder)
    return Contents(digest(path) if path else "", spans_digest(folder))


def record_of(folder: Path) -> dict[str, Any]:
    """Return the manifest of a result, or the record of a segmentation; empty where there is neither."""
    if is_spans_alone(folder):
        record: dict[str, Any] = read_json(folder / name_in(folder, SEGMENTATION))
        return record
    return read_manifest(folder) if (folder / MANIFEST).is_file() else {}
